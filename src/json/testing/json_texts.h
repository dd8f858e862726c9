// What the tests of src/json share: padded texts, random documents, mutations, and the two readers they are
// compared with. Test code only.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/tape.h"

#include "json/view.h"
#include "json/walk.h"

namespace colloquium::json::testing {

// A text with hostile bytes behind it: digits, quotes and braces that a walk must not take for its own.
class PaddedText {
 public:
  explicit PaddedText(std::string_view text);
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

// One walk and what came of it.
struct Walked {
  explicit Walked(std::string_view source, WalkLimits limits = {});
  ValueView root() const { return {text.view().data(), tape.data(), 0}; }

  PaddedText text;
  std::vector<TapeToken> tape;
  WalkError error;
  bool good;
};

// How nlohmann/json and simdjson's DOM judge a text.
bool nlohmann_accepts(std::string_view text);
bool simdjson_accepts(std::string_view text);

// What nlohmann/json makes of an accepted text, in its own compact and sorted form; and of what a view shows.
std::string nlohmann_text(std::string_view text);
std::string nlohmann_text(const ValueView& value);

// Where the readers are known to differ from RFC 8259 as we read it, so that they can't be asked.
bool beyond_nlohmann(std::string_view text);  // NUL ends its input; it skips a byte order mark
bool beyond_simdjson(const Walked& walked);   // refuses integers beyond 64 bits

class RandomText {
 public:
  explicit RandomText(uint64_t seed) : random_(seed) {}

  // A valid document of up to `depth` levels, with white space here and there.
  std::string document(int depth = 5);
  // One to three small changes: bytes replaced, dropped, doubled, swapped, pieces of JSON put in.
  std::string mutated(std::string text);
  uint64_t below(uint64_t bound) { return random_() % bound; }

 private:
  void value(std::string& out, int depth);
  void number(std::string& out);
  void string(std::string& out);
  void space(std::string& out);

  std::mt19937_64 random_;
};

}  // namespace colloquium::json::testing
