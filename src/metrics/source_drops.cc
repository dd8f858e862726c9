#include "metrics/source_drops.h"

namespace colloquium::metrics {

std::vector<Registration> register_drops(const ComponentContext& context, const std::string& kind,
                                         const DoorQueue& queue) {
  std::vector<Registration> held;
  auto* const registry = context.services.find<Registry>();
  if (registry == nullptr) return held;
  const auto add = [&](const char* reason, const Counter& count) {
    held.push_back(registry->counter(
        {"colloquium_source_dropped_total",
         "Events a source has read and dropped: the pipeline took no more (overflow), or was stopped."},
        {.pipeline = context.pipeline, .component = context.name, .kind = kind, .reason = reason}, count));
  };
  if (queue.drops()) add(queue.overflow() == OverflowPolicy::kDropNew ? "drop_new" : "drop_old", queue.dropped());
  add("stop", queue.left());
  return held;
}

}  // namespace colloquium::metrics
