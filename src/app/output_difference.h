// OutputDifference: how what two versions of a pipeline make of the same events differs.
//
// Fed batch by batch with the outputs of both, it keeps counts and the first few differences, so a stream of any
// length costs no more memory than its largest batch. Events are told apart by their place in the stream and their
// ordinal there; values are compared as JSON values. An event that one of them would ask a model about, whose
// answer nobody knows, is not compared, and neither is anything that came of it.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"

#include "engine/dry_run.h"

namespace colloquium::app {

class OutputDifference {
 public:
  // The sinks' names of both versions, as their outcomes have them. `shown`: how many differences are kept.
  OutputDifference(std::vector<std::string> old_sinks, std::vector<std::string> new_sinks, size_t shown);

  // What both made of `input`.
  void add(const Batch& input, const engine::DryRun::Outcome& old_outcome,
           const engine::DryRun::Outcome& new_outcome);

  struct Counts {
    std::string sink;
    bool in_old = true, in_new = true;  // whether the version has the sink
    uint64_t equal = 0, changed = 0, only_old = 0, only_new = 0;
    uint64_t differences() const { return changed + only_old + only_new; }
  };
  const std::vector<Counts>& sinks() const { return sinks_; }
  const Counts& dead_letters() const { return dead_; }
  // Events that were not compared.
  uint64_t open() const { return open_; }
  // A sink that only one version has is a difference, whether it gets an event or not. Nor are they equal while
  // some event is open.
  bool equal() const;
  uint64_t total() const;

  // JSON texts; an empty one: the version has no such event.
  struct Difference {
    std::string id;
    std::string sink;  // empty: dead letters
    std::string old_value, new_value;
  };
  const std::vector<Difference>& shown() const { return shown_; }

 private:
  void compare_sink(Counts& counts, const Batch& old_batch, const Batch& new_batch);
  void compare_dead(const Batch& old_dead, const Batch& new_dead, const std::set<std::string>& open);
  void note(Counts& counts, const std::string& id, std::string_view old_value, std::string_view new_value);

  const std::vector<std::string> old_sinks_, new_sinks_;
  const size_t shown_max_;
  std::vector<Counts> sinks_;
  Counts dead_;
  std::vector<Difference> shown_;
  uint64_t open_ = 0;
};

}  // namespace colloquium::app
