#include "engine/script_metrics.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "json/canonical.h"
#include "json/walk.h"

namespace colloquium::engine {

namespace {

constexpr std::string_view kPrefix = "colloquium_script_";
constexpr std::string_view kCounterEnding = "_total";
constexpr const char* kOther = "other";
constexpr size_t kMostValueBytes = 128;
// Spellings of labels that are remembered for each series kept apart: scripts write them in the same way again and
// again.
constexpr size_t kSpellingsPerSeries = 4;

ScriptMetricKind kind_of(config::MetricType type) {
  switch (type) {
    case config::MetricType::kCounter:
      return ScriptMetricKind::kCounter;
    case config::MetricType::kGauge:
      return ScriptMetricKind::kGauge;
    case config::MetricType::kHistogram:
      return ScriptMetricKind::kHistogram;
  }
  return ScriptMetricKind::kCounter;
}

metrics::DeclaredType type_of(config::MetricType type) {
  switch (type) {
    case config::MetricType::kCounter:
      return metrics::DeclaredType::kCounter;
    case config::MetricType::kGauge:
      return metrics::DeclaredType::kGauge;
    case config::MetricType::kHistogram:
      return metrics::DeclaredType::kHistogram;
  }
  return metrics::DeclaredType::kCounter;
}

std::string exported_name(const config::MetricConfig& metric) {
  std::string name = std::string(kPrefix) + metric.name;
  const bool counter = metric.type == config::MetricType::kCounter;
  if (counter && !name.ends_with(kCounterEnding)) name += kCounterEnding;
  return name;
}

// A label's value as text; of a longer one the beginning.
std::string label_text(const json::ValueView& value) {
  std::string text;
  if (value.type() == TokenType::kString) {
    std::string scratch;
    text = value.string(scratch);
  } else {
    json::write_canonical(value, text);
  }
  size_t end = std::min(text.size(), kMostValueBytes);
  while (end < text.size() && end > 0 && (text[end] & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

class PipelineMetrics::Family {
 public:
  Family(config::MetricConfig config, std::string pipeline)
      : config_(std::move(config)), pipeline_(std::move(pipeline)) {}

  const config::MetricConfig& config() const { return config_; }

  Status apply(double number, std::string_view labels) {
    if (config_.type == config::MetricType::kCounter && number < 0) {
      return fail(ErrorCode::kInvalidInput, "the counter '" + config_.name + "' can't fall: a script adds " +
                                                std::to_string(number) + " to it");
    }
    const std::lock_guard lock(mutex_);
    TRY_ASSIGN(Series * series, series_of(labels));
    change(*series, number);
    return {};
  }

  std::vector<metrics::DeclaredSeries> read() const {
    const std::lock_guard lock(mutex_);
    std::vector<metrics::DeclaredSeries> all;
    for (const auto& [values, series] : series_) all.push_back(read_series(values, series));
    return all;
  }

 private:
  struct Series {
    double value = 0;
    std::vector<uint64_t> buckets;  // not cumulated, one more than bounds
    uint64_t count = 0;
    double sum = 0;
  };

  void change(Series& series, double number) {
    switch (config_.type) {
      case config::MetricType::kCounter:
        series.value += number;
        return;
      case config::MetricType::kGauge:
        series.value = number;
        return;
      case config::MetricType::kHistogram: {
        series.buckets.resize(config_.buckets.size() + 1);
        const auto bound = std::lower_bound(config_.buckets.begin(), config_.buckets.end(), number);
        ++series.buckets[static_cast<size_t>(bound - config_.buckets.begin())];
        ++series.count;
        series.sum += number;
        return;
      }
    }
  }

  metrics::DeclaredSeries read_series(const std::vector<std::string>& values, const Series& series) const {
    metrics::DeclaredSeries out;
    out.labels.emplace_back("pipeline", pipeline_);
    for (size_t i = 0; i < values.size(); ++i) out.labels.emplace_back(config_.labels[i], values[i]);
    out.value = series.value;
    out.count = series.count;
    out.sum = series.sum;
    uint64_t cumulated = 0;
    for (size_t i = 0; i < config_.buckets.size(); ++i) {
      if (i < series.buckets.size()) cumulated += series.buckets[i];
      out.buckets.emplace_back(config_.buckets[i], cumulated);
    }
    return out;
  }

  Result<Series*> series_of(std::string_view labels) {
    const auto known = spellings_.find(std::string(labels));
    if (known != spellings_.end()) return known->second;
    TRY_ASSIGN(std::vector<std::string> values, values_of(labels));
    auto found = series_.find(values);
    if (found == series_.end()) {
      const bool full = series_.size() >= static_cast<size_t>(config_.max_series) && !values.empty();
      if (full) values.assign(values.size(), kOther);
      found = series_.try_emplace(std::move(values)).first;
      if (full) return &found->second;  // without bound they may be spelled, so they are not remembered
    }
    if (spellings_.size() < kSpellingsPerSeries * static_cast<size_t>(config_.max_series)) {
      spellings_.emplace(labels, &found->second);
    }
    return &found->second;
  }

  // The values of the declared labels, in that order.
  Result<std::vector<std::string>> values_of(std::string_view labels) const {
    std::vector<std::string> values(config_.labels.size());
    if (labels.empty()) return values;
    TRY_ASSIGN(const json::Document document, json::parse(labels, "labels"));
    const json::ValueView object(document.text.data(), document.tape.data(), 0);
    ASSERT(object.type() == TokenType::kObject);
    std::string scratch;
    for (json::ValueView key = object.first_child(); !key.at_end_of(object); key = key.next().next()) {
      const std::string name(key.string(scratch));
      const auto label = std::find(config_.labels.begin(), config_.labels.end(), name);
      if (label == config_.labels.end()) {
        return fail(ErrorCode::kInvalidInput, "the metric '" + config_.name + "' has no label '" + name +
                                                  "'; declare it in the pipeline's metrics");
      }
      values[static_cast<size_t>(label - config_.labels.begin())] = label_text(key.next());
    }
    return values;
  }

  const config::MetricConfig config_;
  const std::string pipeline_;
  mutable std::mutex mutex_;
  std::map<std::vector<std::string>, Series> series_;  // guarded by mutex_, and below
  std::unordered_map<std::string, Series*> spellings_;
};

std::vector<ScriptMetric> declared_metrics(const config::PipelineConfig& config) {
  std::vector<ScriptMetric> declared;
  for (const config::MetricConfig& metric : config.metrics)
    declared.push_back({metric.name, kind_of(metric.type)});
  return declared;
}

PipelineMetrics::PipelineMetrics(const config::PipelineConfig& config) : declared_(declared_metrics(config)) {
  for (const config::MetricConfig& metric : config.metrics) {
    families_.push_back(std::make_unique<Family>(metric, config.name));
    // A counter without labels is there from the start: one that appears with its first change has no rate.
    if (metric.labels.empty() && metric.type == config::MetricType::kCounter) {
      const Status started = families_.back()->apply(0, {});
      ASSERT(started.has_value());
    }
  }
}

PipelineMetrics::~PipelineMetrics() = default;

Result<std::shared_ptr<ScriptMetrics>> PipelineMetrics::create(const config::PipelineConfig& config,
                                                               metrics::Registry* registry) {
  std::shared_ptr<PipelineMetrics> made(new PipelineMetrics(config));
  if (registry == nullptr) return std::shared_ptr<ScriptMetrics>(std::move(made));
  for (const auto& family : made->families_) {
    const config::MetricConfig& metric = family->config();
    TRY_ASSIGN(auto registration,
               registry->declare(exported_name(metric), metric.help.empty() ? metric.name : metric.help,
                                 type_of(metric.type), [read = family.get()] { return read->read(); }));
    made->registrations_.push_back(std::move(registration));
  }
  return std::shared_ptr<ScriptMetrics>(std::move(made));
}

Status PipelineMetrics::apply(std::string_view name, double number, std::string_view labels) {
  const auto known = std::find_if(declared_.begin(), declared_.end(),
                                  [&](const ScriptMetric& metric) { return metric.name == name; });
  ASSERT_WHY(known != declared_.end(), "scripts are compiled against what is declared");
  return families_[static_cast<size_t>(known - declared_.begin())]->apply(number, labels);
}

}  // namespace colloquium::engine
