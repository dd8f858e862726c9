"""[REQ-138] The ingest port over TLS before curl, openssl s_client and Python's ssl: versions, certificates of clients,
new certificates without a restart, and files that cannot be used."""
import signal
import socket
import ssl
import subprocess

from harness import Instance, check, check_equal, main, raw_request, read_lines, request, run, wait_for, work_directory

PIPELINE = "name: safe\nsources:\n  - http: {path: /in, certificate_header: X-Client}\nsinks:\n  - file: {path: out.ndjson}\n"


def openssl(directory, *arguments, stdin=b""):
    done = subprocess.run(["openssl", *arguments], cwd=directory, input=stdin, capture_output=True, timeout=30, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def authority(directory, name):
    code, said = openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                         "2", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
    check_equal(code, 0, said)


def identity(directory, name, signer, alternative="IP:127.0.0.1"):
    code, said = openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                         "/O=Shop/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
    check_equal(code, 0, said)
    (directory / "ext").write_text("subjectAltName=%s\n" % alternative)
    code, said = openssl(directory, "x509", "-req", "-in", name + ".csr", "-CA", signer + ".pem", "-CAkey", signer + ".key",
                         "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", name + ".pem")
    check_equal(code, 0, said)


def curl(directory, port, number, *arguments):
    """(exit code, HTTP status)"""
    done = subprocess.run(["curl", "-sS", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                           "Content-Type: application/json", "-d", '{"n":%d}' % number, *arguments,
                           "https://127.0.0.1:%d/in" % port], cwd=directory, capture_output=True, timeout=30, check=False)
    return done.returncode, int(done.stdout or b"0")


def python_post(context, port, number):
    body = b'{"n":%d}' % number
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as peer:
            peer.sendall(b"POST /in HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            answer = b""
            while True:
                piece = peer.recv(65536)
                if not piece:
                    break
                answer += piece
            return answer, peer.version()


TLS = ("--tls-certificate", "server.pem", "--tls-key", "server.key")


def foreign_clients_and_versions():
    with work_directory() as directory:
        authority(directory, "ca")
        identity(directory, "server", "ca")
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory, arguments=TLS) as instance:
            port = instance.listen
            check("listening for events on https://127.0.0.1:" in instance.stderr(), instance.stderr())
            check_equal(curl(directory, port, 1, "--cacert", "ca.pem"), (0, 200), "curl")
            check_equal(curl(directory, port, 2, "--cacert", "ca.pem", "--tls-max", "1.2"), (0, 200), "curl with TLS 1.2")
            check_equal(curl(directory, port, 3)[0], 60, "curl that does not know the authority")
            context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
            answer, version = python_post(context, port, 3)
            check(answer.startswith(b"HTTP/1.1 200") and version == "TLSv1.3", "%r %s" % (answer, version))
            for version, wanted in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
                _, said = openssl(directory, "s_client", "-connect", "127.0.0.1:%d" % port, version, "-CAfile", "ca.pem",
                                  "-cipher", "ALL:@SECLEVEL=0")
                check_equal("Verify return code: 0 (ok)" in said and "Cipher is (NONE)" not in said, wanted, version + said)
            _, said = openssl(directory, "s_client", "-connect", "127.0.0.1:%d" % port, "-tls1_2", "-cipher", "AES128-SHA")
            check("Cipher is (NONE)" in said, "a cipher without forward secrecy was taken")
            plain = raw_request(port, b"POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1")
            check(plain.startswith(b"HTTP/1.1 400 ") and b"use https" in plain, repr(plain))
            check_equal(request(instance.admin, "GET", "/livez")[0], 200, "the admin port speaks plain HTTP")
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 3, "three events")
            check_equal(instance.stop(), 0, instance.stderr())
        check_equal([event["n"] for event in read_lines(directory / "out.ndjson")], [1, 2, 3], "events")


