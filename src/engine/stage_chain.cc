#include "engine/stage_chain.h"

#include <algorithm>

#include "colloquium/clock.h"

#include "base/assert.h"
#include "base/counters.h"
#include "engine/dead_letter.h"
#include "engine/dead_letter_tally.h"

namespace colloquium::engine {

namespace {

// Index in `entered` of the event that `offset_delta` names. Offsets rise within a batch.
size_t index_of(const Batch& entered, uint32_t offset_delta) {
  const auto entries = entered.entries();
  const auto it =
      std::lower_bound(entries.begin(), entries.end(), offset_delta,
                       [](const BatchEntry& entry, uint32_t delta) { return entry.offset_delta < delta; });
  ASSERT_WHY(it != entries.end() && it->offset_delta == offset_delta, "a stage gave an event another place");
  return static_cast<size_t>(it - entries.begin());
}

}  // namespace

StageChain::StageChain(std::vector<Link> links, bool tape_wanted_after, const Clock& clock)
    : links_(std::move(links)), clock_(&clock), output_(std::make_unique<BatchBuilder>()) {
  // From the end: a stage writes a tape only if somebody behind it reads one.
  bool wanted = tape_wanted_after;
  for (auto link = links_.rbegin(); link != links_.rend(); ++link) {
    link->stage->set_output_tape(wanted);
    wanted = wanted || link->stage->needs_tape();
  }
}

std::shared_ptr<const Batch> StageChain::run(std::shared_ptr<const Batch> input, BatchBuilder* dead) {
  std::shared_ptr<const Batch> current = input;
  for (Link& link : links_) {
    // What nothing is left of costs no further stage; its position still goes on.
    if (current->empty()) break;
    current = run_link(link, current, *input, dead);
    if (stopped_) return current;
  }
  // Two stages that each emit several would give the same ordinals again.
  return links_.size() > 1 ? current->renumbered() : current;
}

std::shared_ptr<const Batch> StageChain::run_link(Link& link, const std::shared_ptr<const Batch>& input,
                                                  const Batch& entered, BatchBuilder* dead) {
  failed_.clear();
  const int64_t started_ns = clock_->monotonic_ns();
  link.stage->run(*input, *output_, failed_);
  std::shared_ptr<const Batch> result = output_->seal(input->shared_origin(), input->base_offset());
  const int64_t ended_ns = clock_->monotonic_ns();
  // Where it stops the pipeline every run has to see it, or the legs of this one would go on without the event.
  if (dead != nullptr || link.then == config::FailureAction::kStop) give_up(link, *input, entered, dead);
  if (link.counters != nullptr) {
    link.counters->duration.observe_ns(ended_ns - started_ns);
    link.counters->events_in.add(input->size());
    link.counters->events_out.add(result->size());
    link.counters->bytes_in.add(input->payload_bytes());
    link.counters->bytes_out.add(result->payload_bytes());
    for (const FailedEvent& failure : failed_) link.counters->errors.add(failure.error.code);
  }
  return result;
}

void StageChain::give_up(const Link& link, const Batch& input, const Batch& entered, BatchBuilder* dead) {
  for (const FailedEvent& failure : failed_) {
    // By its place, which a stage must keep, as indices do not survive a filter.
    const size_t original = index_of(entered, input.entry(failure.index).offset_delta);
    if (link.then == config::FailureAction::kDrop) continue;
    if (link.then == config::FailureAction::kStop) {
      stopped_ = Error{failure.error.code,
                       "event " + entered.id(original) + " failed in stage '" + link.name +
                           "', and errors.then is stop: " + failure.error.message,
                       false, failure.error.context};
      return;
    }
    add_dead_letter(entered, original, failure.error, link.name, "", 1, *dead, link.to);
    if (link.letters != nullptr) link.letters->add(failure.error, [&] { return entered.id(original); }, link.to);
  }
}

}  // namespace colloquium::engine
