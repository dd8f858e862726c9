"""[REQ-009] Every pipeline on a component's page is run, as it stands there, with a real peer in the place of the one that
it names: events go in at one end and come out at the other. An example without a story here fails the test.

What is replaced are addresses, and TLS where the peer of the test has none; that a replaced text is there is checked."""
import asyncio
import concurrent.futures
import contextlib
import gzip
import hashlib
import hmac
import json
import sys

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, request, run, wait_for, work_directory
from compliance_rows import Streamer

for folder in ("tests/peers", "tests/quality"):
    sys.path.insert(0, str(REPOSITORY / folder))
import docs  # noqa: E402
import kafka  # noqa: E402
import mosquitto  # noqa: E402
import postgres  # noqa: E402
from cache import Unavailable  # noqa: E402
from fake_ai_server import FakeAi  # noqa: E402
from receiver import Receiver  # noqa: E402

PAGES = REPOSITORY / "src" / "components"
ORDERS = [{"id": n, "total": 15 * n, "customer": "c%d" % (n % 3), "tenant": "t1"} for n in range(1, 101)]
LISTEN = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
JSON, NDJSON = {"Content-Type": "application/json"}, {"Content-Type": "application/x-ndjson"}
STORIES = {}


def examples():
    """{(page, number from 1): its text}"""
    found = {}
    for page in sorted(PAGES.glob("*/README.md")):
        texts = [content for _, words, content in docs.blocks(page.read_text()) if words[:2] == ["yaml", "pipeline"]]
        found.update({(page.parent.name, number): text for number, text in enumerate(texts, 1)})
    return found


TEXTS = examples()


def story(page, number):
    """Tells how one example is run, given its folder and the function that puts it there: write({what: instead})."""
    def add(function):
        STORIES[page, number] = function
        return function
    return add


def tell(which):
    with work_directory() as directory:
        def write(changes=None):
            text = TEXTS[which]
            for old, new in (changes or {}).items():
                check(old in text, "%r is not in the example any more" % old)
                text = text.replace(old, new)
            (directory / "p.yaml").write_text(text)
            return "p.yaml"
        try:
            STORIES[which](directory, write)
        except Unavailable as why:
            return "skipped: %s" % why
        except (AssertionError, OSError, RuntimeError, LookupError, ValueError) as error:
            return "FAILED %s" % error
    return "ok"


def lines(events):
    return "".join(json.dumps(event) + "\n" for event in events)


def ended(directory, name, stdin=None):
    code, out, err = run(["run", name, *LISTEN], directory, stdin=stdin)
    check_equal(code, 0, "exit code: " + err)
    return out


def stopped(instance):
    check_equal(instance.stop(), 0, "exit code:\n" + instance.stderr()[-2000:])


def post(instance, path, events, headers=None):
    status, _, answer = request(instance.listen, "POST", path, lines(events), {**NDJSON, **(headers or {})})
    check_equal((status, json.loads(answer)["accepted"]), (200, len(events)), "a post to %s: %r" % (path, answer))


def put(directory, name, text):
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)


def in_output(instance, events, what):
    """Whether the sink `stdout`, which shares a file with our messages here, has them."""
    def there():
        found = [line for line in instance.stderr().splitlines() if line.startswith("{")]
        return [json.loads(line) for line in found] == events
    wait_for(there, "%s in the output" % what)


# --- a program's own input and output, files, programs

@story("computo", 1)
def large_orders(directory, write):
    out = ended(directory, write(), lines([{"id": 1, "total": 2000, "note": "x"}, {"id": 2, "total": 5}]).encode())
    check_equal(out, '{"id":1,"total":2000}\n', "what comes out")


@story("stdio", 1)
def filter_stdin(directory, write):
    out = ended(directory, write(), lines(ORDERS).encode())
    check_equal(out.count("\n"), len(ORDERS), "orders of more than 10")
    check_equal(ended(directory, write(), b'{"total":10}\n'), "", "an order of 10")


@story("file", 1)
def copy_orders(directory, write):
    put(directory, "in/orders.ndjson", lines(ORDERS))
    ended(directory, write())
    check_equal(read_lines(directory / "out" / "orders.ndjson"), ORDERS, "the copy")


