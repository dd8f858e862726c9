// HttpClient's streams: bodies that are taken as they come, against a peer that says what the test tells it to.
#include <atomic>
#include <catch2/catch.hpp>
#include <optional>
#include <vector>

#include "net/http_client.h"
#include "net/testing/scripted_server.h"
#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

class SlowServer : public ScriptedServer {
 public:
  // How much the kernel takes before nobody reads.
  size_t say_until_full(size_t most) {
    const std::string block(64 * 1024, 'x');
    size_t said = 0;
    while (said < most) {
      const size_t count = offer(block);
      if (count == 0) return said;
      said += count;
    }
    return said;
  }
};

constexpr char kEndless[] = "HTTP/1.1 200 OK\r\nX-Kind: stream\r\n\r\n";

// What a stream has handed over. Loop only.
struct Taken {
  std::optional<int> status;
  std::string kind;
  std::string bytes;
  std::optional<Result<ClientResponse>> end;
};

class StreamFixture {
 public:
  StreamFixture() {
    thread_.on_loop([&] { client = std::make_unique<HttpClient>(thread_.loop(), thread_.clock()); });
  }
  ~StreamFixture() {
    thread_.on_loop([&] { client.reset(); });
  }
  template <class F>
  auto on_loop(F f) {
    return thread_.on_loop(std::move(f));
  }
  uint64_t open(const std::string& url, int64_t silence_ms = 0, std::function<void()> on_bytes = {},
                int64_t timeout_ms = 30'000) {
    return on_loop([&] {
      ClientRequest request;
      request.url = url;
      request.timeout_ms = timeout_ms;
      ClientStream stream;
      stream.silence_ms = silence_ms;
      stream.begun = [this](const ClientResponse& head) {
        taken.status = head.status;
        taken.kind = head.find("x-kind").value_or("");
      };
      stream.bytes = [this, on_bytes](std::string_view bytes) {
        taken.bytes += bytes;
        if (on_bytes) on_bytes();
      };
      stream.done = [this](Result<ClientResponse> end) { taken.end = std::move(end); };
      return id = client->send_streaming(std::move(request), std::move(stream));
    });
  }
  template <class F>
  void wait_until(F reached) {
    while (!on_loop(reached)) continue;
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) on_loop([] {});
  }
  bool has(const std::string& bytes) {
    return on_loop([&] { return taken.bytes == bytes; });
  }

  Taken taken;
  uint64_t id = 0;  // of the stream; loop only
  std::unique_ptr<HttpClient> client;

 private:
  LoopThread thread_;
};

TEST_CASE("a body is handed over as it comes, its head first", "[REQ-016]") {
  StreamFixture fixture;
  SlowServer server;
  fixture.open(server.url());
  server.accept();
  server.say("HTTP/1.1 103 Early\r\nX-Kind: hint\r\n\r\n");
  server.say(kEndless);
  fixture.wait_until([&] { return fixture.taken.status.has_value(); });
  CHECK(fixture.taken.status == 200);
  CHECK(fixture.taken.kind == "stream");
  CHECK(fixture.taken.bytes.empty());
  server.say("one");
  fixture.wait_until([&] { return fixture.taken.bytes == "one"; });
  server.say("two");
  fixture.wait_until([&] { return fixture.taken.bytes == "onetwo"; });
  CHECK_FALSE(fixture.on_loop([&] { return fixture.taken.end.has_value(); }));
  server.hang_up();
  fixture.wait_until([&] { return fixture.taken.end.has_value(); });
  REQUIRE(*fixture.taken.end);
  CHECK((*fixture.taken.end)->status == 200);
  CHECK(fixture.on_loop([&] { return fixture.client->under_way(); }) == 0);
}

TEST_CASE("an answer that comes all at once is handed over in order, and what broke off is told", "[REQ-016]") {
  StreamFixture fixture;
  SlowServer server;
  fixture.open(server.url());
  server.accept();
  server.say("HTTP/1.1 404 No\r\nContent-Length: 10\r\n\r\nhalf");
  server.hang_up();
  fixture.wait_until([&] { return fixture.taken.end.has_value(); });
  CHECK(fixture.taken.status == 404);
  CHECK(fixture.taken.bytes == "half");
  REQUIRE_FALSE(*fixture.taken.end);
  CHECK(fixture.taken.end->error().retryable);
}

TEST_CASE("trailers of a chunked body are no second head", "[REQ-016]") {
  StreamFixture fixture;
  SlowServer server;
  fixture.open(server.url());
  server.accept();
  server.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n");
  fixture.wait_until([&] { return fixture.taken.end.has_value(); });
  CHECK(fixture.taken.bytes == "abc");
  CHECK(*fixture.taken.end);
}

