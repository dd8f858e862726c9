// SseSource against a server that says what the test tells it to.
#include "components/http/sse_source.h"

#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "base/manual_clock.h"
#include "base/system_clock.h"
#include "config/yaml.h"
#include "net/testing/loop_thread.h"
#include "net/testing/scripted_server.h"
#include "tests/fake_intake.h"

namespace colloquium::components {
namespace {

class EventServer : public net::ScriptedServer {
 public:
  std::string accept(std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n") {
    return ScriptedServer::accept(answer);
  }
  // Whether the kernel took another of these; what it took a part of is finished with the next call.
  bool would_take(const std::string& bytes) {
    if (pending_.empty()) pending_ = bytes;
    pending_.erase(0, offer(pending_));
    return pending_.empty();
  }
  std::string url() const { return ScriptedServer::url("/events"); }

 private:
  std::string pending_;
};

std::string problems_of(const std::string& yaml, ParsedConfig* parsed = nullptr) {
  ConfigProblems problems;
  const auto node = config::load_yaml(yaml, "p.yaml", problems);
  REQUIRE(node);
  const ParsedConfig read = sse_source().parse(*node, problems);
  if (parsed != nullptr) *parsed = read;
  std::string text;
  for (const ConfigProblem& problem : problems) text += problem.describe() + "\n";
  return text;
}

// The least that chance may come to.
class NoWait final : public Random {
 public:
  uint64_t next() override { return 0; }
};

class SseFixture {
 public:
  template <class F>
  auto on_loop(F f) {
    return thread_.on_loop(std::move(f));
  }
  SseFixture() {
    on_loop([&] {
      services_.provide<loop::UvLoop>(&thread_.loop());
      intake = std::make_unique<FakeIntake>(thread_.loop());
    });
  }
  ~SseFixture() {
    stop();
    on_loop([&] { intake.reset(); });
  }
  void start(const std::string& settings = {}, const std::string& cursor = {},
             const std::string& reconnect = "{initial: 10ms, max: 20ms}") {
    ParsedConfig parsed;
    REQUIRE(problems_of("url: \"" + server.url() + "\"\nreconnect: " + reconnect + "\n" + settings, &parsed) ==
            "");
    const Status started = on_loop([&] {
      SourceContext context{
          {thread_.loop(), thread_.clock(), *random, services_, "p", "in", "."}, *intake, false, {}, {}};
      source_ = std::make_unique<SseSource>(std::move(context), config_of<SseConfig>(parsed), thread_.loop());
      return source_->start(cursor);
    });
    REQUIRE(started);
  }
  void stop() {
    if (source_ == nullptr) return;
    thread_.wait_for<int>([&](auto done) { source_->close([done] { done(0); }); });
    on_loop([&] { source_.reset(); });
  }
  void wait_until(const std::function<bool()>& reached) {
    while (!on_loop(reached)) continue;
  }
  // All messages emitted, as "value@position".
  std::vector<std::string> emitted() {
    return on_loop([&] {
      std::vector<std::string> out;
      for (const RawBatch& batch : intake->emitted) {
        for (size_t i = 0; i < batch.messages.size(); ++i) {
          out.push_back(batch.messages[i].value + "@" + std::to_string(batch.position + static_cast<int64_t>(i)));
        }
      }
      return out;
    });
  }
  void wait_for_events(size_t count) {
    while (emitted().size() < count) continue;
  }

  EventServer server;
  std::unique_ptr<FakeIntake> intake;
  std::unique_ptr<Random> random = std::make_unique<SeededRandom>(1);  // before the start

