// log_exhaustive: every bit and every length of a reference segment, for each codec, plain and encrypted: none is
// read as valid.
//
//   log_exhaustive [BYTES]     of each segment, at least; 4096 unless told
//
// A flipped bit has to be found in the batch that holds it; a shorter file has to end where a batch does, or to be
// found cut off.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/sim_executor.h"
#include "io/aead.h"
#include "io/memory_file_system.h"
#include "log/key_ring.h"
#include "log/layout.h"
#include "log/segment_log.h"
#include "log/segment_scan.h"

namespace colloquium::sim {
namespace {

using log::Codec;

// A file of bytes that can be changed in place.
class BytesFile final : public io::File {
 public:
  explicit BytesFile(std::string& bytes) : bytes_(bytes) {}
  using File::write_at;
  Status write_at(uint64_t, std::span<const std::string_view>) override { return refuse(); }
  Status truncate(uint64_t) override { return refuse(); }
  Result<io::FileInfo> info() const override { return io::FileInfo{}; }
  Result<size_t> read_at(uint64_t offset, std::span<char> into) const override {
    const size_t count = offset < bytes_.size() ? std::min(into.size(), bytes_.size() - offset) : 0;
    std::memcpy(into.data(), bytes_.data() + offset, count);
    return count;
  }

 private:
  Status sync_file() override { return refuse(); }
  static Status refuse() { return fail(ErrorCode::kPermission, "this file is only read"); }
  std::string& bytes_;
};

std::shared_ptr<const Batch> events(int number) {
  BatchBuilder builder;
  for (int i = 0; i < 1 + number % 4; ++i) {
    const std::string value = "{\"n\":" + std::to_string(number) + ",\"text\":\"" + std::string(60, 'x') + "\"}";
    EventMeta meta;
    meta.offset_delta = static_cast<uint32_t>(i);
    builder.add(value, {}, meta);
  }
  return builder.seal(std::make_shared<BatchOrigin>(), 0);
}

struct Reference {
  std::string bytes;
  log::EpochTable epochs;
};

Result<Reference> make_reference(Codec codec, bool encrypted, size_t at_least) {
  ManualClock clock;
  SimExecutor executor(1, clock);
  SeededRandom random(5);
  io::MemoryFileSystem files;
  log::LogOptions options;
  options.directory = "data";
  options.files = &files;
  options.executor = &executor;
  options.clock = &clock;
  options.random = &random;
  if (encrypted) {
    const auto key = std::make_shared<const io::SecretKey>(std::string(32, 'k'));
    options.keys = std::make_shared<const log::KeyRing>(log::KeyRing::Keys{key}, random, true);
  }
  TRY_ASSIGN(const auto opened, log::SegmentLog::open(options));
  TRY_ASSIGN(const log::StreamId stream, opened->open_stream({"s", 1}));
  const std::string folder = log::partition_directory("data", "s", 0);
  const std::string path = log::segment_path(folder, 0, "log");
  for (int number = 0; !files.info(path) || files.info(path)->size < at_least; ++number) {
    TRY_ASSIGN(auto encoded, log::encode(events(number), codec, nullptr));
    opened->append(stream, 0, std::move(encoded), log::AckLevel::kDurable,
                   [](const Result<log::AppendResult>&) {});
    executor.run_until_idle();
  }
  TRY(opened->close());
  Reference reference;
  TRY_ASSIGN(reference.bytes, io::read_file(files, path, size_t{1} << 30));
  TRY_ASSIGN(reference.epochs, log::EpochTable::read(files, log::epochs_path(folder)));
  return reference;
}

class Exhaustion {
 public:
  explicit Exhaustion(Reference reference)
      : reference_(std::move(reference)), file_(std::make_shared<BytesFile>(reference_.bytes)) {}

  // Empty, or what was taken for valid.
  std::string run() {
    const log::SegmentScan whole = scan(reference_.bytes.size());
    if (whole.damage) return "the reference itself is damaged: " + whole.damage->what;
    for (size_t at = 0; at < reference_.bytes.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        reference_.bytes[at] = static_cast<char>(reference_.bytes[at] ^ (1 << bit));
        const log::SegmentScan found = scan(reference_.bytes.size());
        if (!found.damage || found.damage->position > at) {
          return "bit " + std::to_string(bit) + " of byte " + std::to_string(at) + " flips unseen";
        }
        reference_.bytes[at] = static_cast<char>(reference_.bytes[at] ^ (1 << bit));
        ++flips;
      }
    }
    for (size_t length = 0; length < reference_.bytes.size(); ++length, ++lengths) {
      const log::SegmentScan found = scan(length);
      const bool told = found.damage.has_value() || found.end.active_bytes == length;
      if (!told) return "a file cut to " + std::to_string(length) + " bytes is taken for whole";
    }
    return {};
  }

  uint64_t flips = 0, lengths = 0;

 private:
  log::SegmentScan scan(size_t size) {
    auto found = log::scan_segment(file_, {0, 0}, size, reference_.epochs, {}, nullptr);
    if (!found) std::abort();  // it reads from memory
    return std::move(*found);
  }
  Reference reference_;
  std::shared_ptr<const io::File> file_;
};

int main(int argc, char** argv) {
  const size_t at_least = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4096;
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
    for (const bool encrypted : {false, true}) {
      auto reference = make_reference(codec, encrypted, at_least);
      if (!reference) {
        std::printf("%s\n", reference.error().describe().c_str());
        return 1;
      }
      Exhaustion exhaustion(std::move(*reference));
      const std::string wrong = exhaustion.run();
      std::printf("codec %d, %s: %llu flips, %llu lengths: %s\n", static_cast<int>(codec),
                  encrypted ? "encrypted" : "plain", static_cast<unsigned long long>(exhaustion.flips),
                  static_cast<unsigned long long>(exhaustion.lengths),
                  wrong.empty() ? "all found" : wrong.c_str());
      if (!wrong.empty()) return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace colloquium::sim

int main(int argc, char** argv) {
  return colloquium::sim::main(argc, argv);
}
