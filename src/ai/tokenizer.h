// Tokenizer: how many tokens a text is, and which, exactly as OpenAI's models count them: the byte-pair encodings
// o200k_base (gpt-4o and later) and cl100k_base (gpt-4, gpt-3.5, text-embedding-3) of tiktoken (MIT), whose ranks
// are in the binary (src/ai/data).
//
// Every text is ordinary: what looks like a special token ("<|endoftext|>") is encoded as the characters it is
// made of, as tiktoken's encode_ordinary does. In text that is not UTF-8, U+FFFD stands for each ill-formed
// sequence (Unicode 16, section 3.9), as in what a client would send that decodes such text.
//
// Cost: proportional to the text, but for a single word of n bytes, which takes n·log n. Memory: that of the ids,
// and some 30 bytes for each byte of the longest word; of the encoding itself 6 to 11 MB, once for the process.
// Thread safety: immutable; any thread may use it. Ownership: lives as long as the process. Errors: none but a
// name that is no encoding's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "ai/pieces.h"
#include "ai/rank_table.h"

namespace colloquium::ai {

class Tokenizer {
 public:
  // Of one of the encodings below; whoever wants to count calls tokenizer().
  Tokenizer(Pattern pattern, RankTable ranks);
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // encode(text).size(), without keeping the ids. REQUIRES, like encode(): less than 4 GiB.
  size_t count(std::string_view text) const;
  std::vector<uint32_t> encode(std::string_view text) const;

  // How many ids there are, from 0 on, without those of special tokens.
  uint32_t size() const { return ranks_.size(); }
  // What an id stands for; several together may be one character. REQUIRES: id < size().
  std::string_view bytes(uint32_t id) const { return ranks_.bytes(id); }

 private:
  Pattern pattern_;
  RankTable ranks_;
};

// The names that tokenizer() knows.
inline constexpr std::array<std::string_view, 2> kEncodings = {"o200k_base", "cl100k_base"};

// The encoding of that name, loaded at its first use (some 20 ms, during which others who want it wait).
// kInvalidConfig if there is none.
Result<const Tokenizer*> tokenizer(std::string_view name);

}  // namespace colloquium::ai
