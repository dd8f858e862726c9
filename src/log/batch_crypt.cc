#include "log/batch_crypt.h"

#include <cstring>

#include "base/assert.h"
#include "io/checksum.h"

namespace colloquium::log {
namespace {

constexpr size_t kCrcAt = kCrcBegin - 4;

io::AeadNonce nonce_of(const BatchHeader& header) {
  std::string bytes;
  append_be32(bytes, static_cast<uint32_t>(header.epoch));
  append_be64(bytes, static_cast<uint64_t>(header.base_offset));
  io::AeadNonce nonce;
  ASSERT(bytes.size() == nonce.size());
  std::memcpy(nonce.data(), bytes.data(), nonce.size());
  return nonce;
}

// The CRC is left out: it is of the ciphertext, and so comes after it.
std::string associated_with(const std::string& uuid, std::string_view header) {
  ASSERT(header.size() == kHeaderBytes);
  std::string bytes = uuid;
  bytes += header.substr(0, kCrcAt);
  bytes += header.substr(kCrcBegin);
  return bytes;
}

}  // namespace

BatchSealer::BatchSealer(std::shared_ptr<const SegmentKey> key) : key_(std::move(key)), aead_(key_->aead()) {
  ASSERT(aead_ != nullptr);
}

HeaderBytes BatchSealer::seal(BatchHeader header, std::string& records) {
  ASSERT(!header.is_control() && !header.is_encrypted() && header.epoch >= 0);
  const auto codec = static_cast<uint16_t>(header.codec());
  header.attributes =
      static_cast<uint16_t>((header.attributes & ~kCodecMask) | kEncryptedCodec | (codec << kInnerCodecShift));
  const HeaderBytes unsummed = put_header(header, records.size() + io::kAeadTagBytes, 0);
  aead_->seal(nonce_of(header), associated_with(key_->uuid(), {unsummed.data(), unsummed.size()}), records);
  return put_header(header, records.size(), io::crc32c(records));
}

void BatchOpener::enter(std::shared_ptr<const SegmentKey> key) {
  key_ = std::move(key);
  aead_ = key_ == nullptr ? nullptr : key_->aead();
  older_ = key_ == nullptr || key_->older() == nullptr ? nullptr : key_->older()->aead();
  used_ = nullptr;
  ASSERT((key_ == nullptr) == (aead_ == nullptr));
}

bool BatchOpener::open_with(const std::shared_ptr<const SegmentKey>& key, io::Aead& aead,
                            const BatchCursor::Item& item) {
  ASSERT(key != nullptr);
  const std::string associated = associated_with(key->uuid(), item.bytes.substr(0, kHeaderBytes));
  if (!aead.open(nonce_of(item.header), associated, item.records(), plain_)) return false;
  used_ = key;
  return true;
}

Result<std::string_view> BatchOpener::open(const BatchCursor::Item& item) {
  ASSERT(!item.header.is_control() && item.bytes.size() >= kHeaderBytes);
  if (aead_ == nullptr && !item.header.is_encrypted()) return item.records();
  if (aead_ == nullptr) {
    return fail(ErrorCode::kCorrupt,
                "the batch is encrypted, and the segment's key file is missing; restore it from a backup");
  }
  if (!item.header.is_encrypted()) {
    return fail(ErrorCode::kCorrupt, "the batch is in the clear although its segment is encrypted");
  }
  if (open_with(key_, *aead_, item)) return std::string_view(plain_);
  if (older_ != nullptr && open_with(key_->older(), *older_, item)) return std::string_view(plain_);
  return fail(ErrorCode::kCorrupt,
              "the batch's checksum holds, but it can't be decrypted: it was changed, or was written elsewhere");
}

}  // namespace colloquium::log
