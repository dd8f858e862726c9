// Our segments, decoded by somebody else's program.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/sim_executor.h"
#include "log/layout.h"
#include "log/segment_log.h"
#include "tests/compliance/log_helpers.h"
#include "tests/skip.h"
#include "tests/temporary_directory.h"

namespace colloquium::log {
namespace {

std::string script() {
  return PROJECT_SOURCE_DIR "/tests/compliance/kafka_decoder.py";
}

// An interpreter that has the modules: Debian's packages are for Debian's. Empty: there is none.
std::string python() {
  for (const std::string candidate : {"/usr/bin/python3", "python3"}) {
    if (std::system((candidate + " " + script() + " --check 2>/dev/null").c_str()) == 0) return candidate;
  }
  return {};
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (size_t count = 0; (count = ::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, count);
  CHECK(::pclose(pipe) == 0);
  return output;
}

}  // namespace

TEST_CASE("kafka-python reads our segments, with every codec [REQ-010]", "[REQ-010]") {
  if (python().empty()) SKIP_TEST("python3-kafka, python3-lz4 and python3-zstandard are not all installed");
  const TemporaryDirectory directory;
  ManualClock clock(1'700'000'000'000);
  SimExecutor executor(1, clock, 0);
  SeededRandom random(1);
  LogOptions options;
  options.directory = directory.path();
  options.files = &io::posix_file_system();
  options.executor = &executor;
  options.clock = &clock;
  options.random = &random;
  auto log = SegmentLog::open(options);
  REQUIRE(log);
  const StreamId stream = *(*log)->open_stream({"s", 1});
  std::string expected;
  const AcceptInfo accept{"hook", "", {}};
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
    std::vector<contract::Event> events(300);
    for (size_t i = 0; i < events.size(); ++i) {
      events[i].value = contract::one(static_cast<int>(i));
      if (i % 2 == 0) events[i].key = "k" + std::to_string(i);
      if (i % 3 == 0) events[i].headers = {{"name", "value"}, {"other", ""}};
      events[i].tombstone = i % 10 == 9;
      events[i].timestamp_ms += static_cast<int64_t>(i) * (i % 2 == 0 ? 1 : -1000);
    }
    const auto placed = contract::append(**log, executor, stream, 0,
                                         contract::encoded(contract::make_batch(events), codec, &accept));
    REQUIRE(placed);
    if (placed->first_offset > 0) expected += "{\"control\": " + std::to_string(placed->first_offset - 1) + "}\n";
    for (size_t i = 0; i < events.size(); ++i) {
      // The batch is LogAppendTime, so a foreign reader gives every record the batch's time.
      expected += "{\"offset\": " + std::to_string(placed->first_offset + static_cast<int64_t>(i)) +
                  ", \"timestamp\": 1700000000000, \"key\": " +
                  (events[i].key ? "\"" + *events[i].key + "\"" : std::string("null")) + ", \"value\": " +
                  (events[i].tombstone ? std::string("null") : "\"{\\\"n\\\":" + std::to_string(i) + "}\"") +
                  ", \"headers\": " + std::to_string(events[i].headers.size() + (i == 0 ? 1 : 0)) + "}\n";
    }
  }
  REQUIRE((*log)->close());
  const std::string file = segment_path(partition_directory(directory.path(), "s", 0), 0, "log");
  const std::string found = output_of(python() + " " + script() + " " + file);
  CHECK(found.size() > expected.size());  // the last control batch: the mark of the clean stop
  CHECK(found.substr(0, expected.size()) == expected);
}

}  // namespace colloquium::log
