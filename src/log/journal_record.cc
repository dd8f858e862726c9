#include "log/journal_record.h"

#include <limits>

#include "base/assert.h"
#include "log/record_batch.h"

namespace colloquium::log {
namespace {

constexpr char kVersion = 1;
constexpr uint8_t kHasToken = 1;
constexpr uint8_t kForgets = 2;

void put_text(std::string& out, std::string_view text) {
  ASSERT(text.size() <= kMaxRecordsBytes);
  append_varint(out, static_cast<int64_t>(text.size()));
  out += text;
}

std::string get_text(ByteReader& reader) {
  return std::string(reader.take(reader.varint()));
}

void put_state(std::string& out, const LegState& state, uint8_t flags) {
  out += static_cast<char>(flags);
  append_varint(out, static_cast<int64_t>(state.positions.size()));
  for (const auto& position : state.positions) {
    ASSERT(position.next_offset >= 0);
    put_text(out, position.stream);
    append_varint(out, position.partition);
    append_varint(out, position.next_offset);
  }
  append_varint(out, static_cast<int64_t>(state.external.size()));
  for (const auto& position : state.external) {
    put_text(out, position.source);
    append_varint(out, position.next_offset);
    put_text(out, position.cursor);
  }
  if ((flags & kHasToken) != 0) put_text(out, state.sink_token);
}

// True while another of `count` items is to be read; bounds a forged count by the bytes there are.
bool more(const ByteReader& reader, int64_t i, int64_t count) {
  return reader.ok() && i < count;
}

// What this program never wrote, whatever the checksum says: `sane` is set to false.
int32_t get_partition(ByteReader& reader, bool& sane) {
  const int64_t partition = reader.varint();
  sane = sane && partition >= 0 && partition <= std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(partition);
}
int64_t get_offset(ByteReader& reader, bool& sane) {
  const int64_t offset = reader.varint();
  sane = sane && offset >= 0;
  return offset;
}

LegState get_state(ByteReader& reader, uint8_t& flags, bool& sane) {
  LegState state;
  flags = static_cast<uint8_t>(reader.byte());
  const int64_t streams = reader.varint();
  for (int64_t i = 0; more(reader, i, streams); ++i) {
    std::string stream = get_text(reader);
    const int32_t partition = get_partition(reader, sane);
    state.positions.push_back({std::move(stream), partition, get_offset(reader, sane)});
  }
  const int64_t externals = reader.varint();
  for (int64_t i = 0; more(reader, i, externals); ++i) {
    std::string source = get_text(reader);
    const int64_t next = reader.varint();
    state.external.push_back({std::move(source), next, get_text(reader)});
  }
  if ((flags & kHasToken) != 0) state.sink_token = get_text(reader);
  return state;
}

}  // namespace

std::string put_commit(const CommitRecord& commit) {
  ASSERT(!commit.has_token || commit.state.sink_token.size() <= kMaxRecordsBytes);
  ASSERT(!commit.leg.empty());
  std::string out(1, kVersion);
  put_text(out, commit.leg);
  put_state(out, commit.state, (commit.has_token ? kHasToken : 0) | (commit.forgets ? kForgets : 0));
  append_varint(out, static_cast<int64_t>(commit.outputs.size()));
  for (const OutputRef& output : commit.outputs) {
    put_text(out, output.stream);
    append_varint(out, output.partition);
    append_varint(out, output.base_offset);
    append_varint(out, output.last_offset);
    append_be32(out, output.crc);
  }
  return out;
}

std::optional<CommitRecord> get_commit(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.byte() != kVersion) return std::nullopt;
  CommitRecord commit;
  commit.leg = get_text(reader);
  uint8_t flags = 0;
  bool sane = true;
  commit.state = get_state(reader, flags, sane);
  commit.has_token = (flags & kHasToken) != 0;
  commit.forgets = (flags & kForgets) != 0;
  const int64_t outputs = reader.varint();
  for (int64_t i = 0; more(reader, i, outputs); ++i) {
    OutputRef output;
    output.stream = get_text(reader);
    output.partition = get_partition(reader, sane);
    output.base_offset = get_offset(reader, sane);
    output.last_offset = get_offset(reader, sane);
    sane = sane && output.last_offset >= output.base_offset;
    output.crc = reader.be32();
    commit.outputs.push_back(std::move(output));
  }
  if (!reader.ok() || !reader.at_end() || !sane || commit.leg.empty()) return std::nullopt;
  return commit;
}

std::string put_checkpoint(const Checkpoint& checkpoint) {
  std::string out(1, kVersion);
  append_varint(out, static_cast<int64_t>(checkpoint.legs.size()));
  for (const auto& [leg, state] : checkpoint.legs) {
    ASSERT(!leg.empty());
    put_text(out, leg);
    put_state(out, state, kHasToken);
  }
  append_varint(out, static_cast<int64_t>(checkpoint.committed_ends.size()));
  for (const auto& [place, end] : checkpoint.committed_ends) {
    put_text(out, place.first);
    append_varint(out, place.second);
    append_varint(out, end);
  }
  return out;
}

std::optional<Checkpoint> get_checkpoint(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.byte() != kVersion) return std::nullopt;
  Checkpoint checkpoint;
  bool sane = true;
  const int64_t legs = reader.varint();
  for (int64_t i = 0; more(reader, i, legs); ++i) {
    std::string leg = get_text(reader);
    uint8_t flags = 0;
    checkpoint.legs[std::move(leg)] = get_state(reader, flags, sane);
  }
  const int64_t ends = reader.varint();
  for (int64_t i = 0; more(reader, i, ends); ++i) {
    std::string stream = get_text(reader);
    const int32_t partition = get_partition(reader, sane);
    checkpoint.committed_ends[{std::move(stream), partition}] = get_offset(reader, sane);
  }
  if (!reader.ok() || !reader.at_end() || !sane || checkpoint.legs.contains("")) return std::nullopt;
  return checkpoint;
}

}  // namespace colloquium::log
