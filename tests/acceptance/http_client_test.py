"""[REQ-016] The http_client source polls nginx and a scripted server: what has not changed does not come again, not
after a restart or a kill either; pages, formats, refusals and rates."""
import json
import os
import sys
import time

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, run, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import nginx  # noqa: E402
from cache import Unavailable  # noqa: E402
from receiver import HANG_UP, Receiver  # noqa: E402

PIPELINE = """
name: p
sources:
  - name: in
    http_client: {url: "%s", every: 20ms, %s}
sinks:
  - file: out.ndjson
"""


def replace(path, content):
    """A new file of that name, as editors and deployments do it."""
    with open(str(path) + ".new", "w", encoding="utf-8") as out:
        out.write(content)
    os.replace(str(path) + ".new", path)


def lines(directory):
    return read_lines(directory / "out.ndjson")


def polls(peer):
    return len(peer.requests())


def a_document_of_nginx_comes_when_it_has_changed():
    """nginx says what has changed (ETag, Last-Modified), over TLS with our certificate, compressed."""
    with work_directory() as directory:
        for name, authority in (("ca", None), ("server", "ca"), ("client", "ca")):
            nginx.certificate(directory, name, authority)
        (directory / "www").mkdir()
        document = directory / "www" / "state.json"
        replace(document, json.dumps({"version": 1, "text": "x" * 3000}))
        with nginx.Nginx(directory / "nginx", """
    ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key;
    ssl_client_certificate {0}/ca.pem; ssl_verify_client on;
    root {0}/www; gzip on; gzip_types *; default_type application/json;""".format(directory), "ssl") as peer:
            (directory / "p.yaml").write_text(PIPELINE % (
                "https://127.0.0.1:%d/state.json" % peer.port,
                "tls: {ca: ca.pem, certificate: client.pem, key: client.key}"))

            def versions():
                return [event["version"] for event in lines(directory)]

            def more_polls(count=5):
                before = polls(peer)
                wait_for(lambda: polls(peer) >= before + count, "further polls")

            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: versions() == [1], "the first document")
                more_polls()
                replace(document, json.dumps({"version": 2, "text": "y" * 4000}))
                wait_for(lambda: versions() == [1, 2], "the second document")
                more_polls()
                check_equal(instance.stop(), 0, instance.stderr())
            with Instance("p.yaml", directory) as instance:
                more_polls()
                replace(document, json.dumps({"version": 3, "text": "z" * 5000}))
                wait_for(lambda: versions() == [1, 2, 3], "the third document")
                instance.kill()
            check_equal([line.split()[8] for line in peer.requests()].count("200"), 3, "answers with a document")
            # A shorter one, which the door may not take for what it has of the one before.
            replace(document, json.dumps({"version": 4}))
            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: 4 in versions(), "the fourth document")
                more_polls()
                check_equal(instance.stop(), 0, instance.stderr())
            check_equal(versions(), [1, 2, 3, 4], "documents")


def pages_are_walked_and_an_interrupted_walk_is_begun_again():
    state = {"killed": False, "version": 1}

    def says(request):
        page = int(request.path.partition("page=")[2] or 1)
        tag = '"v%d"' % state["version"]
        if page == 1 and request.headers["If-None-Match"] == tag:
            return 304
        if page == 3 and not state["killed"]:
            return HANG_UP
        body = {"items": [{"page": page, "n": n} for n in range(3)]}
        if page < 4:
            body["next"] = "/list?page=%d" % (page + 1)
        return 200, {"ETag": tag, "Content-Type": "application/json"}, json.dumps(body).encode()

    with work_directory() as directory, Receiver(says) as peer:
        (directory / "p.yaml").write_text(PIPELINE % (peer.url + "/list", "split: /items, next: /next"))
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: any("page=3" in r.path for r in peer.requests), "the page that fails")
            wait_for(lambda: len(lines(directory)) == 6, "two pages")
            instance.kill()
        state["killed"] = True
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: len(lines(directory)) >= 18, "all pages")
            before = len(peer.requests)
            wait_for(lambda: len(peer.requests) >= before + 5, "further polls")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal([e["page"] for e in lines(directory)], [1] * 3 + [2] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3,
                    "pages: the two of the walk that was interrupted, and all of the one after")


def what_is_no_event_is_a_dead_letter_and_csv_is_read():
    with work_directory() as directory, Receiver(lambda _: (200, {}, b"a,b\n1,x\n2\n")) as peer:
        (directory / "p.yaml").write_text(
            PIPELINE % (peer.url, "format: {csv: {types: {a: integer}}}, rate: {requests: 1, per: 1h}"))
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: lines(directory), "an event")
            wait_for(lambda: instance.metric("colloquium_dead_letters_total"), "a dead letter")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal(lines(directory), [{"a": 1, "b": "x"}], "events")
        check_equal(len(peer.requests), 1, "requests, one an hour")


def a_busy_server_is_left_alone_for_as_long_as_it_says():
    times = []

    def says(_):
        times.append(time.monotonic())
        return (429, {"Retry-After": "2"}) if len(times) == 1 else (200, {}, b'{"n":1}')

    with work_directory() as directory, Receiver(says) as peer:
        (directory / "p.yaml").write_text(PIPELINE % (peer.url, "auth: {basic: {user: me, password: hunter2}}"))
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: lines(directory), "an event")
            check_equal(instance.stop(), 0, instance.stderr())
            check("answered 429" in instance.stderr() and "hunter2" not in instance.stderr(), instance.stderr())
        check(times[1] - times[0] >= 2, "asked again after %.1f s" % (times[1] - times[0]))
        check_equal(peer.requests[0].headers["Authorization"], "Basic bWU6aHVudGVyMg==", "the login")


def validate_says_what_is_wrong():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE % ("ftp://h/", "evry: 1s, auth: {bearer: \"a\\n\"}"))
        code, _, stderr = run(["validate", "p.yaml"], directory)
        check(code == 2 and "p.yaml:5:" in stderr and "did you mean 'every'" in stderr and "whole address" in stderr
              and "no header may have" in stderr, stderr)


try:
    main(a_document_of_nginx_comes_when_it_has_changed, pages_are_walked_and_an_interrupted_walk_is_begun_again,
         what_is_no_event_is_a_dead_letter_and_csv_is_read, a_busy_server_is_left_alone_for_as_long_as_it_says,
         validate_says_what_is_wrong)
except Unavailable as reason:
    skip(str(reason))