 private:
  net::LoopThread thread_;
  Services services_;
  std::unique_ptr<SseSource> source_;
};

using Strings = std::vector<std::string>;

TEST_CASE("events of a stream are events with type and id as headers", "[REQ-016]") {
  SseFixture fixture;
  fixture.start("headers: {X-Token: t}\nauth: {bearer: b}");
  const std::string head = fixture.server.accept();
  CHECK_THAT(head, Catch::StartsWith("get /events http/1.1\r\n") &&
                       Catch::Contains("accept: text/event-stream\r\n") && Catch::Contains("x-token: t\r\n") &&
                       Catch::Contains("authorization: bearer b\r\n") && !Catch::Contains("last-event-id"));
  fixture.server.say("event: add\nid: 7\ndata: {\"a\":\ndata: 1}\n\n: rest\n\ndata: 2\n\ndata: 3");
  fixture.wait_for_events(2);
  CHECK(fixture.emitted() == Strings{"{\"a\":\n1}@0", "2@1"});
  const RawBatch first = fixture.on_loop([&] { return fixture.intake->emitted[0]; });
  using Headers = std::vector<std::pair<std::string, std::string>>;
  CHECK(first.messages[0].headers == Headers{{"sse_event", "add"}, {"sse_id", "7"}});
  CHECK(first.bad_event == BadEventPolicy::kDeadLetter);
}

TEST_CASE("whatever ends the connection, another one goes on behind the last whole event", "[REQ-016]") {
  SseFixture fixture;
  fixture.start();
  fixture.server.accept();
  fixture.server.say("id: 1\ndata: 1\n\nid: 2\ndata: 2\n\nid: 3\ndata: half");
  fixture.wait_for_events(2);
  CHECK_THAT(fixture.server.accept(), Catch::Contains("last-event-id: 2\r\n"));
  fixture.server.say("id: 3\ndata: 3\n\n");
  fixture.wait_for_events(3);
  // What is no event stream is not taken for one.
  for (const char* answer :
       {"HTTP/1.1 503 Busy\r\nContent-Length: 20\r\nContent-Type: text/event-stream\r\n\r\ndata: nothing\n\n.....",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\ndata: nothing\n\n",
        "HTTP/1.1 204 No Content\r\n\r\n", "nonsense\r\n\r\n"}) {
    CHECK_THAT(fixture.server.accept(answer), Catch::Contains("last-event-id: 3\r\n"));
  }
  fixture.server.accept();
  fixture.server.say("data: 4\n\n");
  fixture.wait_for_events(4);
  CHECK(fixture.emitted() == Strings{"1@0", "2@1", "3@2", "4@3"});
}

TEST_CASE("after a restart the stored id counts, and positions are new", "[REQ-016]") {
  SseFixture fixture;
  fixture.start("last_event_id: first");
  CHECK_THAT(fixture.server.accept(), Catch::Contains("last-event-id: first\r\n"));
  fixture.server.say("id: \xc3\xa9 1\ndata: 1\n\n");
  fixture.wait_until([&] { return !fixture.intake->cursor.empty(); });
  fixture.stop();
  fixture.on_loop([&] { fixture.intake->free = 50; });
  fixture.start("last_event_id: first", fixture.intake->cursor);
  CHECK_THAT(fixture.server.accept(), Catch::Contains("last-event-id: \xc3\xa9 1\r\n"));
  fixture.server.say("data: 2\n\n");
  fixture.wait_for_events(2);
  CHECK(fixture.emitted() == Strings{"1@0", "2@50"});
}

TEST_CASE("a cursor comes back from its text, and what is none is told") {
  const std::string id("a\0b \xff", 5);
  const auto cursor = sse_cursor_of(to_text({12, id}));
  REQUIRE(cursor);
  CHECK(cursor->position == 12);
  CHECK(cursor->id == id);
  CHECK(sse_cursor_of(to_text({0, ""}))->id.empty());
  for (const char* none : {"x", "sse 1 ", "sse 1 5", "sse 1 -1 ", "sse 1 5 ***", "generate 1 2 3"}) {
    CHECK_FALSE(sse_cursor_of(none));
  }
}

TEST_CASE("what the door turns away is offered again, and what comes meanwhile follows", "[REQ-016]") {
  SseFixture fixture;
  fixture.on_loop([&] { fixture.intake->hold(); });
  fixture.start();
  fixture.server.accept();
  fixture.server.say("data: 1\n\n");
  const auto at_door = [&] { return fixture.intake->under_way() == 1; };
  fixture.wait_until(at_door);
  fixture.server.say("id: b\ndata: 2\n\ndata: 3\n\n");
  fixture.on_loop([&] { fixture.intake->refuse(ErrorCode::kUnavailable, 5); });
  fixture.wait_until(at_door);
  fixture.on_loop([&] { fixture.intake->accept(); });
  fixture.wait_until(at_door);
  fixture.on_loop([&] { fixture.intake->accept(); });
  fixture.wait_until([&] { return sse_cursor_of(fixture.intake->cursor)->position == 3 || at_door(); });
  while (fixture.on_loop(at_door)) fixture.on_loop([&] { fixture.intake->accept(); });
  const Strings got = fixture.emitted();
  CHECK(got[0] == "1@0");
  CHECK(got[1] == "1@0");
  CHECK(got[2] == "2@1");
  CHECK(got.back() == "3@2");
}

TEST_CASE("while the door takes nothing the stream is not read, and nothing is lost by it", "[REQ-016]") {
  SseFixture fixture;
  fixture.on_loop([&] { fixture.intake->set_ready(false); });
  fixture.start();
  fixture.server.accept();
  const std::string event = "data: \"" + std::string(60'000, 'x') + "\"\n\n";
  size_t sent = 0;
  for (int refused = 0; refused < 200;) {
    const bool taken = fixture.server.would_take(event);
    sent += taken ? 1 : 0;
    refused = taken ? 0 : refused + 1;
    REQUIRE(sent < 5000);  // 300 MB: nobody would be holding them back
    fixture.on_loop([] {});
  }
  CHECK(fixture.emitted().empty());
  fixture.on_loop([&] { fixture.intake->set_ready(true); });
  fixture.wait_for_events(sent);
  CHECK(fixture.emitted()[sent - 1].substr(0, 10) == event.substr(6, 10));
}

TEST_CASE("a message has event, id and data; data that is no JSON, or too long, is left for the door to refuse",
          "[REQ-016]") {
  SseFixture fixture;
  fixture.start("value: message\nmax_event: 30");
  fixture.server.accept();
  fixture.server.say("event: a\"b\nid: 1\ndata: {\"x\": 1}\n\ndata: 1},\"id\":{\n\ndata: \"" +
                     std::string(50, 'y') + "\"\n\n");
  fixture.wait_for_events(3);
  CHECK(fixture.emitted() == Strings{R"({"event":"a\"b","id":"1","data":{"x": 1}}@0)", "1},\"id\":{@1",
                                     "\"" + std::string(30, 'y') + "@2"});
  SseFixture text;
  text.start("value: message\nformat: text");
  text.server.accept();
  text.server.say("data: a \"b\"\n\n");
  text.wait_for_events(1);
  CHECK(text.emitted() == Strings{R"({"event":"message","id":"","data":"a \"b\""}@0)"});
  SseFixture lines;
  lines.start("format: text");
  lines.server.accept();
  lines.server.say("data: a \"b\"\n\n");
  lines.wait_for_events(1);
  CHECK(lines.emitted() == Strings{"a \"b\"@0"});
  CHECK(lines.on_loop([&] { return lines.intake->emitted[0].decoder != nullptr; }));
}

