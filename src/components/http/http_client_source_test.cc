// HttpClientSource against a server that says what the test wants.
#include "components/http/http_client_source.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <vector>

#include "base/manual_clock.h"
#include "config/yaml.h"
#include "net/testing/server_fixture.h"
#include "tests/fake_intake.h"

namespace colloquium::components {
namespace {

struct Say {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Asked {
  std::string target;
  std::string method;
  std::string etag;
  std::string since;
  std::string token;
  std::string body;
};

HttpClientConfig config_from(const std::string& yaml) {
  ConfigProblems problems;
  const auto node = config::load_yaml(yaml, "p.yaml", problems);
  REQUIRE(node);
  const ParsedConfig parsed = http_client_source().parse(*node, problems);
  for (const ConfigProblem& problem : problems) UNSCOPED_INFO(problem.describe());
  REQUIRE(problems.empty());
  return config_of<HttpClientConfig>(parsed);
}

// Answers requests with `says` one after the other; the last again and again.
class PollFixture : public net::ServerFixture {
 public:
  PollFixture() {
    for (const char* path : {"/doc", "/other"}) {
      route({.path = path,
             .methods = {net::Method::kGet, net::Method::kPost},
             .handle = [this](const net::Request& request, net::Responder responder) {
               answer(request, std::move(responder));
             }});
    }
    on_loop([&] {
      services_.provide<loop::UvLoop>(&loop());
      intake = std::make_unique<FakeIntake>(loop());
    });
  }
  ~PollFixture() {
    stop();
    on_loop([&] { intake.reset(); });
  }

  void start(const std::string& settings, const std::string& cursor = {}, bool from_start = false,
             const std::string& path = "/doc") {
    HttpClientConfig config = config_from("url: \"" + url(path) + "\"\n" +
                                          (settings.starts_with("every") ? "" : "every: 20ms\n") + settings);
    const Status started = on_loop([&] {
      SourceContext context{{loop(), clock(), *random, services_, "p", "in", "."}, *intake, from_start, {}, {}};
      source_ = std::make_unique<HttpClientSource>(std::move(context), config, loop());
      return source_->start(cursor);
    });
    REQUIRE(started);
  }
  void stop() {
    if (source_ == nullptr) return;
    wait_for<int>([&](auto done) { source_->close([done] { done(0); }); });
    on_loop([&] { source_.reset(); });
  }
  void wait_until(const std::function<bool()>& reached) {
    while (!on_loop(reached)) continue;
  }
  void wait_for_requests(size_t count) {
    wait_until([this, count] { return asked.size() >= count; });
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port()) + path; }

  // Loop only, or before the start.
  std::deque<Say> says;
  std::vector<Asked> asked;
  std::unique_ptr<Random> random = std::make_unique<SeededRandom>(1);
  std::unique_ptr<FakeIntake> intake;

 private:
  void answer(const net::Request& request, net::Responder responder) {
    const auto header = [&](std::string_view name) { return std::string(request.head.find(name).value_or("-")); };
    asked.push_back({std::string(request.head.target), std::string(to_string(request.head.method)),
                     header("if-none-match"), header("if-modified-since"), header("x-token"),
                     request.body ? *request.body : ""});
    const Say say = says.front();
    if (says.size() > 1) says.pop_front();
    std::vector<net::HeaderField> fields;
    for (const auto& [name, value] : say.headers) fields.push_back({name, value});
    responder.send({.status = say.status,
                    .content_type = "application/json",
                    .body = say.body,
                    .headers = {fields.data(), fields.size()}});
  }

