// HTTP over TLS: versions, protocols, certificates of clients, and ends of connections.
#include "net/tls_stream.h"

#include <catch2/catch.hpp>
#include <thread>

#include "net/testing/tls_peers.h"

namespace colloquium::net {
namespace {

TEST_CASE("HTTP works over TLS 1.2 and 1.3: pipelined, large both ways, and ended in order", "[REQ-138]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  TlsServer server;
  server->echo("/in");
  const std::string large(3'000'000, 'l');
  TlsClient client(server.port(), {.version = version, .authority = &server.identity()});
  REQUIRE(client.connected());
  CHECK(SSL_version(client.ssl()) == version);
  std::thread sender(
      [&] { client.send(post("/in", "one") + post("/in", large) + post("/in", "two", "Connection: close\r\n")); });
  sender.join();
  bool ended_well = false;
  const std::string answers = client.rest(&ended_well);
  const size_t one = answers.find("\r\n\r\none");
  const size_t big = answers.find("\r\n\r\n" + large);
  const size_t two = answers.find("\r\n\r\ntwo");
  REQUIRE(two != std::string::npos);
  CHECK(one < big);
  CHECK(big < two);
  CHECK(two + 7 == answers.size());
  CHECK(ended_well);
  client.end();
  server.wait_until_empty();
}

TEST_CASE("versions before the oldest that is taken are refused") {
  TlsServer any;
  CHECK_FALSE(TlsClient(any.port(), {.version = TLS1_VERSION}).connected());
  CHECK_FALSE(TlsClient(any.port(), {.version = TLS1_1_VERSION}).connected());
  CHECK(any.counters().version.value() == 2);
  TlsServer strict({.minimum = TlsVersion::kTls13});
  CHECK_FALSE(TlsClient(strict.port(), {.version = TLS1_2_VERSION}).connected());
  CHECK(TlsClient(strict.port(), {.version = TLS1_3_VERSION}).connected());
}

TEST_CASE("the protocol is HTTP/1.1, and a client that wants another is refused") {
  TlsServer server;
  TlsClient modern(server.port(), {.protocols = "\x03xyz\x08http/1.1"});
  CHECK(modern.connected());
  CHECK(modern.protocol() == "http/1.1");
  CHECK(TlsClient(server.port()).protocol() == "");
  CHECK_FALSE(TlsClient(server.port(), {.protocols = "\x03xyz"}).connected());
}

// Whether a request goes through: with TLS 1.3 a client learns of a refused certificate after its handshake.
std::string asked(TlsClient& client) {
  const std::string answer = client.ask(post("/who", "1"));
  const size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "refused" : answer.substr(body + 4);
}

TEST_CASE("only clients with a certificate of the authority come in, and it is known who they are", "[REQ-138]") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const Identity authority("authority.test");
  const Identity known("shop \xC3\xA9, till 1", &authority);
  const Identity stranger("stranger.test");
  const Identity other_authority("authority.test");
  const Identity forged("forged.test", &other_authority);
  const Identity expired("expired.test", &authority, -60);
  TlsServer server({}, {}, &authority);
  server->route(
      {.path = "/who", .methods = {Method::kPost}, .handle = [](const Request& request, Responder responder) {
         responder.send({.body = request.head.peer_name});
       }});
  TlsClient good(server.port(), {.version = version, .identity = &known});
  CHECK(asked(good) == "CN=shop \xC3\xA9\\, till 1");
  for (const Identity* const identity :
       std::initializer_list<const Identity*>{nullptr, &stranger, &forged, &expired}) {
    TlsClient bad(server.port(), {.version = version, .identity = identity});
    CHECK(asked(bad) == "refused");
  }
  CHECK(server->operator->()->counters().requests.value() == 1);
  CHECK(server.counters().handshakes.value() == 1);
  CHECK(server.counters().certificate_missing.value() == 1);
  CHECK(server.counters().certificate_untrusted.value() == 2);
  CHECK(server.counters().certificate_expired.value() == 1);
}

TEST_CASE("a session that is resumed is the same client's still, until the files are read again") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const Identity authority("authority.test");
  const Identity known("known.test", &authority);
  TlsServer server({}, {}, &authority);
  server->route(
      {.path = "/who", .methods = {Method::kPost}, .handle = [](const Request& request, Responder responder) {
         responder.send({.body = request.head.peer_name});
       }});
  TlsClient first(server.port(), {.version = version, .identity = &known});
  CHECK(asked(first) == "CN=known.test");
  SSL_SESSION* const session = SSL_get1_session(first.ssl());
  {
    TlsClient second(server.port(), {.version = version, .identity = nullptr, .session = session});
    CHECK(asked(second) == "CN=known.test");
    CHECK(SSL_session_reused(second.ssl()) == 1);
  }
  // Other files are another beginning: nobody comes in by what held before.
  REQUIRE(server.reload());
  TlsClient third(server.port(), {.version = version, .identity = nullptr, .session = session});
  CHECK(asked(third) == "refused");
  SSL_SESSION_free(session);
}