def only_known_clients():
    with work_directory() as directory:
        authority(directory, "ca")
        authority(directory, "strangers")
        identity(directory, "server", "ca")
        identity(directory, "till", "ca")
        identity(directory, "forged", "strangers")
        (directory / "p.yaml").write_text(PIPELINE)
        with Instance("p.yaml", directory, arguments=[*TLS, "--tls-client-ca", "ca.pem"]) as instance:
            port = instance.listen
            known = ("--cacert", "ca.pem", "--cert", "till.pem", "--key", "till.key")
            check_equal(curl(directory, port, 1, *known), (0, 200), "a known client")
            check_equal(curl(directory, port, 2, *known, "--tls-max", "1.2"), (0, 200), "a known client with TLS 1.2")
            check(curl(directory, port, 3, "--cacert", "ca.pem")[0] != 0, "a client without certificate came in")
            forged = ("--cacert", "ca.pem", "--cert", "forged.pem", "--key", "forged.key")
            check(curl(directory, port, 4, *forged)[0] != 0, "a client of another authority came in")
            raw_request(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            refused = [instance.metric("colloquium_tls_handshakes_refused_total", reason=reason) for reason in
                       ("certificate_missing", "certificate_untrusted", "certificate_expired", "plain_http", "other")]
            check_equal(refused, [1, 1, 0, 1, 0], "handshakes refused")
            check_equal(instance.metric("colloquium_tls_handshakes_total"), 2, "handshakes done")
            wait_for(lambda: len(read_lines(directory / "out.ndjson")) == 2, "two events")
            check_equal(instance.stop(), 0, instance.stderr())
        _, out, err = run(["log", "cat", "safe", "--data-dir", "data", "--format", "full"], directory)
        check_equal(out.count("CN=till,O=Shop"), 2, "events that know their client in\n" + out + err)


def served_by(directory, port):
    return ssl.get_server_certificate(("127.0.0.1", port))


def new_certificates_without_a_restart():
    with work_directory() as directory:
        authority(directory, "ca")
        identity(directory, "server", "ca")
        identity(directory, "next", "ca")
        (directory / "p.yaml").write_text(PIPELINE)
        first = (directory / "server.pem").read_text()
        with Instance("p.yaml", directory, arguments=TLS) as instance:
            check_equal(served_by(directory, instance.listen), first, "the certificate served")
            (directory / "server.key").write_bytes((directory / "next.key").read_bytes())
            instance.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "certificate stays as it was" in instance.stderr(), "the message")
            check("'server.key': it does not belong" in instance.stderr(), instance.stderr())
            check_equal(served_by(directory, instance.listen), first, "the certificate served")
            (directory / "server.pem").write_bytes((directory / "next.pem").read_bytes())
            instance.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "certificate read again: CN=next" in instance.stderr(), "the message")
            check_equal(served_by(directory, instance.listen), (directory / "next.pem").read_text(), "the new one")
            check_equal(instance.stop(), 0, instance.stderr())


def files_that_cannot_be_used():
    with work_directory() as directory:
        authority(directory, "ca")
        identity(directory, "server", "ca")
        (directory / "p.yaml").write_text(PIPELINE)

        def refused(*arguments, environment=None):
            code, _, said = run(["run", "p.yaml", "--listen", "127.0.0.1:0", "--admin", "off", *arguments], directory,
                                environment=environment)
            check_equal(code, 2, said)
            check((directory / "server.key").read_text().splitlines()[1] not in said, "the key was shown")
            return said

        check("'none.pem'" in refused("--tls-certificate", "none.pem", "--tls-key", "server.key"), "no file")
        said = refused("--tls-certificate", "server.pem", "--tls-key", "ca.key")
        check("cannot use the key 'ca.key': it does not belong to the certificate 'server.pem'" in said, said)
        said = refused("--tls-certificate", "server.pem")
        check("--tls-certificate: error: tls_certificate needs tls_key" in said, said)
        said = refused("--tls-client-ca", "ca.pem")
        check("tls_client_ca needs tls_certificate" in said, said)
        said = refused(environment={"COLLOQUIUM_TLS_KEY": "server.key", "COLLOQUIUM_TLS_MINIMUM": "SSLv3"})
        check("tls_key needs tls_certificate" in said and "SSLv3" in said, said)


main(foreign_clients_and_versions, only_known_clients, new_certificates_without_a_restart, files_that_cannot_be_used)
