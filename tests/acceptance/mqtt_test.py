"""[REQ-003] The mqtt source and sink against a real broker and its own clients: QoS 0, 1 and 2 in MQTT 5 and 3.1.1,
what a message is made of, shared subscriptions, sessions, wills, TLS and logins, and a broker that is away, freezes,
dies and comes back."""
import json
import socket
import subprocess
import sys

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, run, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import mosquitto  # noqa: E402

BROKER = None  # one for all tests that do not take it down, each with topics of its own


def connected(instance, count=1):
    wait_for(lambda: instance.metric("colloquium_mqtt_connected") == count, "the connection")


def numbers(directory, name="out.ndjson"):
    return [event["n"] for event in read_lines(directory / name)]


def events(count, first=0):
    return ['{"n":%d}' % n for n in range(first, first + count)]


def every_qos_in_and_out(protocol):
    with work_directory() as directory:
        top = "qos" + protocol
        sinks = "".join("  - {name: out%d, mqtt: {url: %s, protocol: '%s', topic: %s/out/%d, qos: %d}}\n" %
                        (qos, BROKER.url, protocol, top, qos, qos) for qos in range(3))
        (directory / "p.yaml").write_text("""
name: all
sources:
  - name: in
    mqtt: {url: "%s", protocol: "%s", topics: [{filter: %s/in/0, qos: 0}, %s/in/1, {filter: %s/in/2, qos: 2}]}
sinks:
  - file: {path: out.ndjson}
%s""" % (BROKER.url, protocol, top, top, top, sinks))
        with Instance("p.yaml", directory) as instance, BROKER.subscribe(top + "/out/#", protocol="3.1.1", arguments=(
                "-F", "%t %q %p")) as subscriber:
            check("at least once" in instance.stderr(), "the promise is not told")
            connected(instance, 4)
            for qos in range(3):
                BROKER.publish("%s/in/%d" % (top, qos), events(100, 100 * qos), qos, protocol)
            wait_for(lambda: len(numbers(directory)) == 300, "300 events in the file")
            got = subscriber.lines(900)
            check_equal(instance.stop(), 0, "exit code\n" + instance.stderr())
        check_equal(sorted(numbers(directory)), list(range(300)), "the file")
        for qos in range(3):
            line = "%s/out/%d %d " % (top, qos, qos)
            payloads = [json.loads(text[len(line):])["n"] for text in got if text.startswith(line)]
            check_equal(sorted(payloads), list(range(300)), "what came out with QoS %d" % qos)


def every_qos_goes_in_and_out():
    for protocol in ("5", "3.1.1"):
        every_qos_in_and_out(protocol)


def a_message_arrives_as_it_was():
    """Topic, retained flag and what MQTT 5 has; out again; what is no JSON is a dead letter; a topic for each event; what
    is retained, and a tombstone that takes it back."""
    with work_directory() as directory:
        (directory / "p.yaml").write_text("""
name: whole
sources:
  - {name: in, mqtt: {url: "URL", topics: ["whole/in/#"], qos: 2}}
sinks:
  - name: out
    mqtt: {url: "URL", retain: true, topic: 'whole/out/{if event_metadata/tombstone then "a" else $input/to}'}
errors: {dead_letter: whole.dead}
""".replace("URL", BROKER.url))
        BROKER.publish("whole/in/kept", ['{"to":"kept"}'], 1, arguments=("-r",))
        with Instance("p.yaml", directory) as instance, BROKER.subscribe("whole/out/#", arguments=(
                "-F", "%t|%p|%C|%R|%D|%P")) as subscriber:
            connected(instance, 2)
            check_equal(len(subscriber.lines(1)), 1, "the retained message")
            BROKER.publish("whole/in/x", ['{"to":"a"}'], 2, arguments=(
                "-D", "publish", "user-property", "unit", "C", "-D", "publish", "content-type", "application/json", "-D",
                "publish", "response-topic", "answers", "-D", "publish", "correlation-data", "c1"))
            check_equal(subscriber.lines(1), ['whole/out/a|{"to":"a"}|application/json|answers|c1|unit:C'], "the message")
            for bad in ("no JSON", '{"to":"a/#"}'):
                BROKER.publish("whole/in/x", [bad])
            wait_for(lambda: run(["log", "cat", "whole.dead", "--data-dir", "data"], directory)[1].count("\n") == 2,
                     "dead letters")
            subprocess.run([mosquitto.program("mosquitto_pub"), "-p", str(BROKER.port), "-t", "whole/in/x", "-n", "-q", "1"],
                           check=True)
            check_equal(subscriber.lines(1), ["whole/out/a|||||"], "the tombstone")
            check_equal(instance.stop(), 0, "exit code")
        code, out, _ = run(["log", "cat", "whole", "--data-dir", "data", "--format", "full"], directory)
        check_equal(code, 0, "log cat")
        first = json.loads(out.splitlines()[0])
        check_equal((first["key"], first["headers"]["mqtt_topic"], first["headers"]["mqtt_retained"]),
                    ("whole/in/kept", "whole/in/kept", "true"), "key and headers")
        with BROKER.subscribe("whole/out/#", arguments=("-F", "%t %r")) as later:
            check_equal(later.lines(1), ["whole/out/kept 1"], "what the broker keeps")


