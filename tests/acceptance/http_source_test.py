"""[REQ-001] The http source before curl and senders of signed webhooks: who may post, to which paths, from which
pages; and secrets are nowhere to be found afterwards."""
import base64
import gzip
import hashlib
import hmac
import json
import subprocess
import time

from harness import Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory

PIPELINE = """
name: hooks
sources:
  - name: basic
    http: {path: /basic, auth: {basic: {user: till, password: "${PASSWORD}"}}}
  - name: bearer
    http: {paths: [/bearer, /bearer/*], path_header: X-Path, auth: {bearer: {token: "${OLD}", tokens: ["${NEW}"]}}}
  - name: github
    http: {path: /github, auth: {signature: {scheme: github, secret: "${SIGNING}"}}}
  - name: stripe
    http: {path: /stripe, auth: {signature: {scheme: stripe, secret: "${OLD}", secrets: ["${SIGNING}"]}}}
  - name: slack
    http: {path: /slack, format: text, auth: {signature: {scheme: slack, secret: "${SIGNING}"}}}
  - name: own
    http:
      path: /own
      auth:
        signature: {scheme: hmac, secret: "${SIGNING}", header: X-Sig, prefix: "sha512=", algorithm: sha512, encoding: base64}
  - name: page
    http: {path: /page, methods: [PUT], cors: {origins: ["https://shop.example"], headers: [Content-Type], max_age: 1h}}
sinks:
  - file: {path: out.ndjson}
"""
SECRETS = {"PASSWORD": "pass-Zm3q8", "OLD": "token-old-Xw91", "NEW": "token-new-Xw92", "SIGNING": "whsec_Kq7Tn2"}


def curl(port, path, *arguments):
    """(status, headers and body as curl prints them)"""
    done = subprocess.run(["curl", "-sS", "-i", "-m", "20", "http://127.0.0.1:%d%s" % (port, path), *arguments],
                          capture_output=True, timeout=30, check=True)
    text = done.stdout.decode()
    return int(text.split()[1]), text


JSON = ("-H", "Content-Type: application/json")


def curl_with_passwords_and_tokens(port):
    event = ("-d", '{"n":1}', *JSON)
    status, text = curl(port, "/basic", "-u", "till:" + SECRETS["PASSWORD"], *event)
    check_equal(status, 200, "basic: " + text)
    status, text = curl(port, "/basic", "-u", "till:wrong", *event)
    check_equal(status, 401, "a wrong password")
    check('www-authenticate: basic realm="colloquium"' in text.lower(), text)
    check_equal(curl(port, "/basic", *event)[0], 401, "no password")
    for secret in ("OLD", "NEW"):
        status, text = curl(port, "/bearer/" + secret, "--oauth2-bearer", SECRETS[secret], *event)
        check_equal(status, 200, "bearer: " + text)
    status, text = curl(port, "/bearer", "--oauth2-bearer", SECRETS["PASSWORD"], *event)
    check_equal(status, 401, "another token")
    check('error="invalid_token"' in text, text)
    return 3


def code(text, digest=hashlib.sha256):
    return hmac.new(SECRETS["SIGNING"].encode(), text, digest)


