// Compression of whole blocks: gzip (RFC 1952), lz4 *frames* and zstd frames, as Kafka's codecs 1, 3 and 4.
//
// A Compressor and a Decompressor keep their library contexts between calls: make one per thread, and use it
// again. Decompression stops at a limit given by the caller, so that a small input cannot fill the memory; bad
// input is kInvalidInput, too much output kLimit.
// Thread safety: an object belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/result.h"

namespace colloquium::io {

enum class Compression : uint8_t { kNone = 0, kGzip = 1, kLz4 = 3, kZstd = 4 };

std::string_view to_string(Compression compression);

// How many bytes a compressed block says it holds, without decompressing it: `head` are its first bytes (20 are
// enough), `tail` its last four. Exact for what a Compressor has made; nothing if it does not say.
std::optional<uint64_t> declared_size(Compression compression, std::string_view head, std::string_view tail);

class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Replaces `out` by the compressed form of `bytes`, at each library's fast level (measured choices: speed
  // decides in a log, and a sink that wants density can compress again).
  Status compress(Compression compression, std::string_view bytes, std::string& out);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // Replaces `out` by what `bytes` hold; kLimit if that is more than `limit_bytes`.
  Status decompress(Compression compression, std::string_view bytes, size_t limit_bytes, std::string& out);

  // Replaces `out` by the first `wanted` bytes, or by everything if there is less. Does not look at the rest.
  Status decompress_prefix(Compression compression, std::string_view bytes, size_t wanted, std::string& out);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace colloquium::io
