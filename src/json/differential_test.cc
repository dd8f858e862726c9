// The walk against two other readers, on random documents, on broken ones, and on real payloads.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "json/testing/json_texts.h"
#include "json/writer.h"
#include "tests/skip.h"

namespace colloquium::json {
namespace {

using testing::RandomText;
using testing::Walked;

// Judged alike, and read alike.
void compare(const std::string& text) {
  const Walked walked(text);
  INFO(text);
  if (!testing::beyond_nlohmann(text)) REQUIRE(testing::nlohmann_accepts(text) == walked.good);
  if (!testing::beyond_simdjson(walked)) REQUIRE(testing::simdjson_accepts(text) == walked.good);
  if (walked.good) {
    REQUIRE(testing::nlohmann_text(walked.root()) == testing::nlohmann_text(text));
  } else {
    REQUIRE(walked.error.byte <= text.size());
  }
}

bool same_tape(const std::vector<TapeToken>& a, const std::vector<TapeToken>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(TapeToken)) == 0;
}

// Copying a value through the Writer gives its bytes, and the tape a walk of them gives.
void copy_raw(const Walked& walked) {
  std::vector<char> bytes = {'x'};
  std::vector<TapeToken> tape(1);
  Writer writer(bytes, &tape);
  writer.raw(walked.root());
  const std::string copy(bytes.begin() + 1, bytes.end());
  REQUIRE(copy == walked.root().raw());
  const Walked again(copy);
  REQUIRE(again.good);
  REQUIRE(same_tape({tape.begin() + 1, tape.end()}, again.tape));
}

std::vector<std::string> read_payloads() {
  std::vector<std::string> payloads;
  const std::filesystem::path folder = PROJECT_SOURCE_DIR "/../shared/data/github-webhooks";
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    payloads.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return payloads;
}

}  // namespace

TEST_CASE("Random documents are read as nlohmann/json and simdjson read them") {
  RandomText random(1);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random.document();
    REQUIRE(Walked(text).good);
    compare(text);
  }
}

TEST_CASE("Broken documents are judged as nlohmann/json and simdjson judge them") {
  RandomText random(2);
  int refused = 0;
  for (int i = 0; i < 30000; ++i) {
    const std::string text = random.mutated(random.document(3));
    compare(text);
    refused += Walked(text).good ? 0 : 1;
  }
  CHECK(refused > 10000);
  CHECK(refused < 29000);
}

TEST_CASE("Truncated documents are judged alike") {
  RandomText random(3);
  for (int i = 0; i < 10000; ++i) {
    const std::string text = random.document(3);
    compare(text.substr(0, random.below(text.size())));
  }
}

TEST_CASE("Random bytes are judged alike") {
  RandomText random(4);
  constexpr std::string_view kLikely = "[]{}\",:\\0123456789eE+-. \ntruefalsn";
  for (int i = 0; i < 60000; ++i) {
    std::string text;
    for (uint64_t size = random.below(12); size > 0; --size) {
      const bool any = random.below(20) == 0;
      text += any ? static_cast<char>(random.below(256)) : kLikely[random.below(kLikely.size())];
    }
    compare(text);
  }
}

TEST_CASE("A value copied through the Writer keeps its bytes and its tape") {
  RandomText random(5);
  for (int i = 0; i < 1000; ++i) {
    const Walked walked(random.document());
    REQUIRE(walked.good);
    copy_raw(walked);
  }
}

TEST_CASE("Real webhook payloads are read as nlohmann/json and simdjson read them") {
  const std::vector<std::string> payloads = read_payloads();
  if (payloads.empty()) SKIP_TEST("no payloads beside the project");
  for (const std::string& payload : payloads) {
    REQUIRE(Walked(payload).good);
    compare(payload);
    copy_raw(Walked(payload));
    const size_t closing = payload.find_last_of('}');
    for (size_t size = 0; size <= closing; size += 101) REQUIRE_FALSE(Walked(payload.substr(0, size)).good);
  }
}

TEST_CASE("Real webhook payloads, broken, are judged alike") {
  RandomText random(6);
  const std::vector<std::string> payloads = read_payloads();
  if (payloads.empty()) SKIP_TEST("no payloads beside the project");
  for (const std::string& payload : payloads) {
    for (int i = 0; i < 20; ++i) compare(random.mutated(payload));
  }
}

}  // namespace colloquium::json
