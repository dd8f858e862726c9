// ErrorAlerts: tells when more than a share of what came to a component failed within a time, and when that is
// over.
//
// It looks at the counters ten times per window. What failed counts each time: an event that a sink could not
// write in three tries is three. An alert is raised once, and cleared once the share is no longer above the
// threshold.
//
// Thread safety: loop only; the counters may be counted on by others. Nothing is told after stop().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/loop.h"

namespace colloquium {
struct ComponentCounters;
}

namespace colloquium::engine {

struct ErrorAlert {
  std::string component;
  bool raised = false;  // or cleared
  uint64_t events = 0;  // within the window
  uint64_t errors = 0;

  // As an event, its members in the order of their names.
  std::string json(const std::string& pipeline, int64_t threshold_percent, int64_t window_ms,
                   int64_t now_ms) const;
};

class ErrorAlerts {
 public:
  struct Settings {
    int64_t percent = 5;
    int64_t window_ms = 60'000;
    uint64_t events_min = 20;
  };
  using Tell = std::function<void(const ErrorAlert&)>;
  ErrorAlerts(Settings settings, Loop& loop, const Clock& clock, Tell tell);
  ~ErrorAlerts();

  // Before start(). `counters` outlive this. Returns what stands in a metric: 1 while the alert is raised.
  std::function<double()> watch(std::string component, const ComponentCounters& counters);
  void start();
  void stop();

 private:
  struct Watched;

  void look();
  void look_at(Watched& watched, int64_t now_ns);

  const Settings settings_;
  Loop& loop_;
  const Clock& clock_;
  const Tell tell_;
  std::vector<std::shared_ptr<Watched>> watched_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace colloquium::engine
