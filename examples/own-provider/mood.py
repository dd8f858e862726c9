"""A provider of one model, `mood`, in fifty lines: it says whether a text is pleased, displeased or neither, by its words.

It reads requests from standard input and writes answers to standard output, one JSON object a line. What it reads and
writes is specified in docs/guides/own-provider.md; put a model of your own in the place of mood()."""
import json
import re
import sys

PLEASED = {"great", "good", "love", "fast", "friendly", "perfect", "thanks", "helpful", "happy"}
DISPLEASED = {"bad", "broken", "late", "slow", "rude", "refund", "wrong", "missing", "angry"}


def words(text):
    return re.findall(r"[a-z']+", text.lower())


def mood(text):
    found = words(text)
    score = sum(word in PLEASED for word in found) - sum(word in DISPLEASED for word in found)
    return "pleased" if score > 0 else "displeased" if score < 0 else "neither"


def say(request, **what):
    print(json.dumps({"id": request["id"], **what}), flush=True)


def answer(request):
    if request.get("cancel"):
        return  # each answer is complete before the next line is read, so there is nothing left to stop
    if request["task"] != "chat" or request["model"] != "mood":
        say(request, failure={"kind": "caller", "message": "there is one model here, and it chats: 'mood'"})
        return
    asked = [part["text"] for message in request["messages"] if message["role"] == "user"
             for part in message["parts"] if part["type"] == "text"]
    text = "\n".join(asked)
    print("asked about %d characters" % len(text), file=sys.stderr)  # goes to the log
    say(request, text=mood(text), usage={"input": len(words(text)), "output": 1}, finish="stop")


def main():
    for line in sys.stdin:
        answer(json.loads(line))


if __name__ == "__main__":
    main()
