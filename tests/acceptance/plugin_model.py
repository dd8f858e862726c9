"""A provider for ai_plugin_test.py, as a program or, with a port file as its argument, as an HTTP endpoint. It answers a text
with its words, one a line, unless the text says what else it is to do:

  hold        nothing comes, until it is cancelled     first TEXT   a word, and then nothing
  status N M  refused with HTTP's status N, M times    refuse KIND M  refused at once, M times
  rubbish     lines that are no answers come between   break        the answer breaks off

The journal, a file named by JOURNAL, has a line for each thing that happens."""
import http.server
import json
import os
import sys
import threading

LOCK = threading.Lock()
REFUSED = {}


def note(*what):
    with LOCK, open(os.environ["JOURNAL"], "a", encoding="utf-8") as journal:
        journal.write(json.dumps(what) + "\n")


def text_of(request):
    if request["task"] == "embed":
        return " ".join(request["inputs"])
    return "".join(part["text"] for message in request["messages"] for part in message["parts"] if part["type"] == "text")


def refusals_left(text, times):
    with LOCK:
        REFUSED[text] = REFUSED.get(text, 0) + 1
        return REFUSED[text] <= times


def lines_of(request):
    """The lines of an answer; None stands for waiting without end."""
    text = text_of(request)
    if request["task"] == "embed":
        yield from ({"embedding": {"index": i, "vector": [len(each), 0.5]}} for i, each in enumerate(request["inputs"]))
    words = text.split(" ")
    if words[0] == "refuse" and refusals_left(text, int(words[2])):
        yield {"failure": {"kind": words[1], "message": "not now", "retry_after_ms": 20}}
        return
    if words[0] == "hold":
        yield None
    for i, word in enumerate(words if request["task"] == "chat" else []):
        yield {"text": (" " if i else "") + word}
        if words[0] == "first":
            yield None
        if words[0] == "rubbish":
            yield "loading the model"
        if words[0] == "break":
            return
    yield {"usage": {"input": len(words), "output": 2 * len(words)}, "finish": "stop"}


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        words = text_of(request).split(" ")
        note("asked", text_of(request), self.headers["Authorization"])
        if words[0] == "status" and refusals_left(text_of(request), int(words[2])):
            body = b"go away"
            self.send_response(int(words[1]))
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Connection", "close")
        self.end_headers()
        for line in lines_of(request):
            self.wfile.write((json.dumps(line) + "\n").encode())
            self.wfile.flush()
        self.close_connection = True


def serve(port_file):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    with open(port_file + ".new", "w", encoding="ascii") as told:
        told.write(str(server.server_port))
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


def read():
    note("started", os.getpid(), os.environ.get("GREETING"))
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("cancel"):
            note("cancelled", request["id"])
            print(json.dumps({"id": request["id"], "finish": "other"}), flush=True)
            continue
        note("asked", text_of(request), os.getpid())
        for what in lines_of(request):
            if what is None:
                break
            print(what if isinstance(what, str) else json.dumps({"id": request["id"], **what}), flush=True)
    note("ended", os.getpid())


if len(sys.argv) > 1:
    serve(sys.argv[1])
else:
    read()
