#include "io/compress.h"

#include <algorithm>
#include <isa-l.h>
#include <lz4frame.h>
#include <span>
#include <vector>
#include <zstd.h>

namespace colloquium::io {

std::string_view to_string(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kGzip:
      return "gzip";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "unknown";
}

namespace {

constexpr int kZstdLevel = 1;
constexpr size_t kGzipPiece = size_t{1} << 30;  // ISA-L counts in 32 bits

tl::unexpected<Error> bad_input(std::string_view format, std::string_view what) {
  std::string message = "cannot decompress ";
  message.append(format).append(" data: ").append(what).append("; the input is damaged or of another format");
  return fail(ErrorCode::kInvalidInput, std::move(message));
}

// Where decompressed bytes go: a string that doubles as it fills, up to `cap` bytes.
class Growing {
 public:
  Growing(std::string& out, size_t cap, size_t expected) : out_(out), cap_(cap) {
    out_.resize(std::min(cap, std::max<size_t>(expected, 256)));
  }
  // Room to write to, after growing if there is none; empty once the cap is reached.
  std::span<char> room() {
    if (used_ == out_.size() && used_ < cap_) out_.resize(std::min(cap_, out_.size() * 2));
    return std::span<char>(out_).subspan(used_);
  }
  void took(size_t count) { used_ += count; }
  bool full() const { return used_ == cap_; }
  void finish() { out_.resize(used_); }

 private:
  std::string& out_;
  size_t cap_;
  size_t used_ = 0;
};

Status gunzip(inflate_state& state, std::string_view bytes, Growing& out) {
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  auto* next = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
  size_t left = bytes.size();
  state.avail_in = 0;
  while (!out.full()) {
    if (state.avail_in == 0 && left != 0) {
      state.next_in = next;
      state.avail_in = static_cast<uint32_t>(std::min(left, kGzipPiece));
      next += state.avail_in;
      left -= state.avail_in;
    }
    const std::span<char> room = out.room();
    const auto offered = static_cast<uint32_t>(std::min(room.size(), kGzipPiece));
    state.next_out = reinterpret_cast<uint8_t*>(room.data());
    state.avail_out = offered;
    const int result = isal_inflate(&state);
    out.took(offered - state.avail_out);
    if (result < 0) return bad_input("gzip", "invalid block, header or checksum");
    if (state.block_state == ISAL_BLOCK_FINISH) {
      if (state.avail_in == 0 && left == 0) return {};
      // RFC 1952, 2.2: members may follow one another. isal_inflate_reset keeps the input position.
      isal_inflate_reset(&state);
      state.crc_flag = ISAL_GZIP;
    } else if (state.avail_in == 0 && left == 0 && state.avail_out != 0) {
      return bad_input("gzip", "it ends too early");
    }
  }
  return {};
}

Status unlz4(LZ4F_dctx* context, std::string_view bytes, Growing& out) {
  LZ4F_resetDecompressionContext(context);
  size_t hint = 1;
  while (!out.full()) {
    const std::span<char> room = out.room();
    size_t produced = room.size();
    size_t consumed = bytes.size();
    hint = LZ4F_decompress(context, room.data(), &produced, bytes.data(), &consumed, nullptr);
    if (LZ4F_isError(hint)) return bad_input("lz4", LZ4F_getErrorName(hint));
    out.took(produced);
    bytes.remove_prefix(consumed);
    if (hint == 0 && bytes.empty()) return {};
    if (consumed == 0 && produced == 0) return bad_input("lz4", "it ends too early");
  }
  return {};
}

Status unzstd(ZSTD_DCtx* context, std::string_view bytes, Growing& out) {
  ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  while (!out.full()) {
    const std::span<char> room = out.room();
    ZSTD_outBuffer output{room.data(), room.size(), 0};
    const size_t before = input.pos;
    const size_t hint = ZSTD_decompressStream(context, &output, &input);
    if (ZSTD_isError(hint)) return bad_input("zstd", ZSTD_getErrorName(hint));
    out.took(output.pos);
    if (hint == 0 && input.pos == input.size) return {};
    if (input.pos == before && output.pos == 0) return bad_input("zstd", "it ends too early");
  }
  return {};
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    number |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return number;
}

// What the frame says it holds, as a first guess for the output's size; never trusted further.
size_t guessed_size(Compression compression, std::string_view bytes) {
  // A gzip member's own count is at the end of the last member alone; four times is near for text.
  if (compression == Compression::kGzip) return bytes.size() * 4;
  return declared_size(compression, bytes, {}).value_or(bytes.size() * 4);
}

}  // namespace

std::optional<uint64_t> declared_size(Compression compression, std::string_view head, std::string_view tail) {
  if (compression == Compression::kZstd) {
    const unsigned long long size = ZSTD_getFrameContentSize(head.data(), head.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) return std::nullopt;
    return size;
  }
  // An lz4 frame header carries the size at byte 6 if bit 3 of FLG is set (lz4 frame format, 1.6.2).
  if (compression == Compression::kLz4 && head.size() >= 15 && (head[4] & 8) != 0) {
    return little_endian(head.substr(6, 8));
  }
  // ISIZE, the last four bytes of a member (RFC 1952, 2.3.1).
  if (compression == Compression::kGzip && tail.size() == 4) return little_endian(tail);
  return std::nullopt;
}

struct Compressor::Contexts {
  LZ4F_cctx* lz4 = nullptr;
  ZSTD_CCtx* zstd = nullptr;
  std::vector<uint8_t> gzip_memory;

