"""A fake of AI providers: OpenAI, Azure OpenAI, Anthropic, Google, Bedrock and Ollama on one port, with answers by a
script, faults at every phase of an answer, and a ledger of its own of what it would have billed.

    python3 tests/peers/fake_ai [--port N] [--script FILE] [--prices FILE] [--triage]

Python's standard library only. README.md beside this file tells how it is scripted and asked.
"""
