// ScriptHost: what a pipeline gives the scripts of its components beside the event.
//
// Variables are constant JSON, from `context:` of the pipeline's file and from the pipeline itself. Metrics are
// declared under `metrics:`; an evaluation gives its changes of them as effects, and whoever evaluates hands them
// on.
//
// Thread safety: ScriptNames is a value; ScriptMetrics may be used on any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

namespace colloquium {

enum class ScriptMetricKind { kCounter, kGauge, kHistogram };

struct ScriptMetric {
  std::string name;
  ScriptMetricKind kind = ScriptMetricKind::kCounter;
};

// What scripts may name; known before anything runs, so that a name that is none is told then.
struct ScriptNames {
  std::string base_dir;                // relative paths of scripts start here
  std::vector<std::string> variables;  // of `context`, beside those that every script has
  std::vector<ScriptMetric> metrics;
  // The names of its AI providers, whom a stage may ask; nothing: not known here.
  std::optional<std::vector<std::string>> providers = std::nullopt;
};

class ScriptMetrics {
 public:
  virtual ~ScriptMetrics() = default;

  virtual const std::vector<ScriptMetric>& declared() const = 0;

  // Adds `number` to a counter, sets a gauge to it, or lets a histogram observe it. `labels` is a JSON object of
  // scalars, or empty. Fails if a label is not declared, or a counter would fall. REQUIRES: a declared name.
  virtual Status apply(std::string_view name, double number, std::string_view labels) = 0;
};

}  // namespace colloquium