def signed_webhooks(port):
    """As the providers' documentation has them, by Python's hmac."""
    taken = 0

    def post(path, body, headers, wanted):
        nonlocal taken
        status, _, answer = request(port, "POST", path, body, {"Content-Type": "application/json", **headers})
        check_equal(status, wanted, "%s: %r" % (path, answer))
        taken += wanted == 200

    body = json.dumps({"action": "opened", "text": "Grüße"}).encode()
    github = lambda sent: {"X-Hub-Signature-256": "sha256=" + code(sent).hexdigest()}
    post("/github", body, github(body), 200)
    post("/github", body, github(body + b" "), 401)
    post("/github", body, {}, 401)
    packed = gzip.compress(body)
    post("/github", packed, {"Content-Encoding": "gzip", **github(packed)}, 200)
    post("/github", packed, {"Content-Encoding": "gzip", **github(body)}, 401)

    def stripe(when):
        return {"Stripe-Signature": "t=%d,v1=%s,v0=00" % (when, code(b"%d." % when + body).hexdigest())}

    now = int(time.time())
    post("/stripe", body, stripe(now), 200)
    post("/stripe", body, stripe(now - 1000), 401)

    form = b"token=x&text=hello"
    slack = lambda when: {"X-Slack-Request-Timestamp": str(when), "Content-Type": "application/x-www-form-urlencoded",
                          "X-Slack-Signature": "v0=" + code(b"v0:%d:" % when + form).hexdigest()}
    post("/slack", form, slack(now), 200)
    post("/slack", form, slack(now + 1000), 401)
    post("/slack", form + b"&text=other", slack(now), 401)
    own = base64.b64encode(code(body, hashlib.sha512).digest()).decode()
    post("/own", body, {"X-Sig": "sha512=" + own}, 200)
    post("/own", body, {"X-Sig": own}, 401)
    return taken


def pages_of_other_origins(port):
    def ask(method, headers):
        return request(port, method, "/page", b"1" if method == "PUT" else None,
                       {"Content-Type": "application/json", **headers})

    status, headers, _ = ask("OPTIONS", {"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"})
    check_equal(status, 204, "the browser's question")
    check_equal(headers.get("Access-Control-Allow-Origin"), "https://shop.example", "the origin")
    check_equal(headers.get("Access-Control-Allow-Methods"), "PUT, OPTIONS", "the methods")
    check_equal(headers.get("Access-Control-Max-Age"), "3600", "the age")
    status, headers, _ = ask("PUT", {"Origin": "https://shop.example"})
    check_equal((status, headers.get("Access-Control-Allow-Origin")), (200, "https://shop.example"), "the event")
    check_equal(ask("PUT", {"Origin": "https://evil.example"})[0], 403, "another page")
    check_equal(ask("POST", {})[0], 405, "another method")
    return 1


def who_may_post_and_who_may_not():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory, environment=SECRETS) as instance:
            taken = curl_with_passwords_and_tokens(instance.listen)
            taken += signed_webhooks(instance.listen)
            taken += pages_of_other_origins(instance.listen)
            out = directory / "out.ndjson"
            wait_for(lambda: out.exists() and len(read_lines(out)) >= taken, "%d events in the file" % taken)
            check_equal(instance.stop(), 0, instance.stderr())
            said = instance.stderr()
        check_equal(len(read_lines(directory / "out.ndjson")), taken, "events")
        nothing_shows_a_secret(directory, said)


def nothing_shows_a_secret(directory, said):
    _, plan, warnings = run(["run", "p.yaml", "--dry-run"], directory, environment=SECRETS)
    check("/bearer" in (directory / "p.yaml").read_text() and plan, "no plan")
    places = {"messages": said.encode(), "the plan": (plan + warnings).encode()}
    for path in directory.rglob("*"):
        if path.is_file() and path.name != "p.yaml":
            places[str(path)] = path.read_bytes()
    for place, content in places.items():
        for secret in SECRETS.values():
            check(secret.encode() not in content, "a secret is in " + place)


def settings_are_checked_before_anything_starts():
    with work_directory() as directory:
        (directory / "p.yaml").write_text(
            "name: p\nsources:\n  - http:\n      path: hooks/*/x\n      auth:\n        signature:\n"
            "          scheme: github\n          secret: ''\n          header: X-Mine\n"
            "      cors: {origins: [shop.example]}\nsinks: [{stdout: {}}]\n")
        status, _, said = run(["validate", "p.yaml"], directory)
        check_equal(status, 2, said)
        for part in ("p.yaml:4:", "path begins with '/'", "a secret that is not empty is needed", "p.yaml:9:",
                     "header is for scheme hmac", "p.yaml:10:", "'shop.example' is no origin"):
            check(part in said, "no %r in\n%s" % (part, said))


main(who_may_post_and_who_may_not, settings_are_checked_before_anything_starts)
