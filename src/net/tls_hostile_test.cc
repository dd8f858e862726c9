// What comes to a port of TLS and is no good client: every connection ends, within bounds, and takes nobody with
// it.
#include <catch2/catch.hpp>
#include <vector>

#include "base/manual_clock.h"
#include "net/testing/tls_peers.h"

namespace colloquium::net {
namespace {

void check_alive(TlsServer& server) {
  TlsClient client(server.port());
  CHECK_THAT(client.ask(post("/in", "alive")), Catch::EndsWith("alive"));
}

TEST_CASE("whoever speaks plain HTTP is told so in plain HTTP") {
  TlsServer server;
  server->echo("/in");
  RawClient client(server.port());
  const RawAnswer answer = client.ask(post("/in", "1"));
  CHECK(answer.status == 400);
  CHECK(answer.has("Content-Type: application/problem+json"));
  CHECK(answer.body ==
        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"this port "
        "speaks TLS: use https\"}\n");
  CHECK(client.closed());
  client.end();
  check_alive(server);
  server.wait_until_empty();
  CHECK(server->operator->()->counters().requests.value() == 1);
  CHECK(server.counters().plain_http.value() == 1);
}

TEST_CASE("garbage, half a greeting and one that is cut end the connection") {
  TlsServer server;
  server->echo("/in");
  SeededRandom random(7);
  for (int i = 0; i < 50; ++i) {
    std::string bytes = i % 2 == 0 ? "\x16\x03\x01\x02" : "";
    for (uint64_t n = random.next() % 2'000; n-- > 0;) bytes += static_cast<char>(random.next());
    RawClient client(server.port());
    client.send(bytes);
    client.end();
    client.rest();
  }
  check_alive(server);
  server.wait_until_empty();
}

TEST_CASE("a handshake that does not come on is given up after the time for a head") {
  TlsServer server({}, {.head_timeout_ms = 50, .idle_timeout_ms = 60'000});
  server->echo("/in");
  RawClient mute(server.port());
  RawClient slow(server.port());
  slow.send("\x16\x03\x01\x02");
  CHECK(mute.closed());
  CHECK(slow.closed());
  server.wait_until_empty();
}

TEST_CASE("who talks on behind a refusal is cut off after a bounded while") {
  TlsServer server;
  RawClient client(server.port());
  const std::string lines(16'384, '\n');
  client.send("GET / HTTP/1.1\r\n\r\n");
  // The kernel's own buffers take some before the server's end is seen.
  int sent = 0;
  while (sent < 10'000 && client.send(lines)) ++sent;
  CHECK(sent < 10'000);
  server.wait_until_empty();
}

TEST_CASE("records that were changed on the way end their connection, whichever byte it was") {
  TlsServer server;
  server->echo("/in");
  for (int i = 0; i < 40; ++i) {
    TlsClient client(server.port(), {.version = i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION});
    REQUIRE(client.connected());
    CHECK_THAT(client.ask(post("/in", "before")), Catch::EndsWith("before"));
    // The record is made in memory, spoiled, and sent by hand.
    BIO* const out = BIO_new(BIO_s_mem());
    SSL_set0_wbio(client.ssl(), out);
    client.send(post("/in", "spoiled"));
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    REQUIRE(size > 30);
    bytes[5 + i * (size - 6) / 40] ^= 1;
    REQUIRE(::send(client.fd(), bytes, static_cast<size_t>(size), MSG_NOSIGNAL) == size);
    CHECK(client.rest().find("spoiled") == std::string::npos);
  }
  check_alive(server);
  server.wait_until_empty();
}

TEST_CASE("requests in records of one byte each are requests") {
  TlsServer server;
  server->echo("/in");
  TlsClient client(server.port());
  for (const char c : post("/in", "tiny")) REQUIRE(client.send({&c, 1}));
  CHECK_THAT(client.answer(), Catch::EndsWith("tiny"));
}

TEST_CASE("a client of TLS 1.2 that begins its handshake again is not followed") {
  TlsServer server;
  server->echo("/in");
  TlsClient client(server.port(), {.version = TLS1_2_VERSION});
  CHECK_THAT(client.ask(post("/in", "before")), Catch::EndsWith("before"));
  SSL_renegotiate(client.ssl());
  CHECK(SSL_do_handshake(client.ssl()) != 1);
  check_alive(server);
}

TEST_CASE("a client that is gone without a word, in its handshake or in a request, leaves nothing") {
  TlsServer server;
  server->echo("/in");
  {
    RawClient client(server.port());
    client.send("\x16\x03\x01");
    client.reset_on_close();
  }
  {
    TlsClient client(server.port());
    client.send("POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhalf");
  }
  server.wait_until_empty();
  CHECK(server->operator->()->counters().body_bytes.value() == 0);
}

TEST_CASE("a server that goes takes its TLS connections with it, wherever they stand") {
  TlsServer server;
  server->echo("/in");
  TlsClient open(server.port());
  RawClient half(server.port());
  half.send("\x16\x03\x01");
  while (server->operator->()->counters().connections_open.value() < 2) server->on_loop([] {});
  server->on_loop([&] { server->operator->()->stop(1'000, [] {}); });
  CHECK(open.rest().empty());
  CHECK(half.closed());
  server.wait_until_empty();
}

}  // namespace
}  // namespace colloquium::net