def bytes_become_strings_with_format_raw():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("""
name: raw
log: "off"
sources:
  - {name: in, mqtt: {url: "URL", topics: [raw/in], format: raw}}
sinks: [{file: {path: out.ndjson}}]
""".replace("URL", BROKER.url))
        with Instance("p.yaml", directory) as instance:
            connected(instance)
            BROKER.publish("raw/in", ["ON", '"21.5"'])
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 2, "two events")
            check_equal(instance.stop(), 0, "exit code")
        check_equal(read_lines(directory / "out.ndjson"), ["ON", '"21.5"'], "events")


def instances_that_share_a_subscription_share_the_messages():
    with work_directory() as directory:
        for name in "ab":
            (directory / (name + ".yaml")).write_text("""
name: %s
sources: [{name: in, mqtt: {url: "%s", topics: ["$share/two/shared/#"]}}]
sinks: [{file: {path: %s.ndjson}}]
""" % (name, BROKER.url, name))
        with Instance("a.yaml", directory, "da") as a, Instance("b.yaml", directory, "db") as b:
            connected(a)
            connected(b)
            BROKER.publish("shared/x", events(400))
            wait_for(lambda: len(numbers(directory, "a.ndjson")) + len(numbers(directory, "b.ndjson")) == 400, "all events")
            check_equal((a.stop(), b.stop()), (0, 0), "exit codes")
        ours, theirs = numbers(directory, "a.ndjson"), numbers(directory, "b.ndjson")
        check(ours and theirs, "one instance got nothing: %d and %d" % (len(ours), len(theirs)))
        check_equal(sorted(ours + theirs), list(range(400)), "together")


def a_will_tells_of_a_death_and_not_of_a_stop():
    with work_directory() as directory:
        (directory / "p.yaml").write_text("""
name: will
sources: [{name: in, mqtt: {url: "URL", topics: [will/in], will: {topic: will/state, payload: gone}}}]
sinks: [{file: {path: out.ndjson}}]
""".replace("URL", BROKER.url))
        with BROKER.subscribe("will/state") as subscriber:
            for protocol in ("5", "3.1.1"):
                (directory / "p.yaml").write_text((directory / "p.yaml").read_text().replace("URL", BROKER.url).replace(
                    "topics:", "protocol: '%s', topics:" % protocol, 1) if protocol == "5" else
                    (directory / "p.yaml").read_text().replace("'5'", "'3.1.1'"))
                with Instance("p.yaml", directory) as instance:
                    connected(instance)
                    instance.kill()
                check_equal(subscriber.lines(1), ["gone"], "the will of who was killed")
                with Instance("p.yaml", directory) as instance:
                    connected(instance)
                    check_equal(instance.stop(), 0, "exit code")
                BROKER.publish("will/state", ["marker"])
                check_equal(subscriber.lines(1), ["marker"], "what came after a clean stop")


class Script:
    """A broker that does what the test says, packet by packet, in 3.1.1: what none of its kind can be brought to do."""

    CONNECT, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 3, 8, 14

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(30)
        self.connection = None
        return self

    def __exit__(self, *_):
        self.hang_up()
        self.listener.close()

    @property
    def url(self):
        return "mqtt://127.0.0.1:%d" % self.listener.getsockname()[1]

    def accept(self, session_present=False, refusal=0):
        self.connection = self.listener.accept()[0]
        self.connection.settimeout(30)
        self.file = self.connection.makefile("rb")
        self.expect(self.CONNECT)
        self.connection.sendall(bytes([0x20, 2, session_present, refusal]))

    def expect(self, kind):
        """The next packet, which is short."""
        head = self.file.read(2)
        check(head, "hung up before packet %d" % kind)
        check_equal(head[0] >> 4, kind, "the packet")
        return self.file.read(head[1])

    def hang_up(self):
        if self.connection is not None:
            self.file.close()
            self.connection.close()
            self.connection = None


