#include "json/writer.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "json/canonical.h"
#include "json/testing/json_texts.h"

namespace colloquium::json {
namespace {

using testing::RandomText;
using testing::Walked;

std::string double_text(double value) {
  char out[32];
  return std::string(out, write_double(value, out));
}

// What `write` wrote, after checking that its tape is the tape of a walk, and that it writes the same without.
std::string written(const std::function<void(Writer&)>& write) {
  std::vector<char> bytes = {'?', '?'};
  std::vector<TapeToken> tape(3);
  Writer writer(bytes, &tape);
  write(writer);
  const std::string text(bytes.begin() + 2, bytes.end());
  const Walked walked(text);
  INFO(text);
  REQUIRE(walked.good);
  REQUIRE(walked.tape.size() == tape.size() - 3);
  CHECK(std::memcmp(walked.tape.data(), tape.data() + 3, walked.tape.size() * sizeof(TapeToken)) == 0);

  std::vector<char> untaped;
  Writer plain(untaped, nullptr);
  write(plain);
  CHECK(std::string(untaped.begin(), untaped.end()) == text);
  return text;
}

std::string written_string(std::string_view text) {
  return written([text](Writer& w) { w.string(text); });
}

// Writes the value anew, token by token.
void rewrite(const ValueView& value, Writer& writer, std::string& scratch) {
  switch (value.type()) {
    case TokenType::kNull:
      return writer.null();
    case TokenType::kFalse:
    case TokenType::kTrue:
      return writer.boolean(value.type() == TokenType::kTrue);
    case TokenType::kInteger:
      if ((value.token().flags & kTokenBigInteger) == 0) return writer.integer(value.integer());
      if (const auto exact = value.unsigned_integer()) return writer.unsigned_integer(*exact);
      return writer.number(value.number());
    case TokenType::kDouble:
      return writer.number(value.number());
    case TokenType::kKey:
    case TokenType::kString:
      return writer.string(value.string(scratch));
    case TokenType::kArray:
      writer.begin_array();
      for (ValueView v = value.first_child(); !v.at_end_of(value); v = v.next()) rewrite(v, writer, scratch);
      return writer.end_array();
    case TokenType::kObject:
      writer.begin_object();
      for (ValueView key = value.first_child(); !key.at_end_of(value); key = key.next().next()) {
        writer.key(key.string(scratch));
        rewrite(key.next(), writer, scratch);
      }
      return writer.end_object();
  }
}

}  // namespace

TEST_CASE("Doubles are laid out as ECMAScript does") {
  CHECK(double_text(0.0) == "0");
  CHECK(double_text(-0.0) == "0");
  CHECK(double_text(1.0) == "1");
  CHECK(double_text(-1.5) == "-1.5");
  CHECK(double_text(0.1) == "0.1");
  CHECK(double_text(0.1 + 0.2) == "0.30000000000000004");
  CHECK(double_text(1.0 / 3) == "0.3333333333333333");
  CHECK(double_text(100.0) == "100");
  CHECK(double_text(123456789.125) == "123456789.125");
  CHECK(double_text(9007199254740993.0) == "9007199254740992");
  CHECK(double_text(9223372036854775808.0) == "9223372036854776000");
  CHECK(double_text(18446744073709551616.0) == "18446744073709552000");
  CHECK(double_text(1e20) == "100000000000000000000");
  CHECK(double_text(123456789012345680000.0) == "123456789012345680000");
  CHECK(double_text(1e21) == "1e+21");
  CHECK(double_text(1.25e21) == "1.25e+21");
  CHECK(double_text(-123456789012345678901234567890.0) == "-1.2345678901234568e+29");
  CHECK(double_text(1e-6) == "0.000001");
  CHECK(double_text(1.5e-6) == "0.0000015");
  CHECK(double_text(1e-7) == "1e-7");
  CHECK(double_text(1.5e-10) == "1.5e-10");
  CHECK(double_text(5e-324) == "5e-324");
  CHECK(double_text(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(double_text(2.2250738585072014e-308) == "2.2250738585072014e-308");
}

TEST_CASE("Every double's text reads back to the same double") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (i % 2 == 0) value = std::ldexp(static_cast<double>(bits >> (bits % 60)), static_cast<int>(bits % 90) - 60);
    if (!std::isfinite(value)) continue;
    const std::string text = double_text(value);
    REQUIRE(text.size() <= 32);
    REQUIRE(std::strtod(text.c_str(), nullptr) == value);
  }
}

TEST_CASE("Scalars are written with their tape") {
  CHECK(written([](Writer& w) { w.null(); }) == "null");
  CHECK(written([](Writer& w) { w.boolean(true); }) == "true");
  CHECK(written([](Writer& w) { w.boolean(false); }) == "false");
  CHECK(written([](Writer& w) { w.integer(std::numeric_limits<int64_t>::min()); }) == "-9223372036854775808");
  CHECK(written([](Writer& w) { w.unsigned_integer(7); }) == "7");
  CHECK(written([](Writer& w) { w.unsigned_integer(9223372036854775808u); }) == "9223372036854775808");
  CHECK(written([](Writer& w) { w.unsigned_integer(UINT64_MAX); }) == "18446744073709551615");
}

TEST_CASE("Numbers are typed by their text") {
  for (const double value : {0.0, 1.0, 1.5, -2.0, 1e15, 1e20, 1e21, 9223372036854775808.0, -9223372036854775808.0,
                             -9223372036854774784.0, 9223372036854774784.0, 0.001, 1e-9}) {
    CHECK(written([value](Writer& w) { w.number(value); }) == double_text(value));
  }
}

TEST_CASE("Strings escape what must be and nothing else") {
  CHECK(written_string("") == R"("")");
  CHECK(written_string("plain") == R"("plain")");
  CHECK(written_string("\"\\/\b\f\n\r\t") == R"("\"\\/\b\f\n\r\t")");
  CHECK(written_string(std::string("\0\x01\x1f\x7f", 4)) == "\"\\u0000\\u0001\\u001f\x7f\"");
  CHECK(written_string("é€😀") == "\"é€😀\"");
}

TEST_CASE("A character to escape is found anywhere in a string") {
  for (size_t size = 1; size < 70; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      text[at] = '\n';
      REQUIRE(written_string(text) ==
              "\"" + std::string(at, 'x') + "\\n" + std::string(size - at - 1, 'x') + "\"");
    }
  }
}

