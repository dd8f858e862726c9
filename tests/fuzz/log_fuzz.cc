// Any bytes where the event log reads its own: batches and their records, compressed, encrypted or neither, journal
// records, side files, checkpoints and indexes. Checksums are mended first, or nothing would get past them. Whatever
// is in the bytes, reading them ends, keeps to its limits, and what was understood is the same once it is written and
// read again.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/manual_clock.h"
#include "io/checksum.h"
#include "io/compress.h"
#include "io/memory_file_system.h"
#include "log/backup_folder.h"
#include "log/batch_crypt.h"
#include "log/batch_decoder.h"
#include "log/checkpoint_file.h"
#include "log/clean_marker.h"
#include "log/data_directory.h"
#include "log/epochs.h"
#include "log/gaps.h"
#include "log/journal_record.h"
#include "log/key_ring.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/record_batch.h"
#include "log/repair_plan.h"
#include "log/seal.h"
#include "log/segment_index.h"
#include "log/segment_key.h"
#include "log/stream_meta.h"
#include "tests/fuzz/report.h"

namespace colloquium::log {
namespace {

constexpr size_t kLimitBytes = size_t{1} << 20;

// A batch whose length and checksum are right.
std::string mended_batch(std::string_view bytes) {
  std::string batch(bytes);
  if (batch.size() < kHeaderBytes) batch.resize(kHeaderBytes);
  const auto put = [&](size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) batch[at + i] = static_cast<char>(value >> (24 - 8 * i));
  };
  batch[16] = 2;
  put(8, static_cast<uint32_t>(batch.size() - kLengthEnd));
  put(53, 0xffffffff);
  put(17, io::crc32c(std::string_view(batch).substr(kCrcBegin)));
  return batch;
}

void check_batch(std::string_view bytes) {
  const std::string batch = mended_batch(bytes);
  if (batch_defect(batch) != nullptr) return;
  const BatchHeader header = get_header(batch);
  (void)get_sync_mark(batch);
  if (header.is_control()) return;
  BatchDecoder decoder(std::make_shared<BatchOrigin>(), nullptr);
  const std::string_view records = std::string_view(batch).substr(kHeaderBytes);
  const auto decoded = decoder.decode(header, records);
  (void)decoder.decode_accept(header, records);
  if (!decoded) return;
  const bool whole = (*decoded)->size() <= static_cast<size_t>(header.record_count);
  fuzz::require(whole ? "" : "more events than the header says", bytes);
}

std::shared_ptr<const SegmentKey> fixed_key() {
  static SeededRandom random(1);
  static const auto ring =
      std::make_shared<KeyRing>(KeyRing::Keys{std::make_shared<io::SecretKey>(std::string(32, 'k'))}, random, true);
  return std::make_shared<SegmentKey>(ring, std::string(16, 'u'), std::string(32, 'd'));
}

bool is_decoded(const BatchHeader& header, std::string_view records) {
  BatchDecoder decoder(std::make_shared<BatchOrigin>(), nullptr);
  (void)decoder.decode_accept(header, records);
  return decoder.decode(header, records).has_value();
}

// Whatever was sealed opens as it was; what was never sealed does not, though its checksum is right.
void check_sealed(std::string_view bytes) {
  static const auto key = fixed_key();
  const std::string batch = mended_batch(bytes);
  const BatchHeader header = get_header(batch);
  if (batch_defect(batch) != nullptr || header.is_control() || header.epoch < 0) return;
  // These bits are the sealer's own.
  if (!header.is_encrypted() && (header.attributes >> kInnerCodecShift & kCodecMask) != 0) return;
  BatchOpener opener;
  opener.enter(key);
  if (header.is_encrypted()) {
    fuzz::require(opener.open({header, 0, batch}) ? "what nobody sealed is opened" : "", bytes);
    return;
  }
  std::string records = batch.substr(kHeaderBytes);
  const HeaderBytes sealed_header = BatchSealer(key).seal(header, records);
  const std::string sealed = std::string(sealed_header.data(), sealed_header.size()) + records;
  fuzz::require(batch_defect(sealed) == nullptr ? "" : "a sealed batch is none", bytes);
  const BatchHeader stored = get_header(sealed);
  const auto opened = opener.open({stored, 0, sealed});
  fuzz::require(opened && *opened == std::string_view(batch).substr(kHeaderBytes) ? "" : "sealed and opened differ",
                bytes);
  const bool same = is_decoded(stored, *opened) == is_decoded(header, std::string_view(batch).substr(kHeaderBytes));
  fuzz::require(same ? "" : "it is decoded in the clear or sealed, but not both", bytes);
}

void check_decompression(std::string_view bytes) {
  io::Decompressor decompressor;
  for (const auto codec : {io::Compression::kGzip, io::Compression::kLz4, io::Compression::kZstd}) {
    std::string out;
    const Status done = decompressor.decompress(codec, bytes, kLimitBytes, out);
    fuzz::require(!done || out.size() <= kLimitBytes ? "" : "more than the limit came out", bytes);
    std::string some;
    (void)decompressor.decompress_prefix(codec, bytes, 100, some);
  }
}

void check_journal(std::string_view bytes) {
  if (const auto commit = get_commit(bytes)) {
    const std::string once = put_commit(*commit);
    const auto again = get_commit(once);
    fuzz::require(again && put_commit(*again) == once ? "" : "a commit reads back as another", bytes);
  }
  if (const auto checkpoint = get_checkpoint(bytes)) {
    const std::string once = put_checkpoint(*checkpoint);
    const auto again = get_checkpoint(once);
    fuzz::require(again && put_checkpoint(*again) == once ? "" : "a checkpoint reads back as another", bytes);
  }
}

void put_file(io::MemoryFileSystem& files, const std::string& path, std::string_view content) {
  const auto file = files.open(path, io::OpenMode::kOpenOrCreate);
  (void)(*file)->truncate(0);
  (void)(*file)->write_at(0, content);
}

// The file of a checkpoint as it comes, and with a head that is right.
void check_checkpoint(std::string_view bytes) {
  io::MemoryFileSystem files;
  (void)make_checkpoint_folder(files, "d");
  put_file(files, checkpoint_path("d", "c"), bytes);
  (void)read_checkpoint(files, "d", "c");
  (void)write_checkpoint(files, "d", "c", std::string(bytes));
  const auto read = read_checkpoint(files, "d", "c");
  fuzz::require(read && *read == bytes ? "" : "a checkpoint reads back as another", bytes);
}

// A side file whose head and checksum are right.
std::string mended_side_file(std::string_view kind_and_version, std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text = "colloquium " + std::string(kind_and_version) + '\n' + std::string(bytes) + '\n';
  const uint32_t sum = io::crc32c(text);
  text += "crc32c ";
  for (int shift = 28; shift >= 0; shift -= 4) text += kHex[(sum >> shift) & 15];
  return text + '\n';
}

void check_epochs(std::string_view bytes) {
  io::MemoryFileSystem files;
  put_file(files, "f", mended_side_file("epochs 1", bytes));
  const auto epochs = EpochTable::read(files, "f");
  if (!epochs) return;
  put_file(files, "g", epochs->text());
  const auto again = EpochTable::read(files, "g");
  fuzz::require(again && again->text() == epochs->text() ? "" : "epochs read back as others", bytes);
}

void check_manifest(std::string_view bytes) {
  io::MemoryFileSystem files;
  (void)files.make_directories("b");
  put_file(files, manifest_path("b"), mended_side_file("snapshot 1", bytes));
  const auto manifest = read_manifest(files, "b");
  if (!manifest) return;
  // A restore writes where these say.
  for (const auto& [path, file] : manifest->files) {
    const bool inside =
        !path.empty() && path.front() != '/' && ("/" + path + "/").find("/../") == std::string::npos;
    fuzz::require(inside ? "" : "a backup names a file outside", bytes);
  }
}

void check_side_files(std::string_view bytes) {
  io::MemoryFileSystem files;
  (void)files.make_directories("d");
  const auto put = [&](const std::string& path, std::string_view kind_and_version) {
    put_file(files, path, mended_side_file(kind_and_version, bytes));
  };
  for (const std::string_view version : {"seal 1", "seal 2"}) {
    put("f", version);
    (void)read_seal(files, "f");
  }
  put("f", "stream 1");
  (void)read_meta(files, "f");
  put("f", "clean 1");
  (void)read_clean(files, "f");
  put("f", "gaps 1");
  (void)GapTable::read(files, "f");
  put(oldest_path("d"), "oldest 1");
  (void)read_oldest(files, "d");
  put(repair_path("d"), "repair 1");
  (void)read_repair_plan(files, "d");
  put(format_path("d"), "data 1");
  (void)read_format(files, "d");
  const SegmentName segment{.directory = "d", .partition = "journal", .base_offset = 0};
  put(segment_path("d", 0, "key"), "segment-key 1");
  (void)find_stored_key(files, segment);
  check_epochs(bytes);
  check_manifest(bytes);
}

void check_index(std::string_view bytes) {
  io::MemoryFileSystem files;
  const std::string segment = mended_batch(bytes.substr(0, bytes.size() / 2));
  (void)files.make_directories("p");
  put_file(files, segment_path("p", 0, "log"), segment);
  put_file(files, segment_path("p", 0, "index"), bytes);
  put_file(files, segment_path("p", 0, "timeindex"), bytes.substr(bytes.size() / 3));
  const std::shared_ptr<const io::File> file =
      std::move(*files.open(segment_path("p", 0, "log"), io::OpenMode::kRead));
  (void)load_index(files, "p", 0, file, segment.size());
  (void)SegmentIndex::rebuild(file, segment.size());
}

}  // namespace
}  // namespace colloquium::log

// The name libFuzzer calls.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  using Check = void (*)(std::string_view);
  constexpr Check kChecks[] = {colloquium::log::check_batch, colloquium::log::check_decompression,
                               colloquium::log::check_journal, colloquium::log::check_side_files,
                               colloquium::log::check_index, colloquium::log::check_sealed,
                               colloquium::log::check_checkpoint};
  kChecks[data[0] % 7](bytes);
  return 0;
}
