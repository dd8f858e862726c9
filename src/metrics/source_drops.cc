#include "metrics/source_drops.h"

namespace colloquium::metrics {

namespace {

Registration add(const ComponentContext& context, const std::string& kind, const char* reason, const Counter& count) {
  auto* const registry = context.services.find<Registry>();
  if (registry == nullptr) return {};
  return registry->counter(
      {"colloquium_source_dropped_total",
       "Events a source has read and dropped: the pipeline took no more (overflow), or was stopped."},
      {.pipeline = context.pipeline, .component = context.name, .kind = kind, .reason = reason}, count);
}

}  // namespace

Registration register_drops(const ComponentContext& context, const std::string& kind, const DoorQueue& queue) {
  if (!queue.drops()) return {};
  const bool drops_new = queue.overflow() == OverflowPolicy::kDropNew;
  return add(context, kind, drops_new ? "drop_new" : "drop_old", queue.dropped());
}

Registration register_left(const ComponentContext& context, const std::string& kind, const DoorQueue& queue) {
  return add(context, kind, "stop", queue.left());
}

}  // namespace colloquium::metrics