TEST_CASE("who does not take is not given, and the server has to wait", "[REQ-016]") {
  StreamFixture fixture;
  SlowServer server;
  const uint64_t id = fixture.open(server.url());
  server.accept();
  server.say(kEndless);
  fixture.wait_until([&] { return fixture.taken.status.has_value(); });
  fixture.on_loop([&] { fixture.client->pause(id); });
  // Far more than the client keeps; both kernels' buffers take some megabytes.
  constexpr size_t kMost = size_t{256} << 20;
  size_t said = 0;
  for (int quiet = 0; quiet < 50;) {
    const size_t more = server.say_until_full(kMost - said);
    said += more;
    quiet = more == 0 ? quiet + 1 : 0;
    REQUIRE(said < kMost);
    fixture.turns(5);
  }
  CHECK(fixture.taken.bytes.empty());
  fixture.on_loop([&] { fixture.client->resume(id); });
  fixture.wait_until([&] { return fixture.taken.bytes.size() == said; });
  server.say("end");
  server.hang_up();
  fixture.wait_until([&] { return fixture.taken.end.has_value(); });
  CHECK(fixture.taken.bytes.size() == said + 3);
  CHECK(fixture.taken.bytes.ends_with("xend"));
}

TEST_CASE("a taker may pause with each piece, and what has ended meanwhile comes before the end", "[REQ-016]") {
  StreamFixture fixture;
  SlowServer server;
  fixture.open(server.url(), 0, [&] { fixture.client->pause(fixture.id); });
  server.accept();
  server.say(kEndless);
  const std::string body(300'000, 'b');
  server.say(body);
  server.hang_up();
  while (!fixture.on_loop([&] { return fixture.taken.end.has_value(); })) {
    fixture.on_loop([&] { fixture.client->resume(fixture.id); });
  }
  CHECK(fixture.has(body));
  CHECK(*fixture.taken.end);
}

TEST_CASE("silence ends a stream, but not while it is paused", "[REQ-016]") {
  StreamFixture fixture;
  SlowServer server;
  const uint64_t id = fixture.open(server.url(), 30);
  server.accept();
  server.say(kEndless);
  fixture.wait_until([&] { return fixture.taken.status.has_value(); });
  fixture.wait_until([&] { return fixture.taken.end.has_value(); });
  REQUIRE_FALSE(*fixture.taken.end);
  CHECK(fixture.taken.end->error().code == ErrorCode::kTimeout);
  CHECK_THAT(fixture.taken.end->error().message, Catch::Contains("nothing came in 30 ms"));
  fixture.on_loop([&] {
    fixture.client->pause(id);  // it has ended: nothing happens
    fixture.client->resume(id);
  });

  StreamFixture mute;
  SlowServer never;
  mute.open(never.url(), 0, {}, 30);
  mute.wait_until([&] { return mute.taken.end.has_value(); });
  CHECK_FALSE(mute.taken.status);
  CHECK(mute.taken.end->error().code == ErrorCode::kTimeout);

  StreamFixture paused;
  SlowServer other;
  const uint64_t held = paused.open(other.url(), 30);
  other.accept();
  other.say(kEndless);
  paused.wait_until([&] { return paused.taken.status.has_value(); });
  const bool still_there = paused.on_loop([&] {
    paused.client->pause(held);
    return !paused.taken.end.has_value();
  });
  if (still_there) {
    // A stream of the same silence that is not paused ends first.
    StreamFixture clock;
    SlowServer quiet;
    clock.open(quiet.url(), 0, {}, 60);
    clock.wait_until([&] { return clock.taken.end.has_value(); });
    CHECK_FALSE(paused.on_loop([&] { return paused.taken.end.has_value(); }));
  }
}

TEST_CASE("a taker may cancel its stream, or destroy the client, from inside", "[REQ-016]") {
  StreamFixture fixture;
  SlowServer server;
  fixture.open(server.url(), 0, [&] { fixture.client->cancel(fixture.id); });
  server.accept();
  server.say(kEndless);
  server.say("x");
  fixture.wait_until([&] { return fixture.taken.end.has_value(); });
  CHECK(fixture.taken.end->error().code == ErrorCode::kCancelled);
  CHECK(fixture.taken.bytes == "x");

  StreamFixture gone;
  SlowServer other;
  gone.open(other.url(), 0, [&] { gone.client.reset(); });
  other.accept();
  other.say(kEndless);
  other.say("y");
  gone.wait_until([&] { return gone.client == nullptr; });
  gone.turns(5);
  CHECK(gone.taken.bytes == "y");
  CHECK_FALSE(gone.taken.end);
}

TEST_CASE("nobody there, and a request that is none, are told by the end alone", "[REQ-016]") {
  StreamFixture fixture;
  fixture.open("http://127.0.0.1:1/");
  fixture.wait_until([&] { return fixture.taken.end.has_value(); });
  CHECK(fixture.taken.end->error().code == ErrorCode::kUnavailable);
  CHECK_FALSE(fixture.taken.status);
  StreamFixture wrong;
  wrong.open("ftp://127.0.0.1/");
  wrong.wait_until([&] { return wrong.taken.end.has_value(); });
  CHECK_FALSE(wrong.taken.end->error().retryable);
}

}  // namespace
}  // namespace colloquium::net
