#include "engine/dedupe_checkpoint.h"

#include <cstring>

#include "base/assert.h"

namespace colloquium::engine {

namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeadBytes = 2 + sizeof(uint32_t);
constexpr size_t kEntryBytes = 24;

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
  for (size_t at = begin; at < bytes.size(); at += kEntryBytes) {
    table.restore({get<uint64_t>(bytes, at), get<uint64_t>(bytes, at + 8)}, get<int64_t>(bytes, at + 16));
  }
  return ends;
}

}  // namespace colloquium::engine