def a_stop_while_the_broker_owes_an_answer_is_no_death():
    with work_directory() as directory, Script() as broker:
        (directory / "in.ndjson").write_text("")
        (directory / "p.yaml").write_text("""
name: owed
sources: [{file: {path: in.ndjson, follow: true}}]
sinks: [{name: out, mqtt: {url: "%s", protocol: 3.1.1, topic: out}}]
""" % broker.url)
        with Instance("p.yaml", directory, arguments=("--drain-timeout", "1s")) as instance:
            broker.accept()
            connected(instance)
            # One event, long enough for a file to be told from others.
            (directory / "in.ndjson").write_text('{"n":"%s"}\n' % ("x" * 100))
            broker.expect(broker.PUBLISH)
            check_equal(instance.stop(), 0, "exit code")
            broker.expect(broker.DISCONNECT)


def topics_are_subscribed_to_again_after_an_attempt_that_failed():
    """The broker forgot the session, and the connection is lost before it is asked for the topics: it has none then, though
    it knows us the next time."""
    with work_directory() as directory, Script() as broker:
        (directory / "p.yaml").write_text("""
name: forgotten
sources: [{name: in, mqtt: {url: "%s", protocol: 3.1.1, topics: [in], client_id: me, reconnect: {max: 200ms}}}]
sinks: [{file: {path: out.ndjson}}]
""" % broker.url)
        with Instance("p.yaml", directory) as instance:
            broker.accept()
            packet = broker.expect(broker.SUBSCRIBE)
            broker.connection.sendall(bytes([0x90, 3, packet[0], packet[1], 1]))
            connected(instance)
            broker.hang_up()
            broker.accept()
            broker.expect(broker.SUBSCRIBE)
            broker.hang_up()
            broker.accept(session_present=True)
            broker.expect(broker.SUBSCRIBE)
            broker.hang_up()
            instance.kill()


def a_sink_that_gives_up_says_so_before_it_is_asked():
    with work_directory() as directory, Script() as broker:
        (directory / "in.ndjson").write_text("")
        (directory / "p.yaml").write_text("""
name: idle
sources: [{file: {path: in.ndjson, follow: true}}]
sinks: [{name: out, mqtt: {url: "%s", protocol: 3.1.1, topic: out}}]
""" % broker.url)
        with Instance("p.yaml", directory) as instance:
            broker.accept(refusal=5)
            wait_for(lambda: "not tried again: connecting to %s" % broker.url in instance.stderr(), "a word of it")
            instance.kill()


def a_session_keeps_what_came_while_we_were_away():
    for protocol in ("5", "3.1.1"):
        with work_directory() as directory:
            (directory / "p.yaml").write_text("""
name: away
sources: [{name: in, mqtt: {url: "%s", protocol: "%s", topics: ["away%s/#"], client_id: "away%s", qos: 2}}]
sinks: [{file: {path: out.ndjson}}]
""" % (BROKER.url, protocol, protocol, protocol))
            with Instance("p.yaml", directory) as instance:
                connected(instance)
                check_equal(instance.stop(), 0, "exit code")
            for qos in (1, 2):
                BROKER.publish("away%s/x" % protocol, events(50, 50 * (qos - 1)), qos, protocol)
            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: len(numbers(directory)) == 100, "what came meanwhile")
                instance.kill()
            BROKER.publish("away%s/x" % protocol, events(50, 100), 1, protocol)
            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: len(set(numbers(directory))) >= 150, "what came after a kill")
                check_equal(instance.stop(), 0, "exit code")
            check_equal(sorted(set(numbers(directory))), list(range(150)), "all of them")


