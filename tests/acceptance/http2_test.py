"""[REQ-001] HTTP/2 on the ingest port before curl: by ALPN over TLS, and with prior knowledge in the open; signed, large
and compressed bodies, refusals, and HTTP/1.1 beside it."""
import gzip
import json
import shutil
import subprocess

from harness import Instance, check, check_equal, main, read_lines, skip, wait_for, work_directory

PIPELINE = """
name: two
sources:
  - http: {path: /in}
  - name: secret
    http: {path: /secret, auth: {bearer: t0ken}}
sinks:
  - file: {path: out.ndjson}
"""


def curl(directory, url, *arguments):
    """(status, version of HTTP, body)"""
    kind = () if "--data-binary" in arguments else ("-H", "Content-Type: application/json")
    done = subprocess.run(["curl", "-sS", "-m", "30", "-w", "\n%{http_code} %{http_version}", *kind, *arguments, url],
                          cwd=directory, capture_output=True, timeout=40, check=False)
    check_equal(done.returncode, 0, done.stderr.decode())
    body, _, last = done.stdout.decode().rpartition("\n")
    status, version = last.split()
    return int(status), version, body


def requests(directory, url, *arguments):
    """What is the same with and without TLS; returns the events taken."""
    status, version, body = curl(directory, url + "/in", *arguments, "-d", '{"n":1}')
    check_equal((status, version), (200, "2"), body)
    check_equal(json.loads(body)["accepted"], 1, body)
    status, _, body = curl(directory, url + "/in", *arguments, "-d", '{"n":')
    check_equal((status, json.loads(body)["byte"]), (400, 5), body)
    check_equal(curl(directory, url + "/none", *arguments, "-d", "1")[0], 404, "another path")
    check_equal(curl(directory, url + "/secret", *arguments, "-d", "1")[0], 401, "no token")
    check_equal(curl(directory, url + "/secret", *arguments, "--oauth2-bearer", "t0ken", "-d", "2")[0], 200, "the token")
    lines = b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * 200) for n in range(10000))
    (directory / "lines").write_bytes(lines)
    ndjson = ("-H", "Content-Type: application/x-ndjson", "--data-binary")
    status, _, body = curl(directory, url + "/in", *arguments, *ndjson, "@lines")
    check_equal((status, json.loads(body)["accepted"]), (200, 10000), body)
    (directory / "lines.gz").write_bytes(gzip.compress(lines))
    status, _, body = curl(directory, url + "/in", *arguments, "-H", "Content-Encoding: gzip", *ndjson, "@lines.gz")
    check_equal((status, json.loads(body)["accepted"]), (200, 10000), body)
    return 1 + 1 + 20000


def requests_at_the_same_time(directory, url, *arguments):
    """Over one connection. curl 7.88 does so over TLS only: with prior knowledge it mistakes a connection that it reuses."""
    done = subprocess.run(["curl", "-sS", "-m", "30", "-w", "%{http_code} %{http_version}\n", "-Z", "--parallel-max", "50",
                           "-o", "/dev/null", *arguments, "-H", "Content-Type: application/json", "-d", '{"n":3}',
                           url + "/in?[1-200]"], cwd=directory, capture_output=True, timeout=40, check=False)
    check_equal(done.stdout.decode().split("\n"), ["200 2"] * 200 + [""], "two hundred requests " + done.stderr.decode())
    return 200


NODE = """
const session = require('http2').connect('http://127.0.0.1:' + process.argv[1]);
let left = 500, taken = 0;
const done = () => { if (--left == 0) { console.log(taken); session.close(); } };
for (let n = 0; n < 500; ++n) {
  const request = session.request({':method': 'POST', ':path': '/in', 'content-type': 'application/json'});
  request.on('response', headers => { if (headers[':status'] == 200) ++taken; });
  request.on('error', error => console.log(error.message));
  request.on('close', done);
  request.resume();
  request.end(JSON.stringify({n, pad: 'x'.repeat(n * 20)}));
}
"""


def requests_of_node(directory, port):
    """Five hundred at once over one connection, by Node's own HTTP/2."""
    if shutil.which("node") is None:
        print("node is not installed: its client is left out")
        return 0
    done = subprocess.run(["node", "-e", NODE, str(port)], cwd=directory, capture_output=True, timeout=60, check=False)
    check_equal(done.stdout.decode(), "500\n", "taken of node " + done.stderr.decode())
    return 500


def over_tls_and_in_the_open():
    said = subprocess.run(["curl", "--version"], capture_output=True, check=True).stdout.decode()
    if "HTTP2" not in said:
        skip("this curl speaks no HTTP/2")
    for tls in (False, True):
        with work_directory() as directory:
            (directory / "p.yaml").write_text(PIPELINE)
            arguments = []
            if tls:
                subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                "-days", "2", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "k.pem",
                                "-out", "c.pem"], cwd=directory, capture_output=True, check=True)
                arguments = ["--tls-certificate", "c.pem", "--tls-key", "k.pem"]
            with Instance("p.yaml", directory, arguments=arguments) as instance:
                if tls:
                    url, how = "https://127.0.0.1:%d" % instance.listen, ("--cacert", "c.pem", "--http2")
                else:
                    url, how = "http://127.0.0.1:%d" % instance.listen, ("--http2-prior-knowledge",)
                taken = requests(directory, url, *how)
                if tls:
                    taken += requests_at_the_same_time(directory, url, *how)
                else:
                    taken += requests_of_node(directory, instance.listen)
                one = curl(directory, url + "/in", "--http1.1", *how[:2 if tls else 0], "-d", '{"n":4}')
                check_equal(one[:2], (200, "1.1"), "HTTP/1.1")
                out = directory / "out.ndjson"
                wait_for(lambda: out.exists() and out.read_bytes().count(b"\n") >= taken + 1, "%d events" % (taken + 1))
                check_equal(instance.stop(), 0, instance.stderr())
            check_equal(len(read_lines(directory / "out.ndjson")), taken + 1, "events")


main(over_tls_and_in_the_open)