TEST_CASE("Containers nest, with commas where they belong") {
  CHECK(written([](Writer& w) {
          w.begin_object();
          w.key("a");
          w.begin_array();
          w.integer(1);
          w.begin_object();
          w.end_object();
          w.begin_array();
          w.end_array();
          w.string("x");
          w.end_array();
          w.key("b\n");
          w.null();
          w.end_object();
        }) == R"({"a":[1,{},[],"x"],"b\n":null})");
}

TEST_CASE("Containers nest deeper than the Writer keeps at hand") {
  const std::string text = written([](Writer& w) {
    for (int i = 0; i < 100; ++i) {
      w.begin_object();
      w.key("a");
      w.begin_array();
    }
    for (int i = 0; i < 100; ++i) {
      w.end_array();
      w.key("z");
      w.integer(i);
      w.end_object();
    }
  });
  CHECK(text.size() > 1000);
}

TEST_CASE("Duplicate keys are flagged as a walk flags them") {
  for (const char* second : {"a", "b", "\n"}) {
    written([second](Writer& w) {
      w.begin_object();
      w.key("a");
      w.integer(1);
      w.key("\n");
      w.integer(2);
      w.key(second);
      w.integer(3);
      w.end_object();
    });
  }
  for (const int keys : {31, 32, 33, 34, 500}) {
    written([keys](Writer& w) {
      w.begin_object();
      for (int i = 0; i < keys; ++i) {
        w.key("k" + std::to_string(i));
        w.integer(i);
      }
      w.key("k17");
      w.null();
      w.end_object();
    });
  }
}

TEST_CASE("Raw values and raw keys keep their bytes inside new containers") {
  const Walked source(R"({"a\u0062": [1, {"x" : 1.50}], "c":"\/"})");
  const ValueView key = source.root().first_child();
  CHECK(written([&](Writer& w) {
          w.begin_array();
          w.raw(key.next());
          w.begin_object();
          w.raw_key(key);
          w.raw(*source.root().member("c"));
          w.key("all");
          w.raw(source.root());
          w.end_object();
          w.end_array();
        }) == R"([[1, {"x" : 1.50}],{"a\u0062":"\/","all":{"a\u0062": [1, {"x" : 1.50}], "c":"\/"}}])");
}

TEST_CASE("Random documents written anew read as before") {
  RandomText random(8);
  std::string scratch;
  for (int i = 0; i < 1000; ++i) {
    const Walked walked(random.document());
    REQUIRE(walked.good);
    const std::string text = written([&](Writer& w) { rewrite(walked.root(), w, scratch); });
    // Doubles without a fraction became integers: the canonical text is the same.
    std::string canonical;
    std::string canonical_again;
    write_canonical(walked.root(), canonical);
    write_canonical(Walked(text).root(), canonical_again);
    REQUIRE(canonical == canonical_again);
  }
}

}  // namespace colloquium::json
