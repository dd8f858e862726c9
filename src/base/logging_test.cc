#include "base/logging.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/thread_executor.h"

namespace colloquium {
namespace {

// Lines logged while it lives; form and level as they were afterwards.
class Captured {
 public:
  Captured() {
    set_log_writer([this](std::string_view line) { lines.emplace_back(line); });
  }
  ~Captured() {
    set_log_writer(nullptr);
    set_log_format(LogFormat::kConsole);
    set_log_level(LogLevel::kInfo);
  }
  std::vector<std::string> lines;
};

TEST_CASE("a console line has time, level, component, message and fields", "[REQ-121]") {
  Captured log;
  log_warning("file", "cut back", {{"path", "out.ndjson"}, {"bytes", 17}, {"again", true}});
  REQUIRE(log.lines.size() == 1);
  CHECK_THAT(log.lines[0], Catch::Matches("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z warning file: "
                                          "cut back path=out.ndjson bytes=17 again=true"));
}

TEST_CASE("a JSON line is one object whose numbers stay numbers", "[REQ-121]") {
  Captured log;
  set_log_format(LogFormat::kJson);
  log_error("http", "said \"no\" to C:\\", {{"status", 503}, {"retry", false}, {"url", "http://x"}});
  REQUIRE(log.lines.size() == 1);
  const auto line = nlohmann::json::parse(log.lines[0]);
  CHECK(line["level"] == "error");
  CHECK(line["component"] == "http");
  CHECK(line["message"] == "said \"no\" to C:\\");
  CHECK(line["status"] == 503);
  CHECK(line["retry"] == false);
  CHECK(line["url"] == "http://x");
  CHECK(line["time"].get<std::string>().size() == 24);
}

TEST_CASE("messages below the level are not written", "[REQ-121]") {
  Captured log;
  log_debug("a", "unseen");
  CHECK(log.lines.empty());
  set_log_level(LogLevel::kDebug);
  CHECK(log_level() == LogLevel::kDebug);
  log_debug("a", "seen");
  CHECK(log.lines.size() == 1);
  set_log_level(LogLevel::kError);
  log_warning("a", "unseen");
  CHECK(log.lines.size() == 1);
  set_log_level(LogLevel::kOff);
  CHECK(log_level() == LogLevel::kOff);
  log_error("a", "unseen");
  CHECK(log.lines.size() == 1);
}

TEST_CASE("text from outside can neither forge a line nor break a reader") {
  Captured log;
  const std::string hostile =
      "a\nb\x1b[31m\x7f %v {} \xff\xed\xa0\x80\xc3\xa9\xf0\x9f\x98\x80\xf4\x90\x80\x80\xc3";
  log_info("x", hostile, {{"k\n", hostile}});
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].find('\n') == std::string::npos);
  CHECK(log.lines[0].find('\x1b') == std::string::npos);
  CHECK_THAT(log.lines[0], Catch::Contains("a\\nb\\u001b[31m\\u007f %v {}"));
  set_log_format(LogFormat::kJson);
  log_info("x", hostile, {{"k\n", hostile}});
  const auto line = nlohmann::json::parse(log.lines[1]);
  const std::string message = line["message"];
  CHECK_THAT(message, Catch::StartsWith("a\nb\x1b[31m\x7f %v {} \xef\xbf\xbd"));
  CHECK_THAT(message, Catch::Contains("\xc3\xa9\xf0\x9f\x98\x80"));
  CHECK_THAT(message, Catch::EndsWith("\xef\xbf\xbd"));
}

TEST_CASE("lines of several threads are whole") {
  Captured log;
  {
    ThreadExecutor executor;
    auto queue = executor.make_queue("log", 4, 100);
    for (int i = 0; i < 100; ++i) {
      REQUIRE(queue->post([] { log_info("thread", "a message of some length", {{"n", 12345}}); }));
    }
  }
  REQUIRE(log.lines.size() == 100);
  for (const std::string& line : log.lines) {
    CHECK_THAT(line, Catch::EndsWith("info    thread: a message of some length n=12345"));
  }
}

}  // namespace
}  // namespace colloquium
