"""[REQ-267] Each provider's connector asks aimock, a fake of all six that is not ours: whole program, one event in, one answer
out, and what the model wants of a tool."""
import json
import sys

from harness import REPOSITORY, check, check_equal, main, run, skip, work_directory

sys.path.insert(0, str(REPOSITORY / "tests/peers"))
from ai_sdk import AiMock, Unavailable  # noqa: E402

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "input_tokens": 7, "output_tokens": 3,
         "promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10, "inputTokens": 7, "outputTokens": 3,
         "totalTokens": 10}
TOOL = {"name": "look_up", "arguments": json.dumps({"id": 7})}
FIXTURES = {"fixtures": [
    {"match": {"userMessage": "hello"}, "response": {"content": "Hi there, and well met.", "usage": USAGE}},
    {"match": {"userMessage": "look it up"}, "response": {"toolCalls": [TOOL]}},
]}
# How each is set, and a model of it.
PROVIDERS = {
    "openai": ('openai: {api_key: k, base_url: "URL/v1"}', "gpt-4o-mini"),
    "openai responses": ('openai: {api_key: k, base_url: "URL/v1", api: responses}', "gpt-4o-mini"),
    "anthropic": ('anthropic: {api_key: k, base_url: "URL"}', "claude-haiku-4-5"),
    "google": ('google: {api_key: k, base_url: "URL"}', "gemini-2.5-flash"),
    "azure": ('azure: {api_key: k, base_url: "URL", deployments: {gpt-4o-mini: gpt-4o-mini}}', "gpt-4o-mini"),
    "bedrock": ('bedrock: {region: us-east-1, base_url: "URL", access_key_id: a, secret_access_key: s}',
                "anthropic.claude-haiku-4-5-20251001-v1:0"),
    "ollama": ('ollama: {base_url: "URL"}', "llama3.2"),
}
PIPELINE = """
name: asked
ai: {providers: [{name: one, %s}]}
sources: [{stdin: {}}]
stages: [{name: answer, ai: {models: ["one/%s"], %s, parameters: {max_output_tokens: 50}, details: /asked}}]
sinks: [{stdout: {}}]
"""
TOOLS = "tools: [{name: look_up, description: finds it, parameters: {type: object, properties: {id: {type: integer}}}}]"


def ask(mock, provider, question, more=""):
    """The event that comes out."""
    settings, model = PROVIDERS[provider]
    with work_directory() as directory:
        asks = 'user: "{{ $input/q }}"' + (", " + more if more else "")
        (directory / "p.yaml").write_text(PIPELINE % (settings.replace("URL", mock.url), model, asks))
        code, out, err = run(["run", "p.yaml", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], directory,
                             stdin=json.dumps({"q": question}).encode() + b"\n")
        check_equal((code, out.count("\n")), (0, 1), "%s: %s" % (provider, err))
        return json.loads(out)


def every_connector_understands_a_fake_that_is_not_ours():
    try:
        mock = AiMock(FIXTURES)
    except Unavailable as why:
        skip(str(why))
    with mock:
        for provider in PROVIDERS:
            event = ask(mock, provider, "hello")
            check_equal(event["answer"], "Hi there, and well met.", provider)
            # aimock tells Ollama's callers of no tokens.
            if provider != "ollama":
                check_equal(event["asked"]["tokens"], {"input": 7, "output": 3}, provider + ": tokens")
            call = ask(mock, provider, "look it up", TOOLS)["answer"]["tool_calls"][0]
            check_equal((call["name"], call["arguments"]), ("look_up", {"id": 7}), provider + ": a call of a tool")
            print("    %s: text and tool" % provider)
        # Its files and batches are OpenAI's, and say the same to everybody; it has none of Anthropic's.
        for provider in ("openai", "openai responses"):
            event = ask(mock, provider, "hello", "batch: {size: 1, poll: 50ms}")
            check_equal(event["answer"], "Mock batch completion", provider + ": a batch")
            print("    %s: a batch" % provider)


main(every_connector_understands_a_fake_that_is_not_ours)
