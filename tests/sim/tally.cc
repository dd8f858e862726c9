#include "tests/sim/tally.h"

#include <cstdio>
#include <set>

namespace colloquium::sim {
namespace {

void add_all(std::map<std::string, uint64_t>& to, const std::map<std::string, uint64_t>& from) {
  for (const auto& [name, count] : from) to[name] += count;
}

uint64_t count_of(const std::map<std::string, uint64_t>& counts, const std::string& name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

uint64_t total(const std::map<std::string, uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

void print_row(const char* name, uint64_t a, uint64_t b, uint64_t c) {
  std::printf("%-24s %12llu %12llu %12llu\n", name, static_cast<unsigned long long>(a),
              static_cast<unsigned long long>(b), static_cast<unsigned long long>(c));
}

}  // namespace

void Tally::add(const Tally& other) {
  seeds += other.seeds;
  idle_seeds += other.idle_seeds;
  media_seeds += other.media_seeds;
  encrypted_seeds += other.encrypted_seeds;
  states += other.states;
  acknowledged += other.acknowledged;
  promises_checked += other.promises_checked;
  compacted_segments += other.compacted_segments;
  add_all(crashes, other.crashes);
  add_all(recovery_crashes, other.recovery_crashes);
  add_all(faults, other.faults);
  add_all(media, other.media);
}

void Tally::print() const {
  std::printf("%-24s %12s %12s %12s\n", "before the operation", "crashes", "in recovery", "faults");
  std::set<std::string> names;
  for (const auto* counts : {&crashes, &recovery_crashes, &faults}) {
    for (const auto& [name, count] : *counts) names.insert(name);
  }
  for (const std::string& name : names) {
    print_row(name.c_str(), count_of(crashes, name), count_of(recovery_crashes, name), count_of(faults, name));
  }
  print_row("all", total(crashes), total(recovery_crashes), total(faults));
  for (const auto& [name, count] : media) {
    std::printf("media fault: %-40s %10llu\n", name.c_str(), static_cast<unsigned long long>(count));
  }
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "%llu seeds that acknowledged something (%llu of them with a media fault, %llu encrypted), %llu idle ones "
      "not "
      "counted\n",
      number(seeds), number(media_seeds), number(encrypted_seeds), number(idle_seeds));
  std::printf(
      "%llu states, %llu events and commits acknowledged, %llu promises looked for, %llu segments compacted\n",
      number(states), number(acknowledged), number(promises_checked), number(compacted_segments));
}

}  // namespace colloquium::sim
