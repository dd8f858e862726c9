#include "metrics/source_drops.h"

namespace colloquium::metrics {

Registration register_drops(const ComponentContext& context, const std::string& kind, const DoorQueue& queue) {
  auto* const registry = context.services.find<Registry>();
  if (registry == nullptr || !queue.drops()) return {};
  return registry->counter(
      {"colloquium_source_dropped_total", "Events a source dropped because the pipeline took no more (overflow)."},
      {.pipeline = context.pipeline,
       .component = context.name,
       .kind = kind,
       .reason = queue.overflow() == OverflowPolicy::kDropNew ? "drop_new" : "drop_old"},
      queue.dropped());
}

}  // namespace colloquium::metrics
