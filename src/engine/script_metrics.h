// PipelineMetrics: the metrics that a pipeline declares, as its scripts change them and scrapes read them.
//
// Changes count when an evaluation has succeeded, not when its results are committed: what is read again after a
// failure counts again. A metric keeps at most `max_series` combinations of label values apart; what comes beyond
// them counts under the value "other" of every label, so a script can't fill the memory with series.
//
// Thread safety: every method on any thread; a metric's series are under its own lock, which is held for a few
// instructions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "colloquium/result.h"
#include "colloquium/script_host.h"

#include "config/pipeline_config.h"
#include "metrics/registry.h"

namespace colloquium::engine {

// What scripts may name, before there is a run.
std::vector<ScriptMetric> declared_metrics(const config::PipelineConfig& config);

class PipelineMetrics final : public ScriptMetrics {
 public:
  // `registry` may be null: then nobody reads them. Fails if another pipeline has a metric of the name and another
  // type.
  static Result<std::shared_ptr<ScriptMetrics>> create(const config::PipelineConfig& config,
                                                       metrics::Registry* registry);
  ~PipelineMetrics() override;

  const std::vector<ScriptMetric>& declared() const override { return declared_; }
  Status apply(std::string_view name, double number, std::string_view labels) override;

 private:
  class Family;

  explicit PipelineMetrics(const config::PipelineConfig& config);

  std::vector<ScriptMetric> declared_;
  std::vector<std::unique_ptr<Family>> families_;  // as declared_
  // Last, so that nobody reads a family that is gone.
  std::vector<metrics::Registration> registrations_;
};

}  // namespace colloquium::engine