@story("file", 2)
def followed_logs(directory, write):
    put(directory, "logs/app.log", "2026-01-01 one\n  at a\n2026-01-01 two\n2026-01-01 three\n")
    with Instance(write(), directory) as instance:
        wait_for(lambda: len(read_lines(directory / "out" / "logs.ndjson")) >= 2, "two records")
        stopped(instance)
    check_equal(read_lines(directory / "out" / "logs.ndjson")[:2], ["2026-01-01 one\n  at a", "2026-01-01 two"], "records")


@story("file", 3)
def orders_by_customer(directory, write):
    put(directory, "in/orders.ndjson", lines(ORDERS))
    ended(directory, write())
    found = {}
    for path in (directory / "out").glob("*/*.ndjson.gz"):
        found.setdefault(path.parent.name, []).extend(json.loads(line) for line in gzip.open(path))
    check_equal(found, {name: [one for one in ORDERS if one["customer"] == name] for name in ("c0", "c1", "c2")}, "files")


@story("generate", 1)
def sensors_made_up(directory, write):
    with Instance(write(), directory) as instance:
        wait_for(lambda: len(read_lines(directory / "out" / "sensors.ndjson")) >= 100, "a hundred events")
        stopped(instance)
    first = read_lines(directory / "out" / "sensors.ndjson")[0]
    check_equal(sorted(first), ["at", "celsius", "ok", "sensor"], "an event's keys")


@story("exec", 1)
def services(directory, write):
    """Programs of these names, as there is no journal here."""
    put(directory, "bin/journalctl", "#!/bin/sh\nprintf '%s\\n' '{\"MESSAGE\":\"a\"}' '{\"MESSAGE\":\"b\"}'\nexec sleep 1000\n")
    put(directory, "bin/logger", '#!/bin/sh\n[ "$1 $2" = "--tag shop" ] && exec cat > "%s/logged"\n' % directory)
    for name in ("journalctl", "logger"):
        (directory / "bin" / name).chmod(0o755)
    with Instance(write(), directory, environment={"PATH": "%s/bin:/usr/bin:/bin" % directory}) as instance:
        wait_for(lambda: len(read_lines(directory / "logged")) == 2, "two lines of the journal")
        stopped(instance)
    check_equal(read_lines(directory / "logged"), [{"MESSAGE": "a"}, {"MESSAGE": "b"}], "what was logged")


@story("stream", 1)
def audit(directory, write):
    put(directory, "in.ndjson", '{"n":"x"}\n{"n":1}\n')
    put(directory, "orders.yaml", 'name: orders\nsources: [{file: in.ndjson}]\nstages: [{computo: "= toInt($input/n)"}]\n'
        "sinks: [{file: orders.ndjson}]\n")
    ended(directory, "orders.yaml")
    with Instance(write(), directory, data_dir="colloquium-data") as instance:
        wait_for(lambda: read_lines(directory / "out" / "failed-orders.ndjson"), "the dead letter")
        stopped(instance)
    check_equal([one["event"] for one in read_lines(directory / "out" / "failed-orders.ndjson")], [{"n": "x"}], "letters")


@story("stream", 2)
def review(directory, write):
    with Instance(write(), directory) as instance:
        post(instance, "/orders", ORDERS)
        wait_for(lambda: len(read_lines(directory / "out" / "orders.ndjson")) == len(ORDERS), "the file")
        wait_for(lambda: instance.metric("colloquium_leg_lag_events") == 0, "both sinks")
        stopped(instance)
    code, out, err = run(["log", "cat", "review", "--data-dir", "data"], directory)
    check_equal((code, [json.loads(line) for line in out.splitlines()]), (0, [one for one in ORDERS if one["total"] > 1000]),
                "the large ones: " + err)


# --- HTTP

class Kept(Receiver):
    """A receiver that takes everything, and answers who asks for a token."""

    def __init__(self):
        super().__init__(lambda asked: (200, JSON, b'{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}')
                         if asked.path == "/token" else 204)

    def taken(self):
        with self.lock:
            return [one for one in self.requests if one.path != "/token"]