  Services services_;
  std::unique_ptr<HttpClientSource> source_;
};

TEST_CASE("an answer is an event, and what has not changed does not come again", "[REQ-016]") {
  PollFixture fixture;
  fixture.says = {{200, R"({"a":1})", {{"ETag", "\"v1\""}, {"Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT"}}},
                  {304, "", {}},
                  {200, R"({"a":2})", {{"ETag", "\"v2\""}}},
                  {304, "", {}}};
  fixture.start("headers: {X-Token: t}");
  fixture.wait_for_requests(5);
  fixture.stop();
  CHECK(fixture.intake->accepted == R"({"a":1}{"a":2})");
  CHECK(fixture.asked[0].etag == "-");
  CHECK(fixture.asked[0].token == "t");
  CHECK(fixture.asked[1].etag == "\"v1\"");
  CHECK(fixture.asked[1].since == "Mon, 01 Jan 2024 00:00:00 GMT");
  CHECK(fixture.asked[2].etag == "\"v1\"");
  CHECK(fixture.asked[3].etag == "\"v2\"");
  CHECK(fixture.asked[3].since == "-");
  CHECK(fixture.intake->emitted[1].position == 8);
}

TEST_CASE("after a restart an unchanged document does not come again, unless it is wanted or another",
          "[REQ-016]") {
  PollFixture fixture;
  fixture.says = {{200, "1", {{"ETag", "\"v1\""}}}};
  fixture.start("");
  fixture.wait_until([&] { return !fixture.intake->cursor.empty(); });
  fixture.stop();
  const std::string cursor = fixture.intake->cursor;
  const size_t before = fixture.asked.size();
  fixture.start("", cursor);
  fixture.wait_for_requests(before + 1);
  fixture.stop();
  CHECK(fixture.asked[before].etag == "\"v1\"");
  const size_t then = fixture.asked.size();
  fixture.start("", cursor, true);
  fixture.wait_for_requests(then + 1);
  fixture.stop();
  CHECK(fixture.asked[then].etag == "-");
  const size_t last = fixture.asked.size();
  // Something is stored behind the cursor, as after a crash.
  const int64_t position = poll_cursor_of(fixture.intake->cursor)->position + 1000;
  fixture.on_loop([&] { fixture.intake->free = position; });
  fixture.start("", fixture.intake->cursor, false, "/other");
  fixture.wait_until(
      [&] { return fixture.asked.size() > last && fixture.intake->emitted.back().position >= position; });
  fixture.stop();
  CHECK(fixture.asked[last].target == "/other");
  CHECK(fixture.asked[last].etag == "-");
}

TEST_CASE("pages are asked for one behind the other, and what is known goes with the last", "[REQ-016]") {
  PollFixture fixture;
  fixture.says = {{200, R"({"items":[1,2],"next":"/doc?page=2"})", {{"ETag", "\"v1\""}}},
                  {200, R"({"items":[3],"next":"?page=3"})", {{"ETag", "\"p2\""}}},
                  {200, R"({"items":[ ],"next":null})", {}},
                  {304, "", {}}};
  fixture.start("split: /items\nnext: /next");
  fixture.wait_for_requests(4);
  fixture.stop();
  REQUIRE(fixture.intake->emitted.size() == 3);
  CHECK(fixture.intake->accepted == "[1,2][3][ ]");
  CHECK(fixture.intake->emitted[0].format == BodyFormat::kJsonArray);
  CHECK(poll_cursor_of(fixture.intake->emitted[0].cursor)->etag.empty());
  CHECK(poll_cursor_of(fixture.intake->emitted[1].cursor)->etag.empty());
  CHECK(poll_cursor_of(fixture.intake->emitted[2].cursor)->etag == "\"v1\"");
  CHECK(fixture.intake->emitted[2].position > fixture.intake->emitted[1].position);
  CHECK(fixture.asked[1].target == "/doc?page=2");
  CHECK(fixture.asked[1].etag == "-");
  CHECK(fixture.asked[2].target == "/doc?page=3");
  CHECK(fixture.asked[3].target == "/doc");
  CHECK(fixture.asked[3].etag == "\"v1\"");
}

TEST_CASE("links are followed on the same server, for so many pages, and not in a circle", "[REQ-016]") {
  PollFixture fixture;
  const auto link = [](const std::string& target) {
    return Say{200, "1", {{"Link", "</doc>; rel=\"first\""}, {"Link", "<" + target + ">; rel=\"next\""}}};
  };
  fixture.says = {link("/doc?2"),
                  link("/doc?3"),
                  link("/doc?4"),  // the third is the last
                  link("http://127.0.0.1:1/doc"),
                  link("/doc"),
                  {204, "", {}}};
  fixture.start("next: link\nmax_pages: 3");
  fixture.wait_for_requests(6);
  fixture.stop();
  std::vector<std::string> targets;
  for (const Asked& one : fixture.asked) targets.push_back(one.target);
  targets.resize(6);
  CHECK(targets == std::vector<std::string>{"/doc", "/doc?2", "/doc?3", "/doc", "/doc", "/doc"});
}

TEST_CASE("a failed poll is tried again, and no document is missed by it", "[REQ-016]") {
  PollFixture fixture;
  fixture.says = {{503, "busy", {{"Retry-After", "0"}}}, {200, "1", {{"ETag", "e"}}}, {304, "", {}}};
  fixture.start("");
  fixture.wait_for_requests(3);
  fixture.stop();
  CHECK(fixture.intake->accepted == "1");
  CHECK(fixture.asked[1].etag == "-");
}

TEST_CASE("the wait after a failed poll may be anything below its bound, but for a Retry-After", "[REQ-016]") {
  class NoWait final : public Random {
   public:
    uint64_t next() override { return 0; }
  };
  PollFixture fixture;
  fixture.random = std::make_unique<NoWait>();
  // Bounds of 1, 2, 4, 8 and 16 s.
  fixture.says = {{500, "", {}}, {500, "", {}}, {500, "", {}}, {500, "", {}}, {500, "", {}}, {200, "1", {}}};
  const int64_t begun_ns = fixture.clock().monotonic_ns();
  fixture.start("every: 1h");
  fixture.wait_for_requests(6);
  CHECK(fixture.clock().monotonic_ns() - begun_ns < 10'000'000'000);
  fixture.stop();
  const int64_t then_ns = fixture.clock().monotonic_ns();
  fixture.says = {{503, "", {{"Retry-After", "1"}}}, {200, "2", {}}};
  fixture.start("");
  fixture.wait_for_requests(8);
  CHECK(fixture.clock().monotonic_ns() - then_ns >= 1'000'000'000);
}

TEST_CASE("what the door turns away is offered again, and nothing is asked for meanwhile", "[REQ-016]") {
  PollFixture fixture;
  fixture.says = {{200, "1", {}}, {200, "2", {}}};
  fixture.on_loop([&] { fixture.intake->hold(); });
  fixture.start("");
  const auto under_way = [&] { return fixture.intake->under_way() == 1; };
  fixture.wait_until(under_way);
  fixture.on_loop([&] { fixture.intake->refuse(ErrorCode::kUnavailable, 5); });
  fixture.wait_until(under_way);
  CHECK(fixture.on_loop([&] { return fixture.asked.size(); }) == 1);
  fixture.on_loop([&] { fixture.intake->set_ready(false); });
  fixture.on_loop([&] { fixture.intake->accept(); });
  fixture.wait_for_requests(2);
  for (int i = 0; i < 20; ++i) fixture.on_loop([] {});
  CHECK(fixture.on_loop([&] { return fixture.intake->under_way(); }) == 0);
  fixture.on_loop([&] { fixture.intake->set_ready(true); });
  fixture.wait_until(under_way);
  fixture.on_loop([&] { fixture.intake->accept(); });
  fixture.stop();
  CHECK(fixture.intake->accepted == "12");
  CHECK(fixture.intake->emitted[0].cursor == fixture.intake->emitted[1].cursor);
}

TEST_CASE("a POST has its body, and a format makes events of the answer", "[REQ-016]") {
  PollFixture fixture;
  fixture.says = {{200, "a,b\n1,2\n", {}}};
  fixture.start("method: POST\nbody: '{\"q\":1}'\nformat: csv");
  fixture.wait_until([&] { return !fixture.intake->emitted.empty(); });
  fixture.stop();
  CHECK(fixture.asked[0].method == "POST");
  CHECK(fixture.asked[0].body == R"({"q":1})");
  CHECK(fixture.intake->emitted[0].decoder != nullptr);
  CHECK(fixture.intake->emitted[0].records_begin == 4);
}

TEST_CASE("a document that is too long, or not what the settings say, is left out, and polling goes on",
          "[REQ-016]") {
  PollFixture fixture;
  fixture.says = {{200, R"({"other":1})", {}}, {200, R"({"items":[1]})", {{"ETag", "e"}}}, {304, "", {}}};
  fixture.start("split: /items");
  fixture.wait_for_requests(3);
  fixture.stop();
  CHECK(fixture.intake->accepted == "[1]");
  CHECK(fixture.asked[1].etag == "-");
  PollFixture large;
  large.says = {{200, std::string(5000, ' '), {}}, {200, "[2]", {}}};
  large.start("max_body: 4000");
  large.wait_until([&] { return !large.intake->accepted.empty(); });
  large.stop();
  CHECK(large.intake->accepted.substr(0, 3) == "[2]");
}

TEST_CASE("a large document is opened on the pool, a compressed one is decompressed", "[REQ-016]") {
  PollFixture fixture;
  const std::string items = "[\"" + std::string(200'000, 'x') + "\"]";
  fixture.says = {{200,
                   net::compressed(io::Compression::kGzip, "{\"items\":" + items + "}"),
                   {{"Content-Encoding", "gzip"}, {"ETag", "e"}}},
                  {304, "", {}}};
  fixture.start("split: /items");
  fixture.wait_for_requests(2);
  fixture.stop();
  CHECK(fixture.intake->accepted == items);
}

TEST_CASE("requests come no faster than their rate allows", "[REQ-016]") {
  PollFixture fixture;
  fixture.says = {{200, "1", {}}};
  fixture.start("rate: {requests: 2, per: 1h}");
  fixture.wait_until([&] { return fixture.intake->accepted == "11"; });
  // The third waits for the bucket; what is awaited here is many times `every`.
  const int64_t begun_ns = fixture.clock().monotonic_ns();
  while (fixture.clock().monotonic_ns() - begun_ns < 200'000'000) fixture.on_loop([] {});
  fixture.stop();
  CHECK(fixture.asked.size() == 2);
}

TEST_CASE("stopping ends a request under way, and a document at the door is nobody's any more") {
  PollFixture fixture;
  fixture.says = {{200, "1", {}}};
  fixture.on_loop([&] { fixture.intake->hold(); });
  fixture.start("");
  fixture.wait_until([&] { return fixture.intake->under_way() == 1; });
  fixture.stop();
  fixture.on_loop([&] { fixture.intake->accept(); });
  CHECK(fixture.intake->accepted == "1");
}

TEST_CASE("settings of a poll are checked where they stand") {
  const auto problems_of = [](const std::string& yaml) {
    ConfigProblems problems;
    const auto node = config::load_yaml("url: \"http://h/\"\n" + yaml, "p.yaml", problems);
    REQUIRE(node);
    http_client_source().parse(*node, problems);
    std::string text;
    for (const ConfigProblem& problem : problems) text += problem.describe() + "\n";
    return text;
  };
  CHECK(problems_of("every: 1s").empty());
  CHECK_THAT(problems_of("body: x"), Catch::StartsWith("p.yaml:2:7: error: a GET has no body"));
  CHECK_THAT(problems_of("next: first"), Catch::Contains("next must be link or a JSON pointer"));
  CHECK_THAT(problems_of("format: csv\nsplit: true"), Catch::Contains("split is for JSON"));
  CHECK_THAT(problems_of("format: csv\nnext: /a"), Catch::Contains("use link"));
  CHECK_THAT(problems_of("headers: {if-none-match: x}"), Catch::Contains("is set for every request"));
  CHECK_THAT(problems_of("auth: {bearer: x}\nheaders: {authorization: x}"), Catch::Contains("one of the two"));
  CHECK_THAT(problems_of("rate: {requests: 0}"), Catch::Contains("rate.requests"));
}

}  // namespace
}  // namespace colloquium::components
