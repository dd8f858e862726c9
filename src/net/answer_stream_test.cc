// Answers in pieces, over HTTP/1.1 and HTTP/2: what the client sees, and what the writer learns of it.
#include <catch2/catch.hpp>
#include <map>

#include "net/testing/http2_client.h"
#include "net/testing/raw_client.h"
#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

// Begins an answer for each request at /s, by the request's body.
struct Streams {
  explicit Streams(ServerFixture& to) : server(to) {
    server.route(
        {.path = "/s", .methods = {Method::kPost}, .handle = [this](const Request& request, Responder responder) {
           open.emplace(*request.body, responder.stream({.content_type = "text/plain", .body = "begun "}));
         }});
  }
  ~Streams() {
    server.on_loop([&] { open.clear(); });
  }
  void wait_for(const std::string& name) {
    server.wait_until([&] { return open.count(name) == 1; });
  }
  void write(const std::string& name, const std::string& piece) {
    server.on_loop([&] { open.at(name).write(piece); });
  }
  void finish(const std::string& name) {
    server.on_loop([&] { open.at(name).finish(); });
  }
  void give_up(const std::string& name) {
    server.on_loop([&] { open.erase(name); });
  }
  bool awaited(const std::string& name) {
    return server.on_loop([&] { return open.at(name).awaited(); });
  }

  ServerFixture& server;
  std::map<std::string, AnswerStream> open;  // loop only
};

TEST_CASE("an answer in pieces is chunked, and its connection is kept") {
  ServerFixture server;
  Streams streams(server);
  server.echo("/in");
  RawClient client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.send(post("/s", "a"));
    const RawAnswer head = client.answer();
    CHECK(head.has("Transfer-Encoding: chunked"));
    CHECK(client.take(11) == "6\r\nbegun \r\n");
    CHECK(streams.awaited("a"));
    streams.write("a", "piece");
    CHECK(client.take(10) == "5\r\npiece\r\n");
    streams.write("a", "");
    streams.finish("a");
    CHECK(client.take(5) == "0\r\n\r\n");
    streams.give_up("a");
  }
  CHECK(client.ask(post("/in", "x")).body == "x");
}

TEST_CASE("an answer in pieces waits for its turn, and those behind it for its end") {
  ServerFixture server;
  Streams streams(server);
  server.echo("/in");
  RawClient client(server.port());
  client.send(post("/s", "a") + post("/s", "b") + post("/in", "c"));
  streams.wait_for("b");
  streams.write("b", "B");
  streams.write("a", "A");
  streams.finish("a");
  client.answer();
  CHECK(client.take(22) == "6\r\nbegun \r\n1\r\nA\r\n0\r\n\r\n");
  client.answer();
  CHECK(client.take(17) == "6\r\nbegun \r\n1\r\nB\r\n");
  streams.write("b", "C");
  streams.finish("b");
  CHECK(client.take(11) == "1\r\nC\r\n0\r\n\r\n");
  CHECK(client.answer().body == "c");
}

TEST_CASE("an answer in pieces ends with the connection in HTTP/1.0, and looks broken where it is given up") {
  ServerFixture server;
  Streams streams(server);
  RawClient old(server.port());
  old.send("POST /s HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na");
  CHECK(old.answer().has("Connection: close"));
  streams.write("a", "piece");
  streams.finish("a");
  CHECK(old.rest() == "begun piece");
  RawClient client(server.port());
  client.send(post("/s", "b"));
  streams.wait_for("b");
  streams.give_up("b");
  client.answer();
  CHECK(client.rest() == "6\r\nbegun \r\n");
}

TEST_CASE("that a client has gone is seen, also behind its last request") {
  const std::string headers = GENERATE(as<std::string>(), "", "Connection: close\r\n");
  ServerFixture server;
  Streams streams(server);
  {
    RawClient client(server.port());
    client.send(post("/s", "a", headers));
    streams.wait_for("a");
    CHECK(streams.awaited("a"));
  }
  server.wait_until([&] { return !streams.open.at("a").awaited(); });
  streams.write("a", "nowhere");
}

TEST_CASE("what a client does not take is told") {
  ServerFixture server;
  Streams streams(server);
  RawClient client(server.port());
  client.send(post("/s", "a"));
  streams.wait_for("a");
  streams.write("a", std::string(32 << 20, 'x'));
  server.wait_until([&] { return streams.open.at("a").unsent_bytes() > (8 << 20); });
  streams.finish("a");
  client.answer();
  CHECK(client.take(33 << 20).size() > (32 << 20));
}

TEST_CASE("answers in pieces share a connection of HTTP/2") {
  ServerFixture server;
  Streams streams(server);
  Http2Client client(server.port());
  const int32_t a = client.begin_post("/s", "a");
  const int32_t b = client.begin_post("/s", "b");
  const int32_t c = client.begin_post("/s", "c");
  REQUIRE(client.run([&] { return client.answers[a].body == "begun " && client.answers[c].body == "begun "; }));
  CHECK(client.answers[a].headers.count("content-length") == 0);
  streams.write("b", "piece");
  REQUIRE(client.run([&] { return client.answers[b].body == "begun piece"; }));
  CHECK_FALSE(client.answers[b].closed);
  streams.write("b", std::string(300'000, 'x'));
  streams.finish("b");
  CHECK(client.run_until_closed(b).body.size() == 300'011);
  CHECK(client.answers[b].error == 0);
  streams.give_up("a");
  CHECK(client.run_until_closed(a).error != 0);
  nghttp2_submit_rst_stream(client.session(), 0, c, NGHTTP2_CANCEL);
  client.send_all();
  server.wait_until([&] { return !streams.open.at("c").awaited(); });
}

}  // namespace
}  // namespace colloquium::net