def values(text):
    """JSON values, one behind the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        one, at = decoder.raw_decode(text, at)
        found.append(one)
        at += text[at:at + 1].isspace()
    return found


@story("http", 1)
def orders_passed_on(directory, write):
    with Kept() as receiver, Instance(write({"https://example.org": receiver.url}), directory) as instance:
        post(instance, "/orders", ORDERS)
        wait_for(lambda: len(receiver.taken()) == len(ORDERS), "the orders")
        status, _, answer = request(instance.listen, "POST", "/orders", lines(ORDERS), NDJSON)
        check_equal((status, json.loads(answer)["duplicates"]), (200, len(ORDERS)), "the same again")
        stopped(instance)
        check_equal([json.loads(one.body) for one in receiver.taken()], ORDERS, "what was received")


@story("http", 2)
def hooks_of_three_kinds(directory, write):
    secrets = {"GITHUB_SECRET": "g", "TOKEN": "new", "OLD_TOKEN": "old", "PASSWORD": "p"}
    with Instance(write(), directory, environment=secrets) as instance:
        body = '{"n":1}'
        mark = hmac.new(b"g", body.encode(), hashlib.sha256).hexdigest()
        for path, text, headers in (
                ("/github", body, {"X-Hub-Signature-256": "sha256=" + mark, "X-GitHub-Event": "push"}),
                ("/shop", '{"n":2}', {"Authorization": "Bearer new"}), ("/shop", '{"n":3}', {"Authorization": "Bearer old"}),
                ("/till", '{"n":4}', {"Authorization": "Basic dGlsbDpw"})):
            check_equal(request(instance.listen, "POST", path, text, {**JSON, **headers})[0], 200, "a post to " + path)
            check_equal(request(instance.listen, "POST", path, text, JSON)[0], 401, "one to %s by nobody" % path)
        in_output(instance, [{"n": n} for n in (1, 2, 3, 4)], "four hooks")
        stopped(instance)


@story("http", 3)
def live(directory, write):
    sys.path.append("/usr/lib/python3/dist-packages")  # Debian's packages, whichever Python runs this
    try:
        import websockets
    except ImportError as why:
        raise Unavailable("python3-websockets is not installed") from why

    async def talk(port):
        found = []
        async with websockets.connect("ws://127.0.0.1:%d/live" % port, extra_headers={"Authorization": "Bearer t"}) as socket:
            for n in (1, 2, 2):
                await socket.send('{"id":%d}' % n)
                found.append(json.loads(await asyncio.wait_for(socket.recv(), 20)))
        return found

    with Instance(write(), directory, environment={"TOKEN": "t"}) as instance:
        found = asyncio.run(talk(instance.listen))
        check_equal([answer["duplicates"] for answer in found], [0, 0, 1], "acknowledgements: %s" % found)
        in_output(instance, [{"id": 1}, {"id": 2}], "each message once")
        stopped(instance)


@story("http", 4)
def items(directory, write):
    def answer(asked):
        check_equal(asked.headers["Authorization"], "Bearer t", "who asks")
        first = asked.path == "/api/items?limit=100"
        page = {"items": ORDERS[:50] if first else ORDERS[50:],
                "links": {"next": "%s/api/items?page=2" % receiver.url} if first else {}}
        return 200, JSON, json.dumps(page).encode()

    with Receiver(answer) as receiver:
        with Instance(write({"https://example.org": receiver.url}), directory, environment={"TOKEN": "t"}) as instance:
            in_output(instance, ORDERS, "both pages")
            stopped(instance)


@story("http", 5)
def changes(directory, write):
    with Streamer() as server:
        server.lines += [json.dumps(one) for one in ORDERS]
        place = "http://127.0.0.1:%d" % server.server_port
        with Instance(write({"https://example.org": place}), directory, environment={"TOKEN": "t"}) as instance:
            wait_for(lambda: instance.stderr().count('"id":') >= len(ORDERS), "the events")
            stopped(instance)


@story("http", 6)
def orders_of_customers(directory, write):
    with Kept() as receiver:
        places = {"https://example.org": receiver.url, "https://login.example.org": receiver.url}
        with Instance(write(places), directory, environment={"CLIENT_SECRET": "c"}) as instance:
            post(instance, "/orders", ORDERS)
            def bodies():
                return [(one, values(gzip.decompress(one.body).decode())) for one in receiver.taken()]
            wait_for(lambda: sum(len(events) for _, events in bodies()) == len(ORDERS), "the orders")
            stopped(instance)
        found = {}
        for one, events in bodies():
            check_equal((one.headers["Authorization"], one.headers["X-Tenant"]), ("Bearer t0ken", "t1"), "headers")
            found.setdefault(one.path, []).extend(events)
        check_equal(found, {"/customers/%s/orders" % name: [one for one in ORDERS if one["customer"] == name]
                            for name in ("c0", "c1", "c2")}, "orders by customer")


@story("http", 7)
def orders_with_their_ids(directory, write):
    with Kept() as receiver, Instance(write({"https://example.org": receiver.url}), directory) as instance:
        post(instance, "/orders", ORDERS)
        def found():
            return values("".join(one.body.decode() for one in receiver.taken()))
        wait_for(lambda: len(found()) == len(ORDERS), "the orders")
        stopped(instance)
        check_equal([one["order"] for one in found()], ORDERS, "orders")
        check_equal(len({one["id"] for one in found()}), len(ORDERS), "different ids")


# --- brokers and a database

@story("kafka", 1)
def orders_checked(directory, write):
    kafka.jars()
    with kafka.Broker(directory / "broker") as broker:
        broker.create("orders")
        broker.produce("orders", ["k|" + json.dumps({"total": total}) for total in range(-10, 11)])
        with Instance(write({"localhost:9092": broker.address}), directory) as instance:
            wait_for(lambda: instance.metric("colloquium_input_events_total", component="out") == 10 and
                     instance.metric("colloquium_leg_lag_events") == 0, "the orders")
            found = broker.consume("orders-checked", 10)
            stopped(instance)
    check_equal([record.value["total"] for record in found], list(range(1, 11)), "orders of more than nothing")


@story("mqtt", 1)
def alarms(directory, write):
    mosquitto.available()
    with mosquitto.Broker(directory / "broker") as broker, broker.subscribe("alarms/#") as subscriber:
        with Instance(write({"mqtt://localhost:1883": broker.url}), directory) as instance:
            wait_for(lambda: instance.metric("colloquium_mqtt_connected") == 2, "both connections")
            broker.publish("sensors/a", [json.dumps({"id": n, "celsius": 20 + n, "room": "r%d" % n}) for n in range(20)])
            found = [json.loads(line)["id"] for line in subscriber.lines(9)]
            stopped(instance)
    check_equal(found, list(range(11, 20)), "alarms")


@story("postgres", 1)
def shop(directory, write):
    with postgres.Server(directory / "server", ["fsync = off"]) as server:
        server.query("CREATE ROLE app LOGIN")
        server.query("CREATE DATABASE shop OWNER app")
        server.query("CREATE TABLE orders (id text, total int, placed_at timestamptz, raw jsonb)", database="shop", user="app")
        places = {"db.example.org": "127.0.0.1:%d" % server.port, "sslmode=verify-full": "sslmode=disable"}
        with Instance(write(places), directory, environment={"DB_PASSWORD": "p"}) as instance:
            post(instance, "/orders", ORDERS)
            wait_for(lambda: instance.metric("colloquium_leg_lag_events") == 0, "the rows")
            stopped(instance)
        rows = server.query("SELECT id, total, placed_at > now() - interval '1 hour', raw FROM orders ORDER BY total", database="shop")
    check_equal([(row[0], int(row[1]), row[2], json.loads(row[3])) for row in rows],
                [(str(one["id"]), one["total"], "t", one) for one in ORDERS], "rows")


# --- models, all of them a fake

def asked(provider, changes, keys, asks=1):
    """The example asks that provider one question, and says the answer."""
    def ask(directory, write):
        with FakeAi() as fake:
            changed = {old: new.replace("FAKE", fake.url) for old, new in changes.items()}
            text = json.dumps({"question": "How are you?"}).encode() + b"\n"
            code, out, err = run(["run", write(changed), *LISTEN], directory, stdin=text, environment=keys)
            check_equal(code, 0, "exit code: " + err)
            check(json.loads(out)["answer"], out)
            check_equal([row["provider"] for row in fake.ledger()["rows"]], [provider] * asks, "who was asked")
    return ask


story("anthropic", 1)(asked("anthropic", {'_KEY}"}': '_KEY}", base_url: "FAKE"}'}, {"ANTHROPIC_API_KEY": "fake-key"}))
story("azure", 1)(asked("azure", {"resource: our-openai": 'base_url: "FAKE"'}, {"AZURE_OPENAI_API_KEY": "fake-key"}))
story("bedrock", 1)(asked("bedrock", {"region: us-east-1": 'region: us-east-1\n        base_url: "FAKE"'}, {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}))
story("google", 1)(asked("google", {'_KEY}"}': '_KEY}", base_url: "FAKE"}'}, {"GEMINI_API_KEY": "fake-key"}))
story("ollama", 1)(asked("ollama", {"http://127.0.0.1:11434": "FAKE"}, {}))
story("openai", 1)(asked("openai", {'_KEY}"}': '_KEY}", base_url: "FAKE/v1"}'}, {"OPENAI_API_KEY": "fake-key"}))


@story("plugin", 1)
def a_model_of_ones_own(directory, write):
    put(directory, "mood.py", (REPOSITORY / "examples/own-provider/mood.py").read_text())
    out = ended(directory, write(), lines([{"question": "Great, thanks!"}, {"question": "It is late."}]).encode())
    check_equal([json.loads(line)["answer"] for line in out.splitlines()], ["pleased", "displeased"], "moods")


@story("ai", 1)
def labelled_issues(directory, write):
    with FakeAi(arguments=["--triage"]) as fake:
        places = {'OPENAI_API_KEY}"}': 'OPENAI_API_KEY}", base_url: "%s/v1"}' % fake.url,
                  'ANTHROPIC_API_KEY}"}': 'ANTHROPIC_API_KEY}", base_url: "%s"}' % fake.url}
        keys = {"OPENAI_API_KEY": "fake-key", "ANTHROPIC_API_KEY": "fake-key"}
        with Instance(write(places), directory, environment=keys) as instance:
            post(instance, "/issues", [{"title": "It crashes"}, {"title": "How do I change the port?"}])
            wait_for(lambda: len(read_lines(directory / "issues.ndjson")) == 2, "two issues")
            stopped(instance)
        found = read_lines(directory / "issues.ndjson")
        check_equal([(one["label"], one["asked"]["model"]) for one in found],
                    [("bug", "openai/gpt-4o-mini"), ("question", "openai/gpt-4o-mini")], "labels")


@story("gateway", 1)
def asked_through_the_gateway(directory, write):
    with FakeAi() as fake:
        places = {'OPENAI_API_KEY}"}': 'OPENAI_API_KEY}", base_url: "%s/v1"}' % fake.url,
                  'ANTHROPIC_API_KEY}"}': 'ANTHROPIC_API_KEY}", base_url: "%s"}' % fake.url}
        keys = {"OPENAI_API_KEY": "fake-key", "ANTHROPIC_API_KEY": "fake-key", "WEB_KEY": "web-key"}
        asked = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}]})
        with Instance(write(places), directory, environment=keys) as instance:
            for key, wanted in (("wrong", 401), ("web-key", 200)):
                status, _, answer = request(instance.listen, "POST", "/v1/chat/completions", asked, {
                    "Content-Type": "application/json", "Authorization": "Bearer " + key})
                check_equal(status, wanted, answer)
            check(json.loads(answer)["choices"][0]["message"]["content"], answer)
            wait_for(lambda: len(read_lines(directory / "asked.ndjson")) == 1, "a line for the request")
            stopped(instance)
        found = read_lines(directory / "asked.ndjson")[0]
        check_equal((found["key"], found["answered_by"], found["status"]), ("web", "openai/gpt-4o-mini", 200), "line")


def every_example_of_a_component_s_page_does_what_it_says():
    wanted = [tuple([word.split(":")[0], int(word.split(":")[1])]) for word in sys.argv[2:]] or sorted(TEXTS)
    check(set(STORIES) == set(TEXTS), "examples without a story: %s; stories without an example: %s" % (
        sorted(set(TEXTS) - set(STORIES)), sorted(set(STORIES) - set(TEXTS))))
    failed = 0
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(max_workers=4))
        for which, said in zip(wanted, pool.map(tell, wanted)):
            print("  %s, example %d: %s" % (*which, said))
            failed += said.startswith("FAILED")
    check(failed == 0, "%d of %d examples do not do what they say" % (failed, len(wanted)))


if __name__ == "__main__":
    main(every_example_of_a_component_s_page_does_what_it_says)