  ~Contexts() {
    LZ4F_freeCompressionContext(lz4);
    ZSTD_freeCCtx(zstd);
  }
  Status compress_lz4(std::string_view bytes, std::string& out);
  Status compress_zstd(std::string_view bytes, std::string& out);
  Status compress_gzip(std::string_view bytes, std::string& out);
};

Compressor::Compressor() : contexts_(std::make_unique<Contexts>()) {}
Compressor::~Compressor() = default;

Status Compressor::Contexts::compress_lz4(std::string_view bytes, std::string& out) {
  if (lz4 == nullptr) {
    const size_t result = LZ4F_createCompressionContext(&lz4, LZ4F_VERSION);
    if (LZ4F_isError(result)) return fail(ErrorCode::kInternal, "cannot set up lz4: out of memory");
  }
  LZ4F_preferences_t preferences{};
  // Kafka's decoder takes independent blocks only (KafkaLZ4BlockInputStream). The batch has its own CRC.
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.blockSizeID = LZ4F_max256KB;
  preferences.frameInfo.contentSize = bytes.size();
  preferences.autoFlush = 1;
  out.resize(LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(bytes.size(), &preferences));
  size_t used = LZ4F_compressBegin(lz4, out.data(), out.size(), &preferences);
  if (LZ4F_isError(used)) return fail(ErrorCode::kInternal, "cannot begin an lz4 frame");
  const size_t body =
      LZ4F_compressUpdate(lz4, out.data() + used, out.size() - used, bytes.data(), bytes.size(), nullptr);
  if (LZ4F_isError(body)) return fail(ErrorCode::kInternal, "cannot compress with lz4");
  used += body;
  const size_t end = LZ4F_compressEnd(lz4, out.data() + used, out.size() - used, nullptr);
  if (LZ4F_isError(end)) return fail(ErrorCode::kInternal, "cannot end an lz4 frame");
  out.resize(used + end);
  return {};
}

Status Compressor::Contexts::compress_zstd(std::string_view bytes, std::string& out) {
  if (zstd == nullptr) {
    zstd = ZSTD_createCCtx();
    if (zstd == nullptr) return fail(ErrorCode::kInternal, "cannot set up zstd: out of memory");
  }
  out.resize(ZSTD_compressBound(bytes.size()));
  const size_t used = ZSTD_compressCCtx(zstd, out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
  if (ZSTD_isError(used)) return fail(ErrorCode::kInternal, "cannot compress with zstd");
  out.resize(used);
  return {};
}

Status Compressor::Contexts::compress_gzip(std::string_view bytes, std::string& out) {
  if (bytes.size() >= kGzipPiece)
    return fail(ErrorCode::kLimit, "cannot compress more than 1 GiB at once with gzip");
  gzip_memory.resize(ISAL_DEF_LVL1_DEFAULT);
  isal_zstream stream;
  isal_deflate_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.level = 1;
  stream.level_buf = gzip_memory.data();
  stream.level_buf_size = static_cast<uint32_t>(gzip_memory.size());
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uint32_t>(bytes.size());
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  size_t used = 0;
  out.resize(bytes.size() / 2 + 512);
  for (;;) {
    stream.next_out = reinterpret_cast<uint8_t*>(out.data() + used);
    stream.avail_out = static_cast<uint32_t>(out.size() - used);
    if (isal_deflate(&stream) != COMP_OK) return fail(ErrorCode::kInternal, "cannot compress with gzip");
    used = out.size() - stream.avail_out;
    if (stream.internal_state.state == ZSTATE_END) break;
    out.resize(out.size() * 2);
  }
  out.resize(used);
  return {};
}

Status Compressor::compress(Compression compression, std::string_view bytes, std::string& out) {
  switch (compression) {
    case Compression::kNone:
      out.assign(bytes);
      return {};
    case Compression::kGzip:
      return contexts_->compress_gzip(bytes, out);
    case Compression::kLz4:
      return contexts_->compress_lz4(bytes, out);
    case Compression::kZstd:
      return contexts_->compress_zstd(bytes, out);
  }
  return fail(ErrorCode::kInvalidInput, "unknown compression");
}

struct Decompressor::Contexts {
  LZ4F_dctx* lz4 = nullptr;
  ZSTD_DCtx* zstd = nullptr;
  std::unique_ptr<inflate_state> gzip;

  ~Contexts() {
    LZ4F_freeDecompressionContext(lz4);
    ZSTD_freeDCtx(zstd);
  }

  // Fills `out` until the input ends or `out` is full.
  Status run(Compression compression, std::string_view bytes, Growing& out);
};

Decompressor::Decompressor() : contexts_(std::make_unique<Contexts>()) {}
Decompressor::~Decompressor() = default;

Status Decompressor::Contexts::run(Compression compression, std::string_view bytes, Growing& out) {
  switch (compression) {
    case Compression::kNone:
      break;
    case Compression::kGzip:
      if (!gzip) gzip = std::make_unique<inflate_state>();
      return gunzip(*gzip, bytes, out);
    case Compression::kLz4:
      if (lz4 == nullptr && LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION))) {
        return fail(ErrorCode::kInternal, "cannot set up lz4: out of memory");
      }
      return unlz4(lz4, bytes, out);
    case Compression::kZstd:
      if (zstd == nullptr) zstd = ZSTD_createDCtx();
      if (zstd == nullptr) return fail(ErrorCode::kInternal, "cannot set up zstd: out of memory");
      return unzstd(zstd, bytes, out);
  }
  return fail(ErrorCode::kInvalidInput, "cannot decompress data of an unknown compression");
}