def a_broker_that_is_away_freezes_or_dies_costs_no_event():
    """First it is not there yet; then it stops and comes back with its sessions, freezes for longer than keep_alive, and is
    killed and comes back without any."""
    with work_directory() as directory, mosquitto.Broker(directory / "broker") as broker:
        broker.stop()
        (directory / "p.yaml").write_text("""
name: outage
sources:
  - {name: in, mqtt: {url: "URL", topics: [in], client_id: outage, keep_alive: 1s, reconnect: {max: 200ms}}}
sinks:
  - {name: out, mqtt: {url: "URL", topic: out, keep_alive: 1s, timeout: 1s, reconnect: {max: 200ms}}}
  - file: {path: out.ndjson}
errors: {retry: {max: 200ms}}
""".replace("URL", broker.url))
        with Instance("p.yaml", directory) as instance:
            wait_for(lambda: "tried again: connecting to %s" % broker.url in instance.stderr(), "a failed attempt")
            broker.start()
            connected(instance, 2)
            count = 0

            def through(what):
                nonlocal count
                broker.publish("in", events(50, count))
                count += 50
                wait_for(lambda: len(set(numbers(directory))) == count, "the events after " + what, 60)
                wait_for(lambda: instance.metric("colloquium_leg_lag_events") == 0, "the sinks after " + what, 60)

            through("the start")
            broker.stop()
            wait_for(lambda: instance.metric("colloquium_mqtt_connected") == 0, "the loss")
            broker.start()
            connected(instance, 2)
            through("a stop")
            connects = instance.metric("colloquium_mqtt_connects_total")
            broker.freeze()
            wait_for(lambda: instance.metric("colloquium_mqtt_connected") == 0, "the silence to be noticed", 30)
            broker.thaw()
            wait_for(lambda: instance.metric("colloquium_mqtt_connects_total") >= connects + 2, "new connections")
            connected(instance, 2)
            through("a freeze")
            broker.kill()
            wait_for(lambda: instance.metric("colloquium_mqtt_connected") == 0, "the loss")
            (directory / "broker" / "mosquitto.db").unlink(missing_ok=True)
            broker.start()
            connected(instance, 2)
            through("a death")
            check((instance.metric("colloquium_mqtt_errors_total", reason="unavailable") or 0) > 0, "errors are not counted")
            check_equal(instance.stop(), 0, "exit code")


def events_wait_for_a_broker_and_come_in_order():
    reader = ("-c", "-i", "reader")
    with work_directory() as directory, mosquitto.Broker(directory / "broker") as broker:
        (directory / "in.ndjson").write_text("".join(line + "\n" for line in events(500)))
        (directory / "p.yaml").write_text("""
name: late
sources: [{file: {path: in.ndjson}}]
sinks: [{name: out, mqtt: {url: "URL", topic: out, qos: 2, reconnect: {initial: 50ms, max: 100ms}}}]
errors: {retry: {initial: 50ms, max: 100ms}}
""".replace("URL", broker.url))
        broker.subscribe("out", protocol="3.1.1", arguments=reader).__exit__()
        broker.stop()
        with Instance("p.yaml", directory, wait=False) as instance:
            wait_for(lambda: "tried again" in instance.stderr(), "a failed attempt")
            broker.start()
            check_equal(instance.process.wait(60), 0, instance.stderr())
        with broker.subscribe("out", protocol="3.1.1", arguments=reader) as subscriber:
            check_equal([json.loads(line)["n"] for line in subscriber.lines(500)], list(range(500)), "what came")


def an_event_too_large_for_the_broker_is_a_dead_letter():
    with work_directory() as directory, mosquitto.Broker(directory / "broker", ["max_packet_size 1000"]) as broker:
        (directory / "in.ndjson").write_text('{"n":0}\n{"n":1,"long":"%s"}\n{"n":2}\n' % ("x" * 1000))
        (directory / "p.yaml").write_text("""
name: large
sources: [{file: {path: in.ndjson}}]
sinks: [{name: out, mqtt: {url: "%s", topic: out}}]
errors: {dead_letter: large.dead}
""" % broker.url)
        with broker.subscribe("out") as subscriber, Instance("p.yaml", directory, wait=False) as instance:
            check_equal([json.loads(line)["n"] for line in subscriber.lines(2)], [0, 2], "what came")
            check_equal(instance.process.wait(60), 0, instance.stderr())
        check_equal(run(["log", "cat", "large.dead", "--data-dir", "data"], directory)[1].count("\n"), 1, "dead letters")


