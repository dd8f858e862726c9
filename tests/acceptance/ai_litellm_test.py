"""[REQ-267] The openai connector before litellm's proxy, a gateway that is not ours and answers without a model: whole program,
text, stream and what it cost."""
import contextlib
import json
import os
import socket
import subprocess
import sys

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, request, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests/peers"))
import litellm_proxy  # noqa: E402

SAID = "Hi there, and well met: this is no model."
MODEL = {"model": "openai/gpt-4o-mini", "api_key": "none", "mock_response": SAID}
PIPELINE = """
name: asked
ai: {providers: [{name: one, openai: {api_key: k, base_url: "http://127.0.0.1:%d/v1"}, retry: {attempts: 1}}]}
sources:
  - openai_api: {models: {gpt-4o-mini: [one/gpt-4o-mini]}}
  - http: {path: /in}
stages:
  - filter: "= $input/q != null"
  - {name: answer, ai: {models: [one/gpt-4o-mini], user: "{{ $input/q }}", parameters: {max_output_tokens: 50}, details: /asked}}
sinks: [{file: {path: out.ndjson}}]
commit: {interval: 50ms}
"""


@contextlib.contextmanager
def litellm(directory):
    """Its port, once it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = litellm_proxy.command(directory, port, {"gpt-4o-mini": MODEL})
    with open(directory / "litellm.log", "wb") as log:
        process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**os.environ, **litellm_proxy.ENVIRONMENT})

    def listens():
        check(process.poll() is None, (directory / "litellm.log").read_text()[-2000:])
        with socket.socket() as peer:
            return peer.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(listens, "litellm listens", 90)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def litellm_answers_events_and_clients():
    with work_directory() as directory, litellm(directory) as port:
        (directory / "p.yaml").write_text(PIPELINE % port)
        with Instance("p.yaml", directory) as instance:
            request(instance.listen, "POST", "/in", json.dumps({"q": "hello"}), {"Content-Type": "application/json"})
            wait_for(lambda: read_lines(directory / "out.ndjson"), "the event is answered")
            event = read_lines(directory / "out.ndjson")[0]
            check_equal(event["answer"], SAID, "the answer")
            tokens = event["asked"]["tokens"]
            check(tokens["input"] > 0 and tokens["output"] > 0, tokens)
            check(event["asked"]["cost_usd"] > 0 and not event["asked"].get("estimated"), event["asked"])
            body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "stream": True,
                    "stream_options": {"include_usage": True}}
            status, _, streamed = request(instance.listen, "POST", "/v1/chat/completions", json.dumps(body),
                                          {"Content-Type": "application/json"})
            check_equal(status, 200, streamed)
            lines = [line[6:] for line in streamed.decode().splitlines() if line.startswith("data: ")]
            check_equal(lines.pop(), "[DONE]", "the end")
            chunks = [json.loads(line) for line in lines]
            texts = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"]]
            check_equal("".join(texts), SAID, "the stream")
            check(len([text for text in texts if text]) > 1, "it comes in pieces: %r" % texts)
            check(chunks[-1]["usage"]["completion_tokens"] > 0, chunks[-1])


try:
    litellm_proxy.program()
except litellm_proxy.Unavailable as reason:
    skip(str(reason))
main(litellm_answers_events_and_clients)
