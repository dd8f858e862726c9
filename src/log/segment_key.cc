#include "log/segment_key.h"

#include "base/assert.h"
#include "log/layout.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {

constexpr int kVersion = 1;
constexpr std::string_view kKind = "segment-key";
constexpr std::string_view kCipher = "aes-256-gcm";
constexpr size_t kUuidBytes = 16;

std::string key_path(const SegmentName& segment) {
  ASSERT(segment.base_offset >= 0);
  return segment_path(segment.directory, segment.base_offset, "key");
}

// What the wrapped key is bound to.
std::string context_of(const SegmentName& segment, std::string_view uuid) {
  ASSERT(uuid.size() == kUuidBytes && !segment.partition.empty());
  std::string context = "colloquium segment key " + std::to_string(kVersion) + "\n" + segment.partition + "\n";
  context += std::to_string(segment.base_offset) + "\n";
  context += uuid;
  return context;
}

// RFC 9562's version 4, so that it looks like what it is.
std::string random_uuid(Random& random) {
  std::string uuid;
  while (uuid.size() < kUuidBytes) {
    const uint64_t number = random.next();
    uuid.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  ASSERT(uuid.size() == kUuidBytes);
  uuid[6] = static_cast<char>((uuid[6] & 0x0f) | 0x40);
  uuid[8] = static_cast<char>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

std::string key_text(const KeyRing& ring, const SegmentName& segment, const SegmentKey& key) {
  ASSERT(key.data_key().size() == io::kAeadKeyBytes);
  const auto wrapped = [&](const SegmentKey& each) {
    return io::to_hex(ring.wrap(each.data_key(), context_of(segment, each.uuid())));
  };
  SidecarWriter writer(kKind, kVersion);
  writer.line("segment", {std::to_string(segment.base_offset)});
  writer.line("uuid", {io::to_hex(key.uuid())});
  writer.line("cipher", {kCipher});
  writer.line("key", {ring.current(), wrapped(key)});
  if (key.older() != nullptr) {
    writer.line("older", {io::to_hex(key.older()->uuid()), ring.current(), wrapped(*key.older())});
  }
  return writer.finish();
}

tl::unexpected<Error> key_needed(const SegmentName& segment, const StoredKey& stored, const KeyRing* ring) {
  ASSERT(!stored.kek_id.empty());
  const std::string given = ring == nullptr ? "no key is given" : "the keys given are " + ring->ids();
  return fail(ErrorCode::kInvalidConfig,
              "'" + segment_path(segment.directory, segment.base_offset, "log") + "' is encrypted with the key " +
                  stored.kek_id + ", and " + given +
                  "; give that key in log.encryption of the pipeline file, or with --key-file");
}

}  // namespace

std::string key_place(const std::string& stream, const std::string& tag, int32_t number) {
  ASSERT(number >= 0);
  if (stream.empty()) return "journal";
  return stream + " " + tag + "/" + std::to_string(number);
}

Result<std::optional<StoredKey>> find_stored_key(const io::FileSystem& fs, const SegmentName& segment) {
  ASSERT(!segment.partition.empty());
  const std::string path = key_path(segment);
  const auto sidecar = read_sidecar(fs, path, kKind, kVersion);
  if (!sidecar && sidecar.error().code == ErrorCode::kNotFound) return std::optional<StoredKey>();
  if (!sidecar) return fail(sidecar.error());
  StoredKey stored;
  std::string cipher;
  for (const SidecarLine& line : sidecar->lines) {
    if (line.name == "segment" && !line.number(0, stored.base_offset)) stored.base_offset = -1;
    if (line.name == "uuid") stored.uuid = io::from_hex(line.field(0)).value_or(std::string());
    if (line.name == "cipher") cipher = line.field(0);
    if (line.name == "key") {
      stored.kek_id = line.field(0);
      stored.wrapped = io::from_hex(line.field(1)).value_or(std::string());
    }
    if (line.name == "older") {
      stored.older = {io::from_hex(line.field(0)).value_or(std::string()), std::string(line.field(1)),
                      io::from_hex(line.field(2)).value_or(std::string())};
    }
  }
  if (cipher != kCipher) return sidecar_damaged(path, "it names no cipher that is known here");
  if (stored.uuid.size() != kUuidBytes || stored.kek_id.empty() || stored.wrapped.empty()) {
    return sidecar_damaged(path, "it lacks the UUID or the key");
  }
  if (stored.older && stored.older->uuid.size() != kUuidBytes) {
    return sidecar_damaged(path, "the UUID of its older key is malformed");
  }
  if (stored.base_offset != segment.base_offset) {
    return sidecar_damaged(path, "it belongs to the segment at offset " + std::to_string(stored.base_offset));
  }
  return std::optional<StoredKey>(std::move(stored));
}

namespace {

Result<std::shared_ptr<const SegmentKey>> unwrapped(const std::shared_ptr<const KeyRing>& ring,
                                                    const SegmentName& segment, const WrappedKey& wrapped,
                                                    std::shared_ptr<const SegmentKey> older) {
  ASSERT(ring->has(wrapped.kek_id));
  auto dek = ring->unwrap(wrapped.kek_id, wrapped.wrapped, context_of(segment, wrapped.uuid));
  if (!dek || dek->size() != io::kAeadKeyBytes) {
    return sidecar_damaged(
        key_path(segment),
        "the key " + wrapped.kek_id + " does not open it: it was changed, or belongs to another segment");
  }
  auto key = std::make_shared<const SegmentKey>(ring, wrapped.uuid, *dek, std::move(older));
  io::wipe(*dek);
  return key;
}

}  // namespace

Result<std::shared_ptr<const SegmentKey>> open_stored_key(const std::shared_ptr<const KeyRing>& ring,
                                                          const SegmentName& segment, const StoredKey& stored) {
  ASSERT(stored.base_offset == segment.base_offset);
  if (ring == nullptr || !ring->has(stored.kek_id)) return key_needed(segment, stored, ring.get());
  std::shared_ptr<const SegmentKey> older;
  if (stored.older && ring->has(stored.older->kek_id)) {
    TRY_ASSIGN(older, unwrapped(ring, segment, *stored.older, nullptr));
  }
  return unwrapped(ring, segment, stored, std::move(older));
}

Result<std::shared_ptr<const SegmentKey>> read_segment_key(const io::FileSystem& fs,
                                                           const std::shared_ptr<const KeyRing>& ring,
                                                           const SegmentName& segment) {
  ASSERT(!segment.directory.empty());
  TRY_ASSIGN(const std::optional<StoredKey> stored, find_stored_key(fs, segment));
  if (!stored) return std::shared_ptr<const SegmentKey>();
  return open_stored_key(ring, segment, *stored);
}

namespace {

std::shared_ptr<const SegmentKey> random_key(const std::shared_ptr<const KeyRing>& ring,
                                             std::shared_ptr<const SegmentKey> older) {
  ASSERT(ring != nullptr);
  const std::string uuid = random_uuid(ring->random_source());
  const io::SecretKey dek(ring->random_source());
  return std::make_shared<const SegmentKey>(ring, uuid, dek.bytes(), std::move(older));
}

}  // namespace

Result<std::shared_ptr<const SegmentKey>> renew_segment_key(io::FileSystem& fs,
                                                            const std::shared_ptr<const KeyRing>& ring,
                                                            const SegmentName& segment) {
  ASSERT(segment.base_offset >= 0);
  const std::string path = key_path(segment);
  if (ring == nullptr || !ring->encrypts()) {
    // One that a failed attempt left behind would make what follows look as if its encryption had been taken away.
    if (!fs.info(path)) return std::shared_ptr<const SegmentKey>();
    TRY_ASSIGN(const std::unique_ptr<io::Folder> folder, fs.open_folder(segment.directory));
    TRY(fs.remove(path));
    TRY(folder->sync());
    return std::shared_ptr<const SegmentKey>();
  }
  std::shared_ptr<const SegmentKey> key = random_key(ring, nullptr);
  TRY(io::write_file_atomically(fs, path, key_text(*ring, segment, *key)));
  return key;
}

Result<std::shared_ptr<const SegmentKey>> add_compacted_key(io::FileSystem& fs,
                                                            const std::shared_ptr<const KeyRing>& ring,
                                                            const SegmentName& segment,
                                                            const SegmentKey& current) {
  ASSERT_WHY(ring != nullptr, "who could read the segment has the ring");
  // Without what `current` itself took the place of.
  auto older = std::make_shared<const SegmentKey>(ring, current.uuid(), current.data_key());
  std::shared_ptr<const SegmentKey> key = random_key(ring, std::move(older));
  TRY(io::write_file_atomically(fs, key_path(segment), key_text(*ring, segment, *key)));
  return key;
}

Status rewrap_segment_key(io::FileSystem& fs, const std::shared_ptr<const KeyRing>& ring, const SegmentName& from,
                          const SegmentName& to) {
  TRY_ASSIGN(const std::optional<StoredKey> stored, find_stored_key(fs, from));
  if (!stored) return {};
  ASSERT(stored->base_offset == from.base_offset);
  TRY_ASSIGN(const auto key, open_stored_key(ring, from, *stored));
  return io::write_file_atomically(fs, key_path(to), key_text(*ring, to, *key));
}

Status remove_segment(io::FileSystem& fs, const std::string& directory, io::Folder& folder, int64_t base_offset) {
  ASSERT(base_offset >= 0);
  Status removed = fs.remove(segment_path(directory, base_offset, "log"));
  if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  TRY(folder.sync());
  const std::string path = segment_path(directory, base_offset, "key");
  return fs.info(path) ? fs.remove(path) : Status();
}

Status remove_segment(io::FileSystem& fs, const std::string& directory, int64_t base_offset) {
  TRY_ASSIGN(const std::unique_ptr<io::Folder> folder, fs.open_folder(directory));
  ASSERT(folder != nullptr);
  return remove_segment(fs, directory, *folder, base_offset);
}

Result<std::set<int64_t>> list_key_files(const io::FileSystem& fs, const std::string& directory) {
  ASSERT(!directory.empty());
  TRY_ASSIGN(const std::vector<int64_t> bases, list_segment_files(fs, directory, "key"));
  return std::set<int64_t>(bases.begin(), bases.end());
}

}  // namespace colloquium::log
