"""[REQ-002] [REQ-017] The kafka source and sink where brokers ask who is there (SCRAM, PLAIN, TLS, certificates on both
sides), and two processes that share a group."""
import sys

from harness import REPOSITORY, Instance, check, check_equal, main, read_lines, run, skip, wait_for, work_directory

sys.path.insert(0, str(REPOSITORY / "tests" / "peers"))
import kafka  # noqa: E402
import nginx  # noqa: E402

BROKER = None  # one for all tests of this script
FOLDER = None  # with certificates: of the authority, the broker, us, and of somebody else's authority
PASSWORD = "s3cret-of-alice"
PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="%s";' % PASSWORD
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"

SEND = """
name: send
sources: [{{file: in.ndjson}}]
sinks: [{{name: out, kafka: {{brokers: ["{address}"], topic: {name}, {login}}}}}]
"""
RECEIVE = """
name: receive
sources: [{{name: in, kafka: {{brokers: ["{address}"], topics: [{name}], group: {name}, {login}}}}}]
sinks: [{{name: out, {sink}}}]
"""
RUN = ["run", "p.yaml", "--data-dir", "data", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]


def listeners():
    tls = {"ssl.keystore.type": "PKCS12", "ssl.keystore.location": FOLDER / "server.p12", "ssl.keystore.password": "changeit",
           "ssl.key.password": "changeit"}
    return {"SCRAMTLS": {"protocol": "SASL_SSL", "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                         "scram-sha-512.sasl.jaas.config": SCRAM, **tls},
            "PLAINLOGIN": {"protocol": "SASL_PLAINTEXT", "sasl.enabled.mechanisms": "PLAIN",
                           "plain.sasl.jaas.config": PLAIN},
            "MUTUAL": {"protocol": "SSL", "ssl.client.auth": "required", "ssl.truststore.type": "PEM",
                       "ssl.truststore.location": FOLDER / "ca.pem", **tls}}


def make_certificates():
    for name, authority in (("ca", None), ("other", None), ("server", "ca"), ("us", "ca")):
        nginx.certificate(FOLDER, name, authority)
    nginx.openssl(FOLDER, "pkcs12", "-export", "-in", "server.pem", "-inkey", "server.key", "-name", "server", "-out",
                  "server.p12", "-passout", "pass:changeit")


def login(mechanism, password=PASSWORD):
    return "sasl: {mechanism: %s, username: alice, password: %s}" % (mechanism, password)


def records_pass_every_kind_of_door():
    ways = {"scram": ("SCRAMTLS", login("SCRAM-SHA-512") + ", tls: {ca: %s/ca.pem}" % FOLDER),
            "plain": ("PLAINLOGIN", login("PLAIN")),
            "mutual": ("MUTUAL", "tls: {ca: %s/ca.pem, certificate: %s/us.pem, key: %s/us.key}" % ((FOLDER,) * 3))}
    for name, (listener, how) in ways.items():
        with work_directory() as directory:
            (directory / "in.ndjson").write_text("".join('{"n":%d}\n' % n for n in range(100)))
            where = {"name": name, "address": BROKER.addresses[listener], "login": how}
            (directory / "p.yaml").write_text(SEND.format(**where))
            code, _, stderr = run(RUN, directory)
            check_equal(code, 0, stderr)
            check(PASSWORD not in stderr, "the password is shown")
            (directory / "r.yaml").write_text(RECEIVE.format(sink="file: {path: out.ndjson}", **where))
            with Instance("r.yaml", directory) as instance:
                wait_for(lambda i=instance: i.metric("colloquium_output_events_total", component="out") == 100, name, 60)
                check_equal(instance.stop(), 0, "exit code")
                check(PASSWORD not in instance.stderr(), "the password is shown")
            check_equal([line["n"] for line in read_lines(directory / "out.ndjson")], list(range(100)), name)


def librdkafka_s_own_numbers_become_metrics():
    """They come every five seconds, also while there is nothing to do."""
    with work_directory() as directory:
        sink = 'kafka: {brokers: ["%s"], topic: copied}' % BROKER.address
        text = RECEIVE.format(name="plain", address=BROKER.address, login="client_id: c", sink=sink)
        (directory / "r.yaml").write_text(text.replace("group: plain", "group: numbers"))
        with Instance("r.yaml", directory) as instance:
            for kind in ("kafka_source", "kafka_sink"):
                wait_for(lambda k=kind: instance.metric("colloquium_kafka_brokers_up", kind=k) == 1, "statistics", 60)
                check(instance.metric("colloquium_kafka_requests_total", kind=kind) > 1, "no requests were counted")
            check_equal(instance.stop(), 0, "exit code")


def who_is_not_let_in_is_told_why():
    wrong = {"wrong-password": ("SCRAMTLS", login("SCRAM-SHA-512", "wr0ng") + ", tls: {ca: %s/ca.pem}" % FOLDER,
                                "check mechanism, username and password of `sasl`"),
             "wrong-authority": ("SCRAMTLS", login("SCRAM-SHA-512") + ", tls: {ca: %s/other.pem}" % FOLDER, "check `tls`"),
             "no-certificate": ("MUTUAL", "tls: {ca: %s/ca.pem}" % FOLDER, "certificate")}
    for name, (listener, how, reason) in wrong.items():
        with work_directory() as directory:
            (directory / "r.yaml").write_text(RECEIVE.format(name=name, address=BROKER.addresses[listener], login=how,
                                                             sink="file: {path: out.ndjson}"))
            with Instance("r.yaml", directory, wait=False) as instance:
                wait_for(lambda i=instance, r=reason: r in i.stderr(), "the reason of " + name, 60)
                for secret in (PASSWORD, "wr0ng"):
                    check(secret not in instance.stderr(), "a password is shown")
                # What no later attempt can mend ends the run, before anything was read. That it wants a certificate the
                # broker says by hanging up, which may be anything.
                if name == "no-certificate":
                    continue
                wait_for(lambda i=instance: i.process.poll() is not None, "the run with %s to end" % name, 20)
                check_equal(instance.process.returncode, 1, "exit code of " + name)


def two_processes_share_a_group():
    """One joins, leaves in order, joins again; then the first is killed. Nothing is lost. Each has a data directory of its
    own, whose positions go before the group's, so what comes back to a member comes from where it was left."""
    partitions, count = 6, 0
    BROKER.create("shared", partitions)

    def produce(more):
        nonlocal count
        BROKER.produce("shared", ['k%d|{"n":%d}' % (n % 100, n) for n in range(count, count + more)])
        count += more

    def numbers():
        return [line["n"] for name in ("a", "b") if (directory / (name + ".ndjson")).exists()
                for line in read_lines(directory / (name + ".ndjson"))]

    def has(instance, wanted):
        return lambda: instance.metric("colloquium_kafka_partitions") == wanted

    with work_directory() as directory:
        def member(name):
            (directory / (name + ".yaml")).write_text(
                "name: shared\nsources:\n  - kafka: {brokers: [\"%s\"], topics: [shared], group: shared, "
                "properties: {session.timeout.ms: 6000}}\nsinks: [{file: %s.ndjson}]\n" % (BROKER.address, name))
            return Instance(name + ".yaml", directory, data_dir="data-" + name)

        with member("a") as first:
            wait_for(has(first, partitions), "all partitions", 60)
            produce(2000)
            with member("b") as second:
                produce(2000)
                wait_for(has(second, partitions // 2), "half of the partitions", 60)
                produce(2000)
                wait_for(lambda: len(set(numbers())) == count, "all records of two members", 60)
                check((directory / "b.ndjson").stat().st_size > 0, "the second member got nothing")
                check_equal(second.stop(), 0, "exit code")
            wait_for(has(first, partitions), "all partitions again", 60)
            produce(2000)
            wait_for(lambda: len(set(numbers())) == count, "all records of one member", 60)
            orderly = len(numbers()) - count
            with member("b") as second:
                wait_for(has(second, partitions // 2), "half of the partitions", 60)
                produce(2000)
                first.kill()
                wait_for(has(second, partitions), "what the killed one had", 60)
                produce(2000)
                wait_for(lambda: len(set(numbers())) == count, "all records", 60)
                check_equal(second.stop(), 0, "exit code")
        check_equal(sorted(set(numbers())), list(range(count)), "records")
        print("  %d records, %d of them twice by orderly rebalances, %d after the kill"
              % (count, orderly, len(numbers()) - count - orderly))


def with_a_broker(directory):
    global BROKER, FOLDER
    FOLDER = directory
    make_certificates()
    with kafka.Broker(directory / "broker", more_listeners=listeners(), users={"alice": PASSWORD}) as BROKER:
        main(records_pass_every_kind_of_door, librdkafka_s_own_numbers_become_metrics, who_is_not_let_in_is_told_why, two_processes_share_a_group)


if __name__ == "__main__":
    try:
        kafka.jars()
        with work_directory() as folder:
            with_a_broker(folder)
    except (kafka.Unavailable, nginx.Unavailable) as why:
        skip(f"no Kafka: {why}")
