// Any bytes: the walk judges them as nlohmann/json does, reads the same values, and everything built on the tape
// (unchecked walk, Writer, canonical text) agrees with it. Address and undefined-behaviour sanitizers watch; the
// text has exactly the promised padding behind it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "json/canonical.h"
#include "json/testing/json_texts.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::json {
namespace {

using testing::Walked;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "json_fuzz: %s\n", what);
  std::abort();
}

bool same_tape(const std::vector<TapeToken>& a, const std::vector<TapeToken>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(TapeToken)) == 0;
}

void check_refused(const Walked& walked, std::string_view text) {
  require(walked.tape.empty(), "a refused text left tokens");
  require(walked.error.byte <= text.size() && walked.error.what != nullptr, "a refusal without a place");
  const bool depth = std::string_view(walked.error.what) .ends_with("levels of nesting");
  if (depth || testing::beyond_nlohmann(text)) return;
  require(!testing::nlohmann_accepts(text), "refused what nlohmann/json accepts");
}

void check_copy(const Walked& walked) {
  std::vector<TapeToken> tape;
  Walker().walk_unchecked(walked.text.view(), tape);
  require(same_tape(tape, walked.tape), "a walk without checks differs");
  std::vector<char> bytes;
  std::vector<TapeToken> copied;
  Writer writer(bytes, &copied);
  writer.raw(walked.root());
  const Walked again(std::string_view(bytes.data(), bytes.size()));
  require(again.good && same_tape(copied, again.tape), "a raw copy's tape differs from a walk's");
}

void check_canonical(const Walked& walked) {
  std::string once;
  write_canonical(walked.root(), once);
  const Walked again(once);
  require(again.good, "canonical text is refused");
  std::string twice;
  write_canonical(again.root(), twice);
  require(once == twice, "canonical text has another canonical text");
}

void check_accepted(const Walked& walked, std::string_view text) {
  require(testing::nlohmann_accepts(text) || testing::beyond_nlohmann(text),
          "accepted what nlohmann/json refuses");
  if (testing::beyond_nlohmann(text)) return;
  require(testing::nlohmann_text(walked.root()) == testing::nlohmann_text(text), "read as another value");
  if (!testing::beyond_simdjson(walked)) require(testing::simdjson_accepts(text), "simdjson refuses it");
  check_copy(walked);
  check_canonical(walked);
}

}  // namespace
}  // namespace colloquium::json

// The name libFuzzer calls.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const colloquium::json::testing::Walked walked(text);
  if (walked.good) {
    colloquium::json::check_accepted(walked, text);
  } else {
    colloquium::json::check_refused(walked, text);
  }
  return 0;
}