def between_two_brokers_without_a_log():
    """What is taken waits in memory alone: a sink that is slower than its source does not lock Paho up."""
    with work_directory() as directory, mosquitto.Broker(directory / "other") as other:
        (directory / "p.yaml").write_text("""
name: bridge
log: "off"
sources: [{name: in, mqtt: {url: "%s", topics: [bridge/in], client_id: bridge}}]
sinks: [{name: out, mqtt: {url: "%s", topic: bridge/out}}]
""" % (BROKER.url, other.url))
        with Instance("p.yaml", directory) as instance, other.subscribe("bridge/out") as subscriber:
            connected(instance, 2)
            BROKER.publish("bridge/in", events(3000))
            got = [json.loads(line)["n"] for line in subscriber.lines(3000, 60)]
            check_equal(got, list(range(3000)), "what came through")
            check_equal(instance.stop(), 0, "exit code")


def certificates(directory):
    """A CA, and a certificate of localhost that it has signed."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".pem", "-days", "2",
                "-subj", "/CN=" + name)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "broker.key", "-out", "broker.csr", "-subj", "/CN=localhost")
    (directory / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "broker.pem",
            "-days", "2", "-extfile", "names")


def who_logs_in_and_whom_is_trusted():
    with work_directory() as directory:
        certificates(directory)
        passwords = directory / "passwords"
        passwords.touch()
        subprocess.run([mosquitto.program("mosquitto_passwd"), "-b", passwords, "me", "swordfish"], check=True, capture_output=True)
        settings = ["certfile %s/broker.pem" % directory, "keyfile %s/broker.key" % directory, "allow_anonymous false",
                    "password_file %s" % passwords]
        text = """
name: safe
sources: [{name: in, mqtt: {url: "%s", protocol: "%s", topics: [in], username: me, password: "%s", tls: {ca: %s.pem}}}]
sinks: [{file: {path: out.ndjson}}]
"""
        with mosquitto.Broker(directory / "broker", settings, tls=True) as broker:
            client = ("--cafile", str(directory / "ca.pem"), "-u", "me", "-P", "swordfish")
            for number, protocol in enumerate(("5", "3.1.1")):
                (directory / "p.yaml").write_text(text % (broker.url, protocol, "swordfish", "ca"))
                with Instance("p.yaml", directory) as instance:
                    connected(instance)
                    broker.publish("in", events(10, 10 * number), arguments=client)
                    wait_for(lambda: len(numbers(directory)) == 10 * number + 10, "the events")
                    check_equal(instance.stop(), 0, "exit code")
                (directory / "p.yaml").write_text(text % (broker.url, protocol, "sw0rdfish", "ca"))
                with Instance("p.yaml", directory, wait=False) as instance:
                    check_equal(instance.process.wait(30), 1, "exit code with a wrong password")
                    check("check `username`" in instance.stderr(), instance.stderr())
                    check("sw0rdfish" not in instance.stderr(), "the password is shown")
            (directory / "p.yaml").write_text(text % (broker.url, "5", "swordfish", "other"))
            with Instance("p.yaml", directory) as instance:
                wait_for(lambda: "tried again: connecting to %s" % broker.url in instance.stderr(), "the refusal")
                check_equal(instance.metric("colloquium_mqtt_connected"), 0, "connected to who is not trusted")
                wait_for(lambda: "(TLS: unknown CA)" in instance.stderr(), "the reason\n" + instance.stderr(), 5)
                check_equal(instance.stop(), 0, "exit code")


if __name__ == "__main__":
    try:
        mosquitto.available()
    except mosquitto.Unavailable as why:
        skip(f"no MQTT broker: {why}")
    with work_directory() as place, mosquitto.Broker(place / "broker") as BROKER:
        chosen = [globals()[name] for name in sys.argv[2:]]
        main(*(chosen or (every_qos_goes_in_and_out, a_message_arrives_as_it_was, bytes_become_strings_with_format_raw,
                          instances_that_share_a_subscription_share_the_messages, a_will_tells_of_a_death_and_not_of_a_stop,
                          a_stop_while_the_broker_owes_an_answer_is_no_death,
                          topics_are_subscribed_to_again_after_an_attempt_that_failed,
                          a_sink_that_gives_up_says_so_before_it_is_asked, a_session_keeps_what_came_while_we_were_away,
                          a_broker_that_is_away_freezes_or_dies_costs_no_event, events_wait_for_a_broker_and_come_in_order,
                          an_event_too_large_for_the_broker_is_a_dead_letter, between_two_brokers_without_a_log, who_logs_in_and_whom_is_trusted)))
