#include "metrics/registry.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace colloquium::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// In one order for every series, so that two of them can be compared.
std::vector<ClientMetric::Label> label_list(const Labels& labels) {
  std::vector<ClientMetric::Label> list;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) list.push_back({name, value});
  };
  put("pipeline", labels.pipeline);
  put("component", labels.component);
  put("kind", labels.kind);
  put("reason", labels.reason);
  put("partition", labels.partition);
  put("model", labels.model);
  return list;
}

void read_histogram(const Histogram& histogram, ClientMetric::Histogram& into) {
  uint64_t cumulative = 0;
  for (size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    cumulative += histogram.bucket(i);
    into.bucket.push_back({cumulative, Histogram::kBounds[i]});
  }
  // The serializer makes the +Inf bucket out of the count, which must therefore be the sum of what was read.
  into.sample_count = cumulative + histogram.bucket(Histogram::kBounds.size());
  into.sample_sum = histogram.sum_seconds();
}

MetricType type_of(DeclaredType type) {
  switch (type) {
    case DeclaredType::kCounter:
      return MetricType::Counter;
    case DeclaredType::kGauge:
      return MetricType::Gauge;
    case DeclaredType::kHistogram:
      return MetricType::Histogram;
  }
  return MetricType::Untyped;
}

ClientMetric metric_of(const DeclaredSeries& series, MetricType type) {
  ClientMetric metric;
  for (const auto& [name, value] : series.labels) metric.label.push_back({name, value});
  if (type == MetricType::Counter) metric.counter.value = series.value;
  if (type == MetricType::Gauge) metric.gauge.value = series.value;
  if (type != MetricType::Histogram) return metric;
  for (const auto& [bound, count] : series.buckets) metric.histogram.bucket.push_back({count, bound});
  metric.histogram.sample_count = series.count;
  metric.histogram.sample_sum = series.sum;
  return metric;
}

}  // namespace

// The one Collectable: holds how to read every series, and reads them when collected.
class Registry::Series final : public prometheus::Collectable {
 public:
  using Fill = std::function<void(ClientMetric&)>;
  using ReadAll = std::function<std::vector<DeclaredSeries>()>;

  uint64_t new_owner() {
    const std::lock_guard lock(mutex_);
    return next_owner_++;
  }

  void add(uint64_t owner, const Family& family, MetricType type, const Labels& labels, Fill fill) {
    const std::lock_guard lock(mutex_);
    FamilyEntry& entry = families_.try_emplace(family.name, FamilyEntry{family.help, type, {}, {}}).first->second;
    ASSERT_WHY(entry.type == type, "one name is registered as two types of metric");
    std::vector<ClientMetric::Label> list = label_list(labels);
    const auto same = [&](const Entry& other) { return other.labels == list; };
    ASSERT_WHY(std::none_of(entry.series.begin(), entry.series.end(), same), "a series is registered twice");
    entry.series.push_back({owner, std::move(list), std::move(fill)});
  }

  // False if the name is another metric's. A pipeline's name and one of ours never meet: theirs have a prefix.
  bool declare(uint64_t owner, const std::string& name, const std::string& help, MetricType type, ReadAll read) {
    const std::lock_guard lock(mutex_);
    FamilyEntry& entry = families_.try_emplace(name, FamilyEntry{help, type, {}, {}}).first->second;
    if (entry.type != type) return false;
    entry.declared.push_back({owner, std::move(read)});
    return true;
  }

  // A family without series would still print its help; it goes with the last of them.
  void remove(uint64_t owner) {
    const std::lock_guard lock(mutex_);
    for (auto it = families_.begin(); it != families_.end();) {
      FamilyEntry& family = it->second;
      std::erase_if(family.series, [&](const Entry& entry) { return entry.owner == owner; });
      std::erase_if(family.declared, [&](const Declared& declared) { return declared.owner == owner; });
      it = family.series.empty() && family.declared.empty() ? families_.erase(it) : std::next(it);
    }
  }

  // Under the lock, so that nothing is read that is being unregistered on another thread.
  std::vector<MetricFamily> Collect() const override {
    const std::lock_guard lock(mutex_);
    std::vector<MetricFamily> collected;
    for (const auto& [name, family] : families_) {
      MetricFamily& out = collected.emplace_back(MetricFamily{name, family.help, family.type, {}});
      for (const Entry& entry : family.series) {
        ClientMetric& metric = out.metric.emplace_back();
        metric.label = entry.labels;
        entry.fill(metric);
      }
      for (const Declared& declared : family.declared) {
        for (const DeclaredSeries& series : declared.read()) out.metric.push_back(metric_of(series, family.type));
      }
    }
    return collected;
  }

 private:
  struct Entry {
    uint64_t owner;
    std::vector<ClientMetric::Label> labels;
    Fill fill;
  };
  struct Declared {
    uint64_t owner;
    ReadAll read;
  };
  struct FamilyEntry {
    std::string help;
    MetricType type;
    std::vector<Entry> series;
    std::vector<Declared> declared;
  };

