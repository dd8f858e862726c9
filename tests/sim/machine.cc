#include "tests/sim/machine.h"

#include <algorithm>

#include "tests/sim/table.h"

namespace colloquium::sim {

Shape::Shape(uint64_t seed) {
  SeededRandom random(seed * 3 + 1);
  options.directory = "data";
  options.segment_bytes = 300 + random.below(2500);
  options.journal_segment_bytes = 200 + random.below(1500);
  options.group_bytes = random.below(3) == 0 ? 300 + random.below(2000) : size_t{1} << 20;
  options.queue_bytes_max = random.below(6) == 0 ? 500 + random.below(3000) : size_t{1} << 20;
  options.memory_bytes = 1 + random.below(3000);
  options.memory_bytes_total = size_t{1} << 20;
  options.reserve_bytes = random.below(4) == 0 ? random.below(2000) : 0;
  options.reserve_fraction = 0;
  options.idle_mark_ms = 1000;
  options.retention_interval_ms = 0;
  options.compaction_memory_bytes = random.below(2000);
  options.sync_helpers = 1 + random.below(4);
  partitions = {1 + static_cast<int>(random.below(3)), 1 + static_cast<int>(random.below(2)), 1};
  encrypted = random.below(4) == 0;
}

Machine::Machine(const Shape& shape_in, uint64_t seed)
    : shape(shape_in), executor(seed, clock), random(seed + 17), chance(seed + 23), streams(kStreams.size(), -1) {
  disk.set_who([this] { return executor.running(); });
}

Machine::Machine(const Machine& other, uint64_t seed)
    : shape(other.shape),
      executor(seed, clock),
      random(seed + 17),
      chance(seed + 23),
      disk(other.disk),
      nonces(other.nonces),
      streams(kStreams.size(), -1) {
  clock.advance_ns(other.clock.monotonic_ns());
  disk.set_who([this] { return executor.running(); });
}

Machine::~Machine() {
  drop_log();
}

Status Machine::open(bool late) {
  log::LogOptions options = shape.options;
  options.files = &disk.files();
  options.executor = &executor;
  options.clock = &clock;
  options.random = &random;
  // Either of two keys may be the one that wraps: it is changed now and then.
  if (shape.encrypted) options.keys = nonces.ring(random.below(4) == 0 ? "lk" : "kl", random);
  options.on_failure = [this](const Error& error) { failure = error; };
  failure.reset();
  std::fill(streams.begin(), streams.end(), -1);
  TRY_ASSIGN(log, log::SegmentLog::open(std::move(options)));
  for (size_t i = 0; i < streams.size(); ++i) {
    if (i == 2 && !late) continue;
    TRY_ASSIGN(streams[i], log->open_stream({kStreams[i], partitions_of(i)}));
  }
  TRY_ASSIGN(table, log->open_stream({Table::kName, 1, std::nullopt, Table::compaction()}));
  return {};
}

Status Machine::open_late() {
  TRY_ASSIGN(streams[2], log->open_stream({kStreams[2], partitions_of(2)}));
  return {};
}

std::string Machine::misdeed() const {
  return nonces.reused() ? "a key and a nonce served for two texts" : disk.problem();
}

void Machine::drop_log() {
  if (log != nullptr) compacted_segments += log->stats().compacted_segments;
  log.reset();
  settle();
}

void Machine::end(End how) {
  disk.halt();
  drop_log();
  if (how == End::kKilled) {
    disk.kill();
  } else {
    disk.crash(how == End::kSomeSectors ? &chance : nullptr);
  }
}

}  // namespace colloquium::sim