Status Decompressor::decompress(Compression compression, std::string_view bytes, size_t limit_bytes,
                                std::string& out) {
  if (compression == Compression::kNone) {
    if (bytes.size() > limit_bytes) return fail(ErrorCode::kLimit, "the data are longer than allowed");
    out.assign(bytes);
    return {};
  }
  // One byte of room more than allowed tells "exactly the limit" from "more".
  Growing growing(out, limit_bytes + 1, std::min(guessed_size(compression, bytes), limit_bytes) + 1);
  TRY(contexts_->run(compression, bytes, growing));
  if (growing.full()) {
    return fail(ErrorCode::kLimit, "cannot decompress " + std::string(to_string(compression)) +
                                       " data: they hold more than the " + std::to_string(limit_bytes) +
                                       " bytes allowed");
  }
  growing.finish();
  return {};
}

Status Decompressor::decompress_prefix(Compression compression, std::string_view bytes, size_t wanted,
                                       std::string& out) {
  if (compression == Compression::kNone) {
    out.assign(bytes.substr(0, wanted));
    return {};
  }
  Growing growing(out, wanted, std::min(wanted, guessed_size(compression, bytes)));
  TRY(contexts_->run(compression, bytes, growing));
  growing.finish();
  return {};
}

}  // namespace colloquium::io
