// docs/internals/log-format.md is kept true: its worked example is made here, byte for byte.
#include <catch2/catch.hpp>
#include <sstream>
#include <string>

#include "base/sim_executor.h"
#include "io/memory_file_system.h"
#include "log/layout.h"
#include "log/segment_log.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {
namespace {

std::string page() {
  const std::string path = PROJECT_SOURCE_DIR "/docs/internals/log-format.md";
  const auto content = io::read_file(io::posix_file_system(), path, 1 << 20);
  REQUIRE(content);
  return *content;
}

// The segment that the page describes.
std::string example_segment() {
  ManualClock clock(1'700'000'000'000);
  SimExecutor executor(1, clock, 0);
  SeededRandom random(1);
  io::MemoryFileSystem files;
  LogOptions options;
  options.directory = "data";
  options.files = &files;
  options.executor = &executor;
  options.clock = &clock;
  options.random = &random;
  auto log = SegmentLog::open(options);
  REQUIRE(log);
  const StreamId stream = *(*log)->open_stream({"orders", 1});
  const AcceptInfo accept{"hook", "", {{0x1111111111111111, 0x2222222222222222}}};
  contract::Event first{R"({"id":7})", "k", {}, 1'699'999'999'990};
  contract::Event second{R"({"id":8})", std::nullopt, {}, 1'699'999'999'995};
  for (const contract::Event& event : {first, second}) {
    auto batch = contract::encoded(contract::make_batch({event}), Codec::kNone, &accept);
    REQUIRE(contract::append(**log, executor, stream, 0, std::move(batch)));
  }
  REQUIRE((*log)->close());
  const std::string path = segment_path(partition_directory("data", "orders", 0), 0, "log");
  return *io::read_file(files, path, 1 << 20);
}

bool is_hex_pair(const std::string& word) {
  return word.size() == 2 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// "  87  30                       24 bytes:" → 87, "\x30". The bytes are ended by two spaces.
bool parse_line(const std::string& line, size_t& position, std::string& bytes) {
  std::istringstream words(line.substr(0, 4));
  if (line.size() < 8 || !(words >> position) || line.substr(4, 2) != "  ") return false;
  const std::string rest = line.substr(6);
  std::istringstream pairs(rest.substr(0, rest.find("  ")));
  bytes.clear();
  for (std::string pair; pairs >> pair && is_hex_pair(pair);) {
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
  }
  return !bytes.empty();
}

}  // namespace

TEST_CASE("the worked example of the format's page is what the log writes") {
  const std::string segment = example_segment();
  CHECK(segment.size() == 403);
  const std::string text = page();
  std::istringstream lines(text.substr(text.rfind("## A worked example")));
  size_t checked = 0;
  std::string bytes;
  size_t position = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!parse_line(line, position, bytes)) continue;
    INFO(line);
    REQUIRE(position + bytes.size() <= segment.size());
    CHECK(segment.substr(position, bytes.size()) == bytes);
    checked += bytes.size();
  }
  CHECK(checked == 112 + 90 + 8 + 8);
}

}  // namespace colloquium::log
