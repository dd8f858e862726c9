// Registry: what the process measures, under the names Prometheus knows it by.
//
// Owners keep plain atomic counters (base/counters.h) and register them here with a name and labels; they are
// read when someone scrapes. A Registration unregisters when it dies, so it must die before what it reads, and
// the Registry must outlive it. Names begin with colloquium_, use base units (seconds, bytes) and end in
// _total if they count; a quality test over text() and promtool hold us to it.
//
// The labels are a closed set, so that no label ever has unbounded values:
//   pipeline   its name
//   component  the name of a source, stage, sink, leg or stream
//   kind       what it is: "http_source", "file_sink", "computo_stage"
//   reason     of an error: one of ErrorCode; of a refusal or a drop: one of the names that its component lists;
//   of
//              calls of language models: what became of them; of their tokens: the bucket
//   partition  of a stream; there are as many as it was made with
//   model      a language model that a pipeline names: there are as many as its file lists
//
// Thread safety: every method on any thread. A registered reader runs while the registry is locked and must
// neither block nor call it back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/result.h"

#include "base/counters.h"

namespace colloquium::metrics {

// Empty labels are left out.
struct Labels {
  std::string pipeline;
  std::string component;
  std::string kind;
  std::string reason;
  std::string partition;
  std::string model = {};
};

// A metric's name and its help text. Static data: every registration of a name gives the same help.
struct Family {
  const char* name;
  const char* help;
};

class Registry;

// A series of a metric that a pipeline declares, as it is at a scrape.
struct DeclaredSeries {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;                                  // of a counter or gauge
  std::vector<std::pair<double, uint64_t>> buckets;  // upper bound and cumulated count, ascending
  uint64_t count = 0;
  double sum = 0;
};
enum class DeclaredType { kCounter, kGauge, kHistogram };

// Holds series registered; move-only.
class [[nodiscard]] Registration {
 public:
  Registration() = default;
  Registration(Registration&& other) noexcept;
  Registration& operator=(Registration&& other) noexcept;
  ~Registration();

 private:
  friend class Registry;
  Registration(Registry* registry, uint64_t owner) : registry_(registry), owner_(owner) {}
  Registry* registry_ = nullptr;
  uint64_t owner_ = 0;
};

class Registry {
 public:
  using Read = std::function<double()>;

  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The set that every source, stage and sink reports. REQUIRES: labels without reason, partition and model.
  Registration add(const Labels& labels, const ComponentCounters& counters);

  // What is given by reference, and what `read` looks at, has to outlive the Registration.
  // REQUIRES: no series of that name and labels is registered; a name has one type.
  Registration counter(const Family& family, const Labels& labels, const Counter& counter);
  Registration counter(const Family& family, const Labels& labels, Read read);
  Registration gauge(const Family& family, const Labels& labels, const Gauge& gauge);
  Registration gauge(const Family& family, const Labels& labels, Read read);
  Registration histogram(const Family& family, const Labels& labels, const Histogram& histogram);

  // A metric that a pipeline declares: `read` gives all its series whenever someone scrapes. Its labels are its
  // own; whoever declares it bounds them. kConflict if the name is one of another type already.
  Result<Registration> declare(const std::string& name, const std::string& help, DeclaredType type,
                               std::function<std::vector<DeclaredSeries>()> read);

  // Everything registered, in the text format 0.0.4, families in byte order.
  std::string text() const;

 private:
  friend class Registration;
  class Series;
  void remove(uint64_t owner);
  std::unique_ptr<Series> series_;
};

}  // namespace colloquium::metrics
