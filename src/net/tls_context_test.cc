#include "net/tls_context.h"

#include <catch2/catch.hpp>

#include "net/testing/tls_peers.h"

namespace colloquium::net {
namespace {

// What making a context of these files says; "": it was made.
std::string problem_with(const TlsSettings& settings,
                         const std::vector<std::pair<std::string, std::string>>& texts) {
  io::MemoryFileSystem files;
  for (const auto& [path, text] : texts) REQUIRE(io::write_file_atomically(files, path, text));
  LoopThread thread;
  return thread.on_loop([&] {
    auto made = TlsContext::create(files, thread.loop(), settings);
    return made ? std::string() : made.error().message;
  });
}

constexpr auto contains = [](const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
};

TEST_CASE("files that cannot be used are named, with what is wrong with them") {
  const Identity one("one.test");
  const Identity other("other.test");
  const TlsSettings both{.certificate = "cert.pem", .key = "key.pem"};
  const std::string cert = one.certificate_pem();
  CHECK(problem_with(both, {{"cert.pem", cert}, {"key.pem", one.key_pem()}}) == "");
  CHECK(contains(problem_with(both, {}), "cert.pem"));
  CHECK(contains(problem_with(both, {{"cert.pem", cert}}), "key.pem"));
  CHECK(contains(problem_with(both, {{"cert.pem", ""}, {"key.pem", one.key_pem()}}),
                 "'cert.pem': it holds no certificate in PEM form"));
  CHECK(contains(problem_with(both, {{"cert.pem", one.key_pem()}, {"key.pem", one.key_pem()}}),
                 "'cert.pem': it holds no certificate in PEM form"));
  CHECK(contains(problem_with(both, {{"cert.pem", cert}, {"key.pem", cert}}),
                 "'key.pem': it holds no private key in PEM form"));
  CHECK(contains(problem_with(both, {{"cert.pem", cert}, {"key.pem", other.key_pem()}}),
                 "'key.pem': it does not belong to the certificate 'cert.pem'"));
  CHECK(contains(problem_with(both, {{"cert.pem", cert}, {"key.pem", one.key_pem("phrase")}}),
                 "'key.pem': it is protected by a pass phrase"));
  const TlsSettings mutual{.certificate = "cert.pem", .key = "key.pem", .client_ca = "ca.pem"};
  CHECK(contains(problem_with(mutual, {{"cert.pem", cert}, {"key.pem", one.key_pem()}, {"ca.pem", "none"}}),
                 "'ca.pem': it holds no certificate"));
}

TEST_CASE("files cut anywhere are refused or used, and nothing of a key is said") {
  const Identity one("one.test");
  const std::string key = one.key_pem();
  for (size_t length = 0; length < key.size(); length += 7) {
    const std::string problem = problem_with({.certificate = "c", .key = "k"},
                                             {{"c", one.certificate_pem()}, {"k", key.substr(0, length)}});
    CHECK(contains(problem, "'k'"));
    CHECK_FALSE(contains(problem, key.substr(30, 20)));
  }
}

TEST_CASE("a certificate's chain goes to the client with it") {
  const Identity root("root.test");
  const Identity leaf("leaf.test", &root);
  TlsServer server;
  server.put("cert.pem", leaf.certificate_pem() + root.certificate_pem());
  server.put("key.pem", leaf.key_pem());
  REQUIRE(server.reload());
  TlsClient client(server.port());
  REQUIRE(client.connected());
  CHECK(sk_X509_num(SSL_get_peer_cert_chain(client.ssl())) == 2);
  CHECK(TlsClient(server.port(), {.authority = &root}).connected());
}

TEST_CASE("new files are for new connections, and the old ones stay where the new are no good") {
  const Identity next("next.test");
  TlsServer server;
  server->echo("/in");
  const Identity& before = server.identity();
  TlsClient old(server.port(), {.authority = &before});
  REQUIRE(old.connected());
  server.put("key.pem", next.key_pem());
  const Status refused = server.reload();
  REQUIRE_FALSE(refused);
  CHECK(contains(refused.error().message, "does not belong"));
  CHECK(TlsClient(server.port(), {.authority = &before}).connected());
  server.put("cert.pem", next.certificate_pem());
  REQUIRE(server.reload());
  CHECK(TlsClient(server.port(), {.authority = &next}).connected());
  CHECK_FALSE(TlsClient(server.port(), {.authority = &before}).connected());
  CHECK(contains(old.ask(post("/in", "still here")), "still here"));
}

TEST_CASE("what a certificate is and until when can be told") {
  const Identity one("one.test");
  io::MemoryFileSystem files;
  REQUIRE(io::write_file_atomically(files, "c", one.certificate_pem()));
  REQUIRE(io::write_file_atomically(files, "k", one.key_pem()));
  LoopThread thread;
  const std::string said = thread.on_loop(
      [&] { return (*TlsContext::create(files, thread.loop(), {.certificate = "c", .key = "k"}))->describe(); });
  CHECK_THAT(said, Catch::StartsWith("CN=one.test, until ") && Catch::EndsWith("GMT"));
}

}  // namespace
}  // namespace colloquium::net
