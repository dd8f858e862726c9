#include "ai/tokenizer.h"

#include <algorithm>
#include <simdjson.h>
#include <string>
#include <utility>

#include "ai/embedded_ranks.h"
#include "ai/merger.h"
#include "base/assert.h"
#include "io/compress.h"
#include "json/utf8.h"

namespace colloquium::ai {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

constexpr uint32_t kO200kTokens = 199'998;
constexpr uint32_t kCl100kTokens = 100'256;

std::string repaired(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (true) {
    const size_t good = json::valid_utf8_prefix(text);
    valid += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) return valid;
    valid += kReplacement;
    text.remove_prefix(json::ill_formed_length(text));
  }
}

// Hands the ids of every piece to `take`.
template <class Take>
void encode_pieces(Pattern pattern, const RankTable& ranks, std::string_view text, const Take& take) {
  std::string valid;
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    valid = repaired(text);
    text = valid;
  }
  PieceScanner pieces(pattern, text);
  Merger merger(ranks);
  std::vector<uint32_t> merged;
  std::string_view piece;
  while (pieces.next(piece)) {
    merged.clear();
    if (const uint32_t whole = ranks.find(piece); whole != kNoRank) {
      take(&whole, 1);
      continue;
    }
    merger.merge(piece, merged);
    take(merged.data(), merged.size());
  }
}

RankTable unpacked(std::string_view embedded, uint32_t tokens) {
  const auto size = io::declared_size(io::Compression::kZstd, embedded, {});
  ASSERT_WHY(size.has_value(), "the ranks in the binary say how many bytes they are");
  std::string packed;
  const Status done = io::Decompressor().decompress(io::Compression::kZstd, embedded, *size, packed);
  ASSERT_WHY(done.has_value(), "the ranks in the binary are whole");
  return RankTable(std::move(packed), tokens);
}

// Each is kept for ever: a thread may still count while the process ends.
const Tokenizer* o200k_base() {
  static const auto* const only = new Tokenizer(Pattern::kO200k, unpacked(embedded_o200k_base(), kO200kTokens));
  return only;
}

const Tokenizer* cl100k_base() {
  static const auto* const only = new Tokenizer(Pattern::kCl100k, unpacked(embedded_cl100k_base(), kCl100kTokens));
  return only;
}

}  // namespace

Tokenizer::Tokenizer(Pattern pattern, RankTable ranks) : pattern_(pattern), ranks_(std::move(ranks)) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    ASSERT_WHY(ranks_.find({&c, 1}) != kNoRank, "so that every text has tokens");
  }
}

size_t Tokenizer::count(std::string_view text) const {
  size_t total = 0;
  encode_pieces(pattern_, ranks_, text, [&total](const uint32_t*, size_t tokens) { total += tokens; });
  return total;
}

std::vector<uint32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<uint32_t> ids;
  encode_pieces(pattern_, ranks_, text,
                [&ids](const uint32_t* tokens, size_t count) { ids.insert(ids.end(), tokens, tokens + count); });
  return ids;
}

Result<const Tokenizer*> tokenizer(std::string_view name) {
  if (name == kEncodings[0]) return o200k_base();
  if (name == kEncodings[1]) return cl100k_base();
  return fail(ErrorCode::kInvalidConfig, "there is no encoding '" + std::string(name) + "'; there are " +
                                             std::string(kEncodings[0]) + " and " + std::string(kEncodings[1]));
}

}  // namespace colloquium::ai