TEST_CASE("a connection that is silent for too long is another's turn", "[REQ-016]") {
  SseFixture fixture;
  fixture.start("silence: 30ms");
  fixture.server.accept();
  CHECK_THAT(fixture.server.accept(), Catch::StartsWith("get /events"));
}

TEST_CASE("the stream says how long to wait before the next connection", "[REQ-016]") {
  SseFixture fixture;
  fixture.start();
  fixture.server.accept();
  fixture.server.say("retry: 3600000\ndata: 1\n\n");
  fixture.wait_for_events(1);
  fixture.server.hang_up();
  // And nothing less: the source is at rest, and a stop does not wait for it.
  for (int i = 0; i < 50; ++i) fixture.on_loop([] {});
  fixture.stop();
  CHECK(fixture.emitted() == Strings{"1@0"});
}

TEST_CASE("a stream says how long to wait at least, and chance adds to it", "[REQ-016]") {
  constexpr int64_t kAskedNs = 200'000'000;
  SseFixture fixture;
  fixture.random = std::make_unique<NoWait>();
  fixture.start({}, {}, "{initial: 1h, max: 1h}");
  fixture.server.accept();
  fixture.server.say("retry: 200\ndata: 1\n\n");
  fixture.wait_for_events(1);
  const SystemClock clock;
  const int64_t begun_ns = clock.monotonic_ns();
  fixture.server.hang_up();
  CHECK_THAT(fixture.server.accept(), Catch::StartsWith("get /events"));
  CHECK(clock.monotonic_ns() - begun_ns >= kAskedNs);
}

TEST_CASE("a wait may be anything below its bound", "[REQ-016]") {
  SseFixture fixture;
  fixture.random = std::make_unique<NoWait>();
  fixture.start({}, {}, "{initial: 1h, max: 1h}");
  for (int i = 0; i < 5; ++i) {
    fixture.server.accept("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n");
    fixture.server.hang_up();
  }
  CHECK_THAT(fixture.server.accept(), Catch::StartsWith("get /events"));
}

TEST_CASE("settings of a stream are checked where they stand") {
  const auto problems = [](const std::string& yaml) { return problems_of("url: \"http://h/\"\n" + yaml); };
  CHECK(problems("value: message\nformat: text").empty());
  CHECK_THAT(problems("format: csv"), Catch::StartsWith("p.yaml:2:9: error: an event of a stream has no header"));
  CHECK_THAT(problems("format: logfmt\nvalue: message"), Catch::Contains("the data is json"));
  CHECK_THAT(problems("last_event_id: \"a\\nb\""), Catch::Contains("no header may have"));
  CHECK_THAT(problems("headers: {last-event-id: x}"), Catch::Contains("is set for every request"));
  CHECK_THAT(problems_of("url: h"), Catch::Contains("whole address"));
}

}  // namespace
}  // namespace colloquium::components
