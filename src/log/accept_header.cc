#include "log/accept_header.h"

#include "base/assert.h"
#include "log/record_batch.h"

namespace colloquium::log {
namespace {
constexpr char kVersion = 1;
// The same with a byte behind the version: what the ids are.
constexpr char kVersionWithKind = 2;
constexpr size_t kHashBytes = 16;
}  // namespace

std::string put_accept(const AcceptInfo& info) {
  std::string bytes;
  bytes.reserve(16 + info.source.size() + info.cursor.size() + info.id_hashes.size() * kHashBytes);
  if (info.ids == AcceptInfo::Ids::kHashes) {
    bytes += kVersion;
  } else {
    bytes += kVersionWithKind;
    bytes += static_cast<char>(info.ids);
  }
  append_varint(bytes, static_cast<int64_t>(info.source.size()));
  bytes += info.source;
  append_varint(bytes, static_cast<int64_t>(info.cursor.size()));
  bytes += info.cursor;
  append_varint(bytes, static_cast<int64_t>(info.id_hashes.size()));
  for (const auto& [low, high] : info.id_hashes) {
    append_be64(bytes, low);
    append_be64(bytes, high);
  }
  ASSERT(bytes.size() > 3);
  return bytes;
}

std::optional<AcceptInfo> get_accept(std::string_view bytes) {
  ByteReader reader(bytes);
  AcceptInfo info;
  const auto version = static_cast<char>(reader.byte());
  if (version == kVersionWithKind) {
    const uint8_t kind = static_cast<uint8_t>(reader.byte());
    if (kind > static_cast<uint8_t>(AcceptInfo::Ids::kSequences)) return std::nullopt;
    info.ids = static_cast<AcceptInfo::Ids>(kind);
  } else if (version != kVersion) {
    return std::nullopt;
  }
  info.source = reader.take(reader.varint());
  info.cursor = reader.take(reader.varint());
  const int64_t count = reader.varint();
  if (!reader.ok() || count < 0 || static_cast<uint64_t>(count) > bytes.size() / kHashBytes) return std::nullopt;
  info.id_hashes.resize(static_cast<size_t>(count));
  for (auto& [low, high] : info.id_hashes) {
    low = reader.be64();
    high = reader.be64();
  }
  if (!reader.ok() || !reader.at_end()) return std::nullopt;
  return info;
}

std::string put_source(std::string_view source) {
  ASSERT(!source.empty());
  return std::string(1, kVersion).append(source);
}

std::optional<std::string_view> get_source(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != kVersion) return std::nullopt;
  return bytes.substr(1);
}

}  // namespace colloquium::log
