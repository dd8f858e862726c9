// The key of an encrypted segment, and its file `<base>.key` (docs/internals/log-format.md, "Encryption").
//
// Every encrypted segment has a data key (DEK) of its own, made at random and wrapped by a key of the KeyRing. Its
// file is on the disk before the segment is, so a segment without one is in the clear. The wrapped key is bound to
// the segment's partition, first offset and UUID: the file of another segment does not open.
//
// One process uses a data key for writing: a start begins new segments. So a copy of a data directory that is put
// back and written again can't use a nonce a second time.
//
// Thread safety: a SegmentKey is immutable; the rest are functions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "colloquium/result.h"

#include "io/aead.h"
#include "io/file_system.h"
#include "log/key_ring.h"

namespace colloquium::log {

// Which segment a key is for.
struct SegmentName {
  std::string directory;  // of the partition
  std::string partition;  // as the key is bound to it: key_place()
  int64_t base_offset = 0;
};

// What a partition is called where keys are bound to it: with the tag that no other stream of its name has.
std::string key_place(const std::string& stream, const std::string& tag, int32_t number);

class SegmentKey {
 public:
  SegmentKey(std::shared_ptr<const KeyRing> ring, std::string uuid, std::string_view dek,
             std::shared_ptr<const SegmentKey> older = nullptr)
      : ring_(std::move(ring)), uuid_(std::move(uuid)), dek_(dek), older_(std::move(older)) {}
  const std::string& uuid() const { return uuid_; }  // 16 bytes
  std::unique_ptr<io::Aead> aead() const { return ring_->make_aead(dek_); }
  // What the segment was encrypted with before it was compacted, and is still if that was not finished; or null.
  const std::shared_ptr<const SegmentKey>& older() const { return older_; }
  // To be wrapped. Never to be printed or logged.
  std::string_view data_key() const { return dek_.bytes(); }

 private:
  const std::shared_ptr<const KeyRing> ring_;  // knows what makes an Aead
  const std::string uuid_;
  const io::SecretKey dek_;
  const std::shared_ptr<const SegmentKey> older_;
};

// What a key file says, without any key.
struct WrappedKey {
  std::string uuid;     // 16 bytes
  std::string kek_id;   // of the key that wrapped
  std::string wrapped;  // nonce, wrapped DEK, tag
};
struct StoredKey : WrappedKey {
  int64_t base_offset = -1;
  std::optional<WrappedKey> older;
};

// Nothing if the segment has no key file: it is in the clear. kCorrupt if the file is damaged, or another's.
Result<std::optional<StoredKey>> find_stored_key(const io::FileSystem& fs, const SegmentName& segment);

// kInvalidConfig, saying which key is missing, if the ring (which may be null) can't open it; kCorrupt if the key
// it names does not: the file is damaged or another segment's.
Result<std::shared_ptr<const SegmentKey>> open_stored_key(const std::shared_ptr<const KeyRing>& ring,
                                                          const SegmentName& segment, const StoredKey& stored);

// Both at once; null for a segment in the clear.
Result<std::shared_ptr<const SegmentKey>> read_segment_key(const io::FileSystem& fs,
                                                           const std::shared_ptr<const KeyRing>& ring,
                                                           const SegmentName& segment);

// Before a segment is made (or written by another process than made it): a new key in its file, synced; or, where
// the ring is null or does not encrypt, no key and no file. REQUIRES: the segment holds no batch.
Result<std::shared_ptr<const SegmentKey>> renew_segment_key(io::FileSystem& fs,
                                                            const std::shared_ptr<const KeyRing>& ring,
                                                            const SegmentName& segment);

// Before a segment is compacted: a new key beside the one in use, `current`, because the same offsets get other
// bytes. Which of the two a batch needs is told by trying: the file is replaced before the segment is, and a
// reader may have the old one open for as long as it likes.
Result<std::shared_ptr<const SegmentKey>> add_compacted_key(io::FileSystem& fs,
                                                            const std::shared_ptr<const KeyRing>& ring,
                                                            const SegmentName& segment, const SegmentKey& current);

// The same key for a segment that is cut out of another one: what it holds stays as it is, so that nothing may
// ever be written to it again. No file is made if `from` has none.
Status rewrap_segment_key(io::FileSystem& fs, const std::shared_ptr<const KeyRing>& ring, const SegmentName& from,
                          const SegmentName& to);

// Removes a segment, then its key file: in this order on the disk, too, since a segment without its key is damage.
Status remove_segment(io::FileSystem& fs, const std::string& partition_directory, int64_t base_offset);
// With the folder open, it takes no descriptor.
Status remove_segment(io::FileSystem& fs, const std::string& partition_directory, io::Folder& folder,
                      int64_t base_offset);

// First offsets of the key files of a partition; of more segments than there are, if a crash left some behind.
Result<std::set<int64_t>> list_key_files(const io::FileSystem& fs, const std::string& partition_directory);

}  // namespace colloquium::log
