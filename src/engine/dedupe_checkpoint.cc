#include "engine/dedupe_checkpoint.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/assert.h"

namespace colloquium::engine {

namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeadBytes = 2 + sizeof(uint32_t);
constexpr size_t kEntryBytes = 24;
constexpr size_t kEntriesAtOnce = 4096;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are");

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T get(std::string_view bytes, size_t at) {
  ASSERT(at + sizeof(T) <= bytes.size());
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Entry by entry as they are stored, a good many at a time.
void restore_ids(std::string_view bytes, DedupeTable& table) {
  static_assert(sizeof(DedupeTable::Known) == kEntryBytes && std::is_trivially_copyable_v<DedupeTable::Known>);
  ASSERT(bytes.size() % kEntryBytes == 0);
  const bool distinct = table.size() == 0;
  table.expect(bytes.size() / kEntryBytes);
  std::vector<DedupeTable::Known> some(std::min(bytes.size() / kEntryBytes, kEntriesAtOnce));
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size() / kEntryBytes, kEntriesAtOnce);
    std::memcpy(some.data(), bytes.data(), count * kEntryBytes);
    table.restore(std::span(some).first(count), distinct);
    bytes.remove_prefix(count * kEntryBytes);
  }
}

}  // namespace

std::string encode_checkpoint(const DedupeTable& table, log::AcceptInfo::Ids kind,
                              const std::vector<int64_t>& ends) {
  std::string out;
  out.reserve(kHeadBytes + ends.size() * sizeof(int64_t) + table.size() * kEntryBytes);
  put(out, kVersion);
  put(out, static_cast<uint8_t>(kind));
  put(out, static_cast<uint32_t>(ends.size()));
  for (const int64_t end : ends) put(out, end);
  table.visit_durable([&](const IdHash& id, int64_t append_time_ms) {
    put(out, id[0]);
    put(out, id[1]);
    put(out, append_time_ms);
  });
  return out;
}

std::optional<std::vector<int64_t>> restore_checkpoint(std::string_view bytes, log::AcceptInfo::Ids kind,
                                                       const std::vector<int64_t>& stream_ends,
                                                       DedupeTable& table) {
  if (bytes.size() < kHeadBytes || get<uint8_t>(bytes, 0) != kVersion) return std::nullopt;
  if (get<uint8_t>(bytes, 1) != static_cast<uint8_t>(kind)) return std::nullopt;
  const size_t partitions = get<uint32_t>(bytes, 2);
  const size_t begin = kHeadBytes + partitions * sizeof(int64_t);
  if (partitions != stream_ends.size() || bytes.size() < begin || (bytes.size() - begin) % kEntryBytes != 0) {
    return std::nullopt;
  }
  std::vector<int64_t> ends;
  for (size_t p = 0; p < partitions; ++p) {
    ends.push_back(get<int64_t>(bytes, kHeadBytes + p * sizeof(int64_t)));
    // Its ids would keep out events that are not there any more.
    if (ends[p] > stream_ends[p]) return std::nullopt;
  }
  restore_ids(bytes.substr(begin), table);
  return ends;
}

}  // namespace colloquium::engine