TEST_CASE("a client that ends its half still gets its answer") {
  TlsServer server;
  Responder* kept = nullptr;
  std::unique_ptr<Responder> holder;
  server->route({.path = "/later", .methods = {Method::kPost}, .handle = [&](const Request&, Responder responder) {
                   holder = std::make_unique<Responder>(std::move(responder));
                   kept = holder.get();
                 }});
  TlsClient client(server.port());
  client.send(post("/later", "1"));
  client.end();
  while (server->on_loop([&] { return kept == nullptr; })) continue;
  server->on_loop([&] {
    holder->send({.body = "late"});
    holder.reset();
  });
  bool ended_well = false;
  CHECK_THAT(client.rest(&ended_well), Catch::EndsWith("late"));
  CHECK(ended_well);
}

TEST_CASE("what has been decrypted waits with its connection, and goes on when it does") {
  TlsServer server;
  bool open = false;
  std::atomic<int> handled{0};
  server->route({.path = "/in",
                 .methods = {Method::kPost},
                 .admit = [&](const RequestHead&) { return open ? Admission{} : Admission::wait(); },
                 .handle =
                     [&](const Request&, Responder responder) {
                       ++handled;
                       responder.send({.body = "ok"});
                     }});
  TlsClient client(server.port());
  std::string many;
  for (int i = 0; i < 500; ++i) many += post("/in", "12345678901234567890");
  client.send(many + post("/in", "last", "Connection: close\r\n"));
  while (server->operator->()->counters().requests.value() < 1) continue;
  CHECK(handled == 0);
  server->on_loop([&] {
    open = true;
    server->operator->()->resume_route("/in");
  });
  bool ended_well = false;
  const std::string answers = client.rest(&ended_well);
  CHECK(handled == 501);
  CHECK(ended_well);
}

TEST_CASE("a client that takes no answers is not read, and gets them all when it does") {
  TlsServer server;
  const std::string body(100'000, 'b');
  server->route({.path = "/large", .methods = {Method::kGet}, .handle = [&](const Request&, Responder responder) {
                   responder.send({.body = body});
                 }});
  TlsClient client(server.port());
  std::string many;
  for (int i = 0; i < 200; ++i) many += "GET /large HTTP/1.1\r\nHost: h\r\n\r\n";
  many += "GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  client.send(many);
  const std::string answers = client.rest();
  size_t count = 0;
  for (size_t at = 0; (at = answers.find("HTTP/1.1 200 OK", at)) != std::string::npos; ++at) ++count;
  CHECK(count == 201);
  CHECK(answers.size() > 201 * body.size());
}

TEST_CASE("keys may be updated in the middle of a connection") {
  TlsServer server;
  server->echo("/in");
  TlsClient client(server.port(), {.version = TLS1_3_VERSION});
  for (int i = 0; i < 20; ++i) {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
    CHECK_THAT(client.ask(post("/in", "again")), Catch::EndsWith("again"));
  }
}

}  // namespace
}  // namespace colloquium::net