  // Held during a scrape: readers are a few atomic loads each.
  mutable std::mutex mutex_;
  std::map<std::string, FamilyEntry> families_;  // guarded by mutex_
  uint64_t next_owner_ = 1;                      // guarded by mutex_
};

Registration::Registration(Registration&& other) noexcept
    : registry_(std::exchange(other.registry_, nullptr)), owner_(other.owner_) {}

Registration& Registration::operator=(Registration&& other) noexcept {
  if (this == &other) return *this;
  if (registry_ != nullptr) registry_->remove(owner_);
  registry_ = std::exchange(other.registry_, nullptr);
  owner_ = other.owner_;
  return *this;
}

Registration::~Registration() {
  if (registry_ != nullptr) registry_->remove(owner_);
}

Registry::Registry() : series_(std::make_unique<Series>()) {}
Registry::~Registry() = default;

void Registry::remove(uint64_t owner) {
  series_->remove(owner);
}

Registration Registry::counter(const Family& family, const Labels& labels, Read read) {
  const uint64_t owner = series_->new_owner();
  series_->add(owner, family, MetricType::Counter, labels,
               [read = std::move(read)](ClientMetric& metric) { metric.counter.value = read(); });
  return Registration(this, owner);
}

Registration Registry::counter(const Family& family, const Labels& labels, const Counter& counter) {
  return this->counter(family, labels, [&counter] { return static_cast<double>(counter.value()); });
}

Registration Registry::gauge(const Family& family, const Labels& labels, Read read) {
  const uint64_t owner = series_->new_owner();
  series_->add(owner, family, MetricType::Gauge, labels,
               [read = std::move(read)](ClientMetric& metric) { metric.gauge.value = read(); });
  return Registration(this, owner);
}

Registration Registry::gauge(const Family& family, const Labels& labels, const Gauge& gauge) {
  return this->gauge(family, labels, [&gauge] { return static_cast<double>(gauge.value()); });
}

Registration Registry::histogram(const Family& family, const Labels& labels, const Histogram& histogram) {
  const uint64_t owner = series_->new_owner();
  series_->add(owner, family, MetricType::Histogram, labels,
               [&histogram](ClientMetric& metric) { read_histogram(histogram, metric.histogram); });
  return Registration(this, owner);
}

Registration Registry::add(const Labels& labels, const ComponentCounters& counters) {
  ASSERT(labels.reason.empty());
  ASSERT(labels.partition.empty());
  ASSERT(labels.model.empty());
  const uint64_t owner = series_->new_owner();
  // One owner for all of them: they come and go together.
  const auto count = [&](const Family& family, const Counter& counter) {
    series_->add(owner, family, MetricType::Counter, labels, [&counter](ClientMetric& metric) {
      metric.counter.value = static_cast<double>(counter.value());
    });
  };
  count({"colloquium_input_events_total", "Events a component took."}, counters.events_in);
  count({"colloquium_output_events_total", "Events a component gave on."}, counters.events_out);
  count({"colloquium_input_bytes_total", "Bytes of the events a component took."}, counters.bytes_in);
  count({"colloquium_output_bytes_total", "Bytes of the events a component gave on."}, counters.bytes_out);
  // Every reason from the start: a series that appears with its first error has no rate to alert on.
  for (size_t i = 0; i < ErrorCounters::kReasons; ++i) {
    const auto reason = static_cast<ErrorCode>(i);
    Labels with_reason = labels;
    with_reason.reason = to_string(reason);
    series_->add(owner, {"colloquium_errors_total", "Events or calls that failed in a component, by reason."},
                 MetricType::Counter, with_reason, [&counters, reason](ClientMetric& metric) {
                   metric.counter.value = static_cast<double>(counters.errors.value(reason));
                 });
  }
  series_->add(owner,
               {"colloquium_duration_seconds", "Time of one unit of a component's work: an emit, a run, a write."},
               MetricType::Histogram, labels,
               [&counters](ClientMetric& metric) { read_histogram(counters.duration, metric.histogram); });
  series_->add(owner, {"colloquium_queue_depth", "Units of work under way or waiting in a component."},
               MetricType::Gauge, labels, [&counters](ClientMetric& metric) {
                 metric.gauge.value = static_cast<double>(counters.queue_depth.value());
               });
  return Registration(this, owner);
}

Result<Registration> Registry::declare(const std::string& name, const std::string& help, DeclaredType type,
                                       std::function<std::vector<DeclaredSeries>()> read) {
  const uint64_t owner = series_->new_owner();
  if (series_->declare(owner, name, help, type_of(type), std::move(read))) return Registration(this, owner);
  return fail(
      ErrorCode::kConflict,
      "the metric " + name + " is of another type in another pipeline of this process; rename one of them");
}

std::string Registry::text() const {
  return prometheus::TextSerializer().Serialize(series_->Collect());
}

}  // namespace colloquium::metrics
