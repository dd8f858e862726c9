#include "ai/tokenizer.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "io/digest.h"

namespace colloquium::ai {
namespace {

using Ids = std::vector<uint32_t>;

const Tokenizer& o200k() {
  return **tokenizer("o200k_base");
}

const Tokenizer& cl100k() {
  return **tokenizer("cl100k_base");
}

std::string decoded(const Tokenizer& tokenizer, const Ids& ids) {
  std::string text;
  for (const uint32_t id : ids) text += tokenizer.bytes(id);
  return text;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = i; k < i + 3; ++k)
      three = three << 8 | (k < bytes.size() ? static_cast<uint8_t>(bytes[k]) : 0);
    for (size_t k = 0; k < 4; ++k) {
      text += k <= bytes.size() - i ? kDigits[three >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

// The digest of the file that OpenAI publishes, as it can be made from what is in the binary.
io::Digest128 digest_of_published_file(const Tokenizer& tokenizer) {
  std::string file;
  for (uint32_t id = 0; id < tokenizer.size(); ++id) {
    file += base64(tokenizer.bytes(id)) + " " + std::to_string(id) + "\n";
  }
  return io::Digester().digest(file);
}

TEST_CASE("the ranks in the binary are those that OpenAI publishes [REQ-062]", "[REQ-062]") {
  CHECK(o200k().size() == 199'998);
  CHECK(cl100k().size() == 100'256);
  // Digest128 is the first half of SHA-256, read as the machine has it.
  const auto swapped = [](io::Digest128 digest) {
    return io::Digest128{__builtin_bswap64(digest[0]), __builtin_bswap64(digest[1])};
  };
  CHECK(swapped(digest_of_published_file(o200k())) == io::Digest128{0x446a9538cb6c348e, 0x3516120d7c08b09f});
  CHECK(swapped(digest_of_published_file(cl100k())) == io::Digest128{0x223921b76ee99bde, 0x995b7ff738513eef});
}

TEST_CASE("known texts have the ids that tiktoken gives them [REQ-062]", "[REQ-062]") {
  constexpr std::string_view kMixed = "It's 12345 o'clock;\r\n\r\n\treturn 0; } //  \n  x";
  CHECK(o200k().encode("") == Ids{});
  CHECK(o200k().encode("hello world") == Ids{24912, 2375});
  CHECK(o200k().encode("Привет, мир! 你好") == Ids{23881, 131903, 11, 37934, 0, 220, 177519});
  CHECK(o200k().encode(kMixed) ==
        Ids{15834, 220, 7633, 2548, 293, 141801, 3370, 1393, 220, 15, 26, 388, 602, 4066, 220, 1215});
  CHECK(o200k().encode("e\u0301 🙂🙂 DON'T") == Ids{68, 13430, 26192, 37459, 153384});
  CHECK(cl100k().encode("hello world") == Ids{15339, 1917});
  CHECK(cl100k().encode("Привет, мир! 你好") == Ids{54745, 28089, 8341, 11, 11562, 78746, 0, 220, 57668, 53901});
  CHECK(cl100k().encode(kMixed) ==
        Ids{2181, 596, 220, 4513, 1774, 297, 63510, 1967, 862, 220, 15, 26, 335, 443, 2355, 220, 865});
  CHECK(cl100k().encode("e\u0301 🙂🙂 DON'T") == Ids{68, 54939, 28584, 9468, 19044, 45373, 17773});
}

TEST_CASE("what looks like a special token is text [REQ-062]", "[REQ-062]") {
  CHECK(o200k().encode("<|endoftext|>") == Ids{27, 91, 419, 1440, 919, 91, 29});
  CHECK(cl100k().encode("<|endoftext|>") == Ids{27, 91, 8862, 728, 428, 91, 29});
}

TEST_CASE("the tokens of a text together are the text, and counting counts them") {
  std::string text = "It's 12345 o'clock;\r\n\r\n\tint main() { return 0; } // 你好 e\u0301 🙂🙂   \n  ";
  text += std::string(5000, '-') + std::string(300, ' ') + "x" + std::string(1, '\0') + "\U000e0101\u0378";
  for (const Tokenizer* each : {&o200k(), &cl100k()}) {
    const Ids ids = each->encode(text);
    CHECK(decoded(*each, ids) == text);
    CHECK(each->count(text) == ids.size());
  }
}

TEST_CASE("for each ill-formed sequence stands one replacement character") {
  const std::array<std::pair<std::string, std::string>, 9> texts = {{
      {"\xff", "\ufffd"},
      {"a\x80\xbfz", "a\ufffd\ufffdz"},
      {"\xe4\xbd\xa0\xe4\xbd", "\u4f60\ufffd"},                    // cut off at the end
      {"\xe4\xbdz", "\ufffdz"},                                    // cut off before something else
      {"\xf0\x9f\x99\xe4\xbd\xa0", "\ufffd\u4f60"},                // before a whole character
      {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},                      // half a surrogate pair
      {"\xc0\xaf\xe0\x80\xaf", "\ufffd\ufffd\ufffd\ufffd\ufffd"},  // overlong
      {"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},            // above U+10FFFF
      {"\xc3", "\ufffd"},
  }};
  for (const auto& [bytes, repaired] : texts) {
    CAPTURE(repaired);
    CHECK(decoded(o200k(), o200k().encode(bytes)) == repaired);
    CHECK(o200k().encode(bytes) == o200k().encode(repaired));
    CHECK(o200k().count(bytes) == o200k().count(repaired));
  }
}

TEST_CASE("a name that is no encoding's is refused with those there are [REQ-062]", "[REQ-062]") {
  const auto none = tokenizer("o300k");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::kInvalidConfig);
  CHECK(none.error().message == "there is no encoding 'o300k'; there are o200k_base and cl100k_base");
  for (const std::string_view name : kEncodings) CHECK(*tokenizer(name) == *tokenizer(name));
}

}  // namespace
}  // namespace colloquium::ai
