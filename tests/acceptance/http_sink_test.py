"""[REQ-016] The http sink against real peers: batches, URLs made of events, logins and tokens, TLS with certificates
on both sides (nginx), proxies, and answers that mean something else than usual."""
import gzip
import json
import sys
import threading

from harness import REPOSITORY, Instance, check, check_equal, main, request, run, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import nginx  # noqa: E402
from cache import Unavailable  # noqa: E402
from receiver import HANG_UP, ConnectProxy, Receiver  # noqa: E402

RUN = ["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
RETRY = "errors: {retry: {policy: fixed, initial: 10ms, attempts: 3}}\n"


def write_pipeline(directory, events, sink, extra=RETRY):
    (directory / "in.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events))
    (directory / "p.yaml").write_text("name: p\nsources: [{file: in.ndjson}]\nsinks:\n  - %s\n%s" % (sink, extra))


def run_pipeline(directory, events, sink, extra=RETRY):
    write_pipeline(directory, events, sink, extra)
    code, stdout, stderr = run(RUN, directory)
    check(code == 0, "ended with %d:\n%s" % (code, stderr))
    return stdout + stderr


def dead_letters(directory):
    code, stdout, stderr = run(["log", "cat", "p.dead", "--data-dir", "data", "--format", "ndjson"], directory)
    check(code == 0, stderr)
    return [json.loads(line) for line in stdout.splitlines()]


def batches_arrive_whole_and_once_by_their_keys():
    """Each tenth answer is lost after the receiver took the request, each seventh request is refused with 503 once."""
    taken, count = {}, [0]

    def says(request):
        count[0] += 1
        if count[0] % 7 == 0:
            return 503
        key = request.headers["Idempotency-Key"]
        check(taken.setdefault(key, request.body) == request.body, "one key, two bodies")
        return HANG_UP if count[0] % 10 == 0 else 200

    events = [{"n": n, "text": "x" * (n % 300)} for n in range(5000)]
    with work_directory() as directory, Receiver(says) as receiver:
        run_pipeline(directory, events, 'http: {url: "%s/in", format: ndjson, batch: {events: 64}, compression: gzip}'
                     % receiver.url)
        got = [json.loads(line) for body in taken.values() for line in gzip.decompress(body).splitlines()]
        check(got == events, "not every event once and in order: %d of %d" % (len(got), len(events)))
        check(count[0] > len(taken), "no request came twice: the test shows nothing")
        check(len(taken) < 5000 / 50, "%d requests are no batches" % len(taken))
        types = {(r.headers["Content-Type"], r.headers["Content-Encoding"]) for r in receiver.requests}
        check_equal(types, {("application/x-ndjson", "gzip")}, "content type and encoding")


def events_accepted_one_by_one_share_batches_where_they_may():
    """The receiver holds its first answer until all events are accepted, each by a request of its own."""
    count = 100
    for join in (True, False):
        accepted = threading.Event()

        def says(_, accepted=accepted):
            accepted.wait(120)
            return 200

        with work_directory() as directory, Receiver(says) as receiver:
            (directory / "p.yaml").write_text(
                "name: p\nsources: [{http: {path: /in}}]\nsinks:\n"
                "  - http: {url: %s, format: ndjson, batch: {events: 60, join: %s}}\n" % (receiver.url, str(join).lower()))
            with Instance("p.yaml", directory) as instance:
                for n in range(count):
                    status, _, body = request(instance.listen, "POST", "/in", json.dumps({"n": n}))
                    check_equal(status, 200, body)
                accepted.set()
                events = []

                def arrived(events=events, receiver=receiver):
                    events[:] = [json.loads(line) for r in list(receiver.requests) for line in r.body.splitlines()]
                    return len(events) >= count
                wait_for(arrived, "all events")
                check_equal(events, [{"n": n} for n in range(count)], "what arrived")
                requests = len(receiver.requests)
                check(requests < count / 2 if join else requests > count * 0.9, "join %s: %d requests" % (join, requests))


def too_large_a_batch_is_split_and_only_the_large_event_is_lost():
    got = []

    def says(request):
        if len(request.body) > 1000:
            return 413
        got.extend(json.loads(request.body))
        return 200

    events = [{"n": n, "text": "x" * (2000 if n == 77 else 20)} for n in range(200)]
    with work_directory() as directory, Receiver(says) as receiver:
        write_pipeline(directory, events, 'http: {url: "%s", batch: {}}' % receiver.url)
        code, _, stderr = run(RUN, directory)
        check(code in (0, 1), stderr)
        check_equal(got, events[:77] + events[78:], "what was taken")
        letters = dead_letters(directory)
        check_equal([letter["event"]["n"] for letter in letters], [77], "dead letters")
        check("answered 413" in json.dumps(letters[0]["error"]), letters[0])


def events_choose_their_place_and_their_body():
    with work_directory() as directory, Receiver() as receiver:
        events = [{"customer": "acme", "id": 1}, {"customer": "../admin", "id": 2}, {"customer": "..", "id": 3},
                  {"customer": "a&b=c", "id": 4}]
        write_pipeline(directory, events, """http:
      url: "%s/c/{$input/customer}/orders?id={$input/id}&for={$input/customer}"
      headers: {X-Id: "{event_metadata/id}", Content-Type: text/xml}
      format: {template: {text: '= strConcat("<order>", $input/id, "</order>")', line_break: false}}""" % receiver.url)
        code, _, stderr = run(RUN, directory)
        check(code in (0, 1), stderr)
        check_equal([r.path for r in receiver.requests],
                    ["/c/acme/orders?id=1&for=acme", "/c/..%2Fadmin/orders?id=2&for=..%2Fadmin",
                     "/c/a%26b%3Dc/orders?id=4&for=a%26b%3Dc"], "paths")
        first = receiver.requests[0]
        check_equal((first.body, first.headers["Content-Type"]), (b"<order>1</order>", "text/xml"), "body")
        check_equal(first.headers["X-Id"], first.headers["Idempotency-Key"], "the event's id")
        check_equal([letter["event"]["id"] for letter in dead_letters(directory)], [3], "dead letters")


def statuses_mean_what_the_settings_say():
    def says(request):
        event = json.loads(request.body)
        event["seen"] = seen[event["n"]] = seen.get(event["n"], 0) + 1
        return event["status"] if event["seen"] == 1 or event["n"] < 3 else 200

    seen = {}
    events = [{"n": 0, "status": 409}, {"n": 1, "status": 410}, {"n": 2, "status": 502}, {"n": 3, "status": 404}]
    with work_directory() as directory, Receiver(says) as receiver:
        write_pipeline(directory, events, 'http: {url: "%s", status: {done: 409, drop: 410, dead_letter: "502-504", retry: 404}}'
                       % receiver.url)
        code, _, stderr = run(RUN, directory)
        check(code in (0, 1), stderr)
        check_equal(seen, {0: 1, 1: 1, 2: 1, 3: 2}, "how often each was sent")
        check_equal([letter["event"]["n"] for letter in dead_letters(directory)], [2], "dead letters")


def tokens_are_shared_and_renewed_and_never_shown():
    """The token is revoked half way; the client has to get another one, once, and no message may show a secret."""
    given, used, bad = [], [], []

    def says(request):
        if request.path == "/token":
            check_equal(request.headers["Authorization"], "Basic Y29sbG9xdWl1bTpodW50ZXIy", "colloquium:hunter2")
            check_equal(request.body, b"grant_type=client_credentials&scope=orders.write", "the request for a token")
            given.append("secret-token-%d" % len(given))
            return 200, {"Content-Type": "application/json"}, json.dumps(
                {"access_token": given[-1], "token_type": "Bearer", "expires_in": 3600}).encode()
        token = request.headers["Authorization"]
        if len(used) == 50 and not bad:
            bad.append(token)
        if token in bad or token != "Bearer " + given[-1]:
            return 401, {}, b"revoked"
        used.append(json.loads(request.body))
        return 204

    events = list(range(100))
    with work_directory() as directory, Receiver(says) as receiver:
        told = run_pipeline(directory, events, """http:
      url: "%s/in"
      auth: {oauth2: {token_url: "%s/token", client_id: colloquium, client_secret: hunter2, scopes: [orders.write]}}"""
                            % (receiver.url, receiver.url))
        check_equal(used, events, "what was taken")
        check_equal(len(given), 2, "tokens given out")
        check("hunter2" not in told and "secret-token" not in told, "a secret was shown:\n" + told)
        for verb in (["validate", "p.yaml", "--explain"], ["validate", "p.yaml", "--format", "json"]):
            _, stdout, stderr = run(verb, directory)
            check("hunter2" not in stdout + stderr, "validate shows a secret")


def a_peer_with_certificates_is_spoken_to_with_ours():
    """nginx asks for a client's certificate; who shows none, or trusts another authority, sends nothing and waits."""
    with work_directory() as directory:
        for name, authority in (("ca", None), ("server", "ca"), ("client", "ca"), ("stranger", None)):
            nginx.certificate(directory, name, authority)
        with Receiver() as receiver, nginx.Nginx(
                directory / "nginx", """
    ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key;
    ssl_client_certificate {0}/ca.pem; ssl_verify_client on;
    location / {{ proxy_pass {1}; proxy_set_header X-Subject $ssl_client_s_dn; }}""".format(directory, receiver.url),
                "ssl") as peer:
            url = "https://127.0.0.1:%d/in" % peer.port
            run_pipeline(directory, [1, 2], 'http: {url: "%s", tls: {ca: ca.pem, certificate: client.pem, key: client.key}}' % url)
            check_equal([(r.body, r.headers["X-Subject"]) for r in receiver.requests],
                        [(b"1", "CN=127.0.0.1"), (b"2", "CN=127.0.0.1")], "what came through nginx")
            for tls, why in (("tls: {ca: stranger.pem}", "tls.ca names the one to trust"),
                             ("tls: {ca: ca.pem}", "answered 400")):
                write_pipeline(directory, [3], 'http: {url: "%s", %s}' % (url, tls),
                               "errors: {retry: {policy: none}}\n")
                _, _, stderr = run(["run", "p.yaml", "--data-dir", "other", "--from-start", *RUN[4:]], directory)
                check(why in stderr, "%s:\n%s" % (tls, stderr))
            check_equal(len(receiver.requests), 2, "requests of strangers came through")
            write_pipeline(directory, [3], 'http: {url: "%s", tls: {ca: nowhere.pem}}' % url)
            code, _, stderr = run(["validate", "p.yaml"], directory)
            check(code == 2 and "there is no file" in stderr and "nowhere.pem" in stderr, stderr)


def proxies_are_gone_through_with_their_password():
    with work_directory() as directory:
        for name, authority in (("ca", None), ("server", "ca")):
            nginx.certificate(directory, name, authority)
        through = 'http: {url: "%s", tls: {ca: ca.pem}, proxy: "http://me:hunter2@127.0.0.1:%d", headers: {X-Token: t}}'
        with Receiver() as receiver, nginx.Nginx(directory / "nginx", """
    ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key;
    location / {{ proxy_pass {1}; }}""".format(directory, receiver.url), "ssl") as peer, \
                ConnectProxy("me", "hunter2") as proxy:
            run_pipeline(directory, [1], through % ("https://127.0.0.1:%d/in" % peer.port, proxy.port))
            check_equal([r.body for r in receiver.requests], [b"1"], "what came through the tunnel")
            check(not any(line.lower().startswith(("x-token", "authorization")) for line in proxy.heads[0]),
                  "the proxy was told what is for the receiver: %s" % proxy.heads[0])
        # Without TLS the proxy has the whole request: nginx, which passes on what it is asked for.
        with Receiver() as receiver, nginx.Nginx(directory / "plain", """
    location / {
      if ($http_proxy_authorization != "Basic bWU6aHVudGVyMg==") { return 407; }
      proxy_pass http://$http_host$request_uri; proxy_set_header Proxy-Authorization "";
    }""") as proxy:
            run_pipeline(directory, [2], through % (receiver.url + "/in", proxy.port))
            check_equal([(r.body, r.path) for r in receiver.requests], [(b"2", "/in")], "what came through nginx")
            write_pipeline(directory, [3], (through % (receiver.url + "/in", proxy.port)).replace("hunter2", "wrong1"))
            with Instance("p.yaml", directory, data_dir="other") as instance:
                wait_for(lambda: "answered 407" in instance.stderr(), "the proxy's refusal to be told")
                check("wrong1" not in instance.stderr(), "the proxy's password is shown")
                check_equal(instance.metric("colloquium_dead_letters_total") or 0, 0, "dead letters")
            check_equal(len(receiver.requests), 1, "requests that came through")


try:
    main(batches_arrive_whole_and_once_by_their_keys, events_accepted_one_by_one_share_batches_where_they_may,
         too_large_a_batch_is_split_and_only_the_large_event_is_lost,
         events_choose_their_place_and_their_body, statuses_mean_what_the_settings_say,
         tokens_are_shared_and_renewed_and_never_shown, a_peer_with_certificates_is_spoken_to_with_ours,
         proxies_are_gone_through_with_their_password)
except Unavailable as reason:
    skip(str(reason))
