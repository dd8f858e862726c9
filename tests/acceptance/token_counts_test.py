"""[REQ-062] `ai tokens` asks the providers that count, of a fake of them: what they say stands beside the estimate."""
import re
import sys

from harness import REPOSITORY, check, check_equal, main, run, work_directory

sys.path.insert(0, str(REPOSITORY / "tests/peers"))
from fake_ai_server import FakeAi  # noqa: E402

PIPELINE = """
name: p
ai:
  providers:
    - name: claude
      anthropic: {api_key: %(key)s, base_url: "%(url)s"}
    - name: gemini
      google: {api_key: %(key)s, base_url: "%(url)s"}
    - name: aws
      bedrock: {base_url: "%(url)s", region: us-east-1, access_key_id: AKIDEXAMPLE,
                secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY}
    - openai: {api_key: %(key)s, base_url: "%(url)s/v1"}
sources: [{stdin: {}}]
sinks: [{stdout: {}}]
"""


def count(directory, *arguments, text=b"twelve bytes"):
    return run(["ai", "tokens", "--pipeline", "p.yaml", *arguments], directory, stdin=text)


def providers_count_as_they_do():
    with FakeAi() as fake, work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % {"url": fake.url, "key": "fake-key"})
        for model in ("claude/claude-haiku-4-5", "gemini/gemini-2.5-flash", "aws/anthropic.claude-3-haiku-20240307-v1:0"):
            code, out, err = count(directory, "--model", model)
            check_equal((code, err), (0, ""), model)
            check(re.fullmatch(r"6 by %s, \d+ by estimate\n" % re.escape(model), out), out)
            print("    " + out.strip())
        check_equal(fake.ledger()["totals"]["calls"], 0, "nothing is billed")


def what_cannot_be_counted_is_told():
    with FakeAi() as fake, work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % {"url": fake.url, "key": "fake-key"})
        for arguments, wanted in ((["--model", "openai/gpt-4o-mini"], "has no API that counts"), (["--model", "gpt-4o-mini"], "is no model"),
                                  (["--model", "other/m"], "it has claude, gemini, aws, openai"), ([], "go together"),
                                  (["--model", "claude/m", "--each"], "go together")):
            code, out, err = count(directory, *arguments)
            check((code, out) == (2, "") and wanted in err, "%s: %d %s" % (arguments, code, err))
        fake.fault("status", error="overloaded")
        code, out, err = count(directory, "--model", "claude/m")
        check((code, out) == (1, "") and "'claude' did not count: Overloaded" in err, err)
        (directory / "p.yaml").write_text(PIPELINE % {"url": fake.url, "key": "another"})
        code, out, err = count(directory, "--model", "claude/m")
        check((code, out) == (1, "") and "did not count" in err and "another" not in err, err)


main(providers_count_as_they_do, what_cannot_be_counted_is_told)
