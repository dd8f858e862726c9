"""[REQ-001] [REQ-016] [REQ-018] [REQ-277] Real GitHub webhooks through an identity script: byte-identical but for white
space around the value through an http sink, one line each and equal as JSON through the file sink."""
import http.server
import json
import threading

from harness import Instance, check, main, read_lines, request, shared, wait_for, work_directory

PIPELINE = """
name: github
sources:
  - http: {path: /github}
stages:
  - computo: ["$input"]
sinks:
  - http: {url: "http://127.0.0.1:%d/receive"}
  - file: {path: out.ndjson}
"""


def payloads_arrive_as_they_were_sent():
    files = sorted(shared("data/github-webhooks").glob("*.json"))
    check(len(files) == 14, "expected 14 payloads, found %d" % len(files))
    received = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["Idempotency-Key"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % receiver.server_port)
        with Instance("p.yaml", directory) as instance:
            for file in files:
                status, _, body = request(instance.listen, "POST", "/github", file.read_bytes(),
                                          {"Content-Type": "application/json"})
                check(status == 200, "%s was answered %d: %r" % (file.name, status, body))
            wait_for(lambda: len(received) >= len(files), "the receiver to get every payload")
            check(instance.stop() == 0, instance.stderr())
        for file, (_, body) in zip(files, received):
            check(body == file.read_bytes().strip(), file.name + " arrived changed")
        check(len({key for key, _ in received}) == len(files), "idempotency keys are not unique")
        text = (directory / "out.ndjson").read_text()
        check(text.count("\n") == len(files), "not one line each")
        check(read_lines(directory / "out.ndjson") == [json.loads(file.read_text()) for file in files],
              "a payload is not equal as JSON")


main(payloads_arrive_as_they_were_sent)
