#include "io/inflated_file.h"

#include <algorithm>
#include <array>
#include <isa-l.h>
#include <string_view>
#include <utility>
#include <vector>
#include <zstd.h>

#include "base/assert.h"

namespace colloquium::io {
namespace {

constexpr size_t kInputBytes = size_t{64} << 10;
constexpr size_t kSkipBytes = size_t{256} << 10;
constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";

tl::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "the compressed file is damaged or not complete yet: " + std::string(what));
}

// Decompresses bytes as they come; one after the other, frames and members count as one text.
class Inflater {
 public:
  virtual ~Inflater() = default;
  virtual void begin() = 0;
  // Takes bytes off the front of `in`, and gives some to `out`: how many. Both may be few.
  virtual Result<size_t> step(std::string_view& in, std::span<char> out) = 0;
  // Whether the text may end here.
  virtual bool between_frames() const = 0;
};

class Gunzip final : public Inflater {
 public:
  void begin() override {
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
    done_ = true;
  }
  Result<size_t> step(std::string_view& in, std::span<char> out) override {
    if (done_ && !in.empty()) {
      // Another member. Zeros may fill the last block of a tape or disk behind all of them.
      if (in[0] == '\0') {
        in.remove_prefix(1);
        return size_t{0};
      }
      begin();
      done_ = false;
    }
    // ISA-L does not write to its input.
    state_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(in.data()));
    state_.avail_in = static_cast<uint32_t>(in.size());
    state_.next_out = reinterpret_cast<uint8_t*>(out.data());
    state_.avail_out = static_cast<uint32_t>(out.size());
    if (isal_inflate(&state_) != ISAL_DECOMP_OK) return damaged("it is no gzip data");
    in.remove_prefix(in.size() - state_.avail_in);
    done_ = state_.block_state == ISAL_BLOCK_FINISH;
    return out.size() - state_.avail_out;
  }
  bool between_frames() const override { return done_; }

 private:
  inflate_state state_{};
  bool done_ = true;
};

class Unzstd final : public Inflater {
 public:
  void begin() override {
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    done_ = true;
  }
  Result<size_t> step(std::string_view& in, std::span<char> out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const size_t left = ZSTD_decompressStream(context_.get(), &output, &input);
    if (ZSTD_isError(left) != 0) return damaged(ZSTD_getErrorName(left));
    in.remove_prefix(input.pos);
    if (input.pos > 0 || output.pos > 0) done_ = left == 0;
    return output.pos;
  }
  bool between_frames() const override { return done_; }

 private:
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_{ZSTD_createDCtx(), ZSTD_freeDCtx};
  bool done_ = true;
};

class InflatedFile final : public File {
 public:
  InflatedFile(std::unique_ptr<File> file, std::unique_ptr<Inflater> inflater)
      : file_(std::move(file)), inflater_(std::move(inflater)), input_(kInputBytes), skipped_(kSkipBytes) {
    rewind();
  }

  // To the end, for its size.
  Status measure() {
    while (true) {
      TRY_ASSIGN(const size_t got, read_on(skipped_));
      if (got == 0) break;
    }
    size_ = at_;
    return {};
  }

  Status write_at(uint64_t, std::span<const std::string_view>) override { return read_only(); }
  Status truncate(uint64_t) override { return read_only(); }
  Result<size_t> read_at(uint64_t offset, std::span<char> into) const override {
    if (offset < at_) rewind();
    while (at_ < offset) {
      const auto wanted = static_cast<size_t>(std::min<uint64_t>(offset - at_, skipped_.size()));
      TRY_ASSIGN(const size_t got, read_on(std::span<char>(skipped_).first(wanted)));
      if (got == 0) return size_t{0};
    }
    size_t filled = 0;
    while (filled < into.size()) {
      TRY_ASSIGN(const size_t got, read_on(into.subspan(filled)));
      if (got == 0) break;
      filled += got;
    }
    return filled;
  }
  Result<FileInfo> info() const override {
    TRY_ASSIGN(FileInfo info, file_->info());
    info.size = size_;
    return info;
  }

 private:
  Status sync_file() override { return read_only(); }
  static Status read_only() {
    ASSERT_WHY(false, "a file that is decompressed is only read");
    return {};
  }
  void rewind() const {
    inflater_->begin();
    input_at_ = at_ = 0;
    rest_ = {};
  }
  // Some bytes, or none at the end.
  Result<size_t> read_on(std::span<char> into) const {
    while (!into.empty()) {
      if (rest_.empty()) {
        TRY_ASSIGN(const size_t got, file_->read_at(input_at_, input_));
        input_at_ += got;
        rest_ = {input_.data(), got};
      }
      const bool ended = rest_.empty();
      if (ended && inflater_->between_frames()) return size_t{0};
      TRY_ASSIGN(const size_t made, inflater_->step(rest_, into));
      at_ += made;
      if (made > 0) return made;
      if (ended) return damaged("it ends too soon");
    }
    return size_t{0};
  }

  const std::unique_ptr<File> file_;
  const std::unique_ptr<Inflater> inflater_;
  uint64_t size_ = 0;
  // Where reading stands; a reader sees no more of it than what it reads.
  mutable std::vector<char> input_;
  mutable std::vector<char> skipped_;
  mutable std::string_view rest_;  // of input_
  mutable uint64_t input_at_ = 0;  // in the compressed file
  mutable uint64_t at_ = 0;        // in what it holds
};

Result<std::string> magic_of(const File& file) {
  std::string magic(kZstdMagic.size(), '\0');
  TRY_ASSIGN(const size_t got, file.read_at(0, {magic.data(), magic.size()}));
  magic.resize(got);
  return magic;
}

}  // namespace

Result<bool> is_compressed(const File& file) {
  TRY_ASSIGN(const std::string magic, magic_of(file));
  return magic.starts_with(kGzipMagic) || magic == kZstdMagic;
}

Result<std::unique_ptr<File>> inflated(std::unique_ptr<File> file) {
  TRY_ASSIGN(const std::string magic, magic_of(*file));
  std::unique_ptr<Inflater> inflater;
  if (magic.starts_with(kGzipMagic)) inflater = std::make_unique<Gunzip>();
  if (magic == kZstdMagic) inflater = std::make_unique<Unzstd>();
  if (inflater == nullptr) return file;
  auto inflated_file = std::make_unique<InflatedFile>(std::move(file), std::move(inflater));
  TRY(inflated_file->measure());
  return inflated_file;
}

}  // namespace colloquium::io
