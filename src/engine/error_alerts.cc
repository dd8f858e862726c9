#include "engine/error_alerts.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/assert.h"
#include "base/counters.h"
#include "json/writer.h"

namespace colloquium::engine {

namespace {

constexpr int64_t kLooksPerWindow = 10;

struct Sample {
  int64_t at_ns;
  uint64_t events;
  uint64_t errors;
};

}  // namespace

struct ErrorAlerts::Watched {
  std::string component;
  const ComponentCounters* counters = nullptr;
  std::deque<Sample> samples;  // the first is the newest that is a window old, or the oldest there is
  std::atomic<bool> raised{false};
};

std::string ErrorAlert::json(const std::string& pipeline, int64_t threshold_percent, int64_t window_ms,
                             int64_t now_ms) const {
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  const auto number = [&](const char* name, int64_t value) {
    writer.key(name);
    writer.integer(value);
  };
  const auto text = [&](const char* name, const std::string& value) {
    writer.key(name);
    writer.string(value);
  };
  writer.begin_object();
  text("alert", "error_rate");
  text("component", component);
  number("errors", static_cast<int64_t>(errors));
  number("events", static_cast<int64_t>(events));
  text("pipeline", pipeline);
  text("state", raised ? "raised" : "cleared");
  number("threshold_percent", threshold_percent);
  number("time", now_ms);
  number("window_ms", window_ms);
  writer.end_object();
  return {bytes.begin(), bytes.end()};
}

ErrorAlerts::ErrorAlerts(Settings settings, Loop& loop, const Clock& clock, Tell tell)
    : settings_(settings), loop_(loop), clock_(clock), tell_(std::move(tell)) {
  ASSERT(settings_.window_ms >= kLooksPerWindow && settings_.percent >= 0 && settings_.percent < 100);
}

ErrorAlerts::~ErrorAlerts() = default;

std::function<double()> ErrorAlerts::watch(std::string component, const ComponentCounters& counters) {
  ASSERT_WHY(timer_ == nullptr, "before start()");
  auto watched = std::make_shared<Watched>();
  watched->component = std::move(component);
  watched->counters = &counters;
  watched_.push_back(watched);
  return [watched] { return watched->raised.load() ? 1.0 : 0.0; };
}

void ErrorAlerts::start() {
  LOOP_ASSERT(loop_);
  look();
}

void ErrorAlerts::stop() {
  LOOP_ASSERT(loop_);
  timer_ = nullptr;
}

void ErrorAlerts::look() {
  timer_ = loop_.start_timer(settings_.window_ms / kLooksPerWindow, [this] { look(); });
  const int64_t now_ns = clock_.monotonic_ns();
  for (const auto& watched : watched_) look_at(*watched, now_ns);
}

void ErrorAlerts::look_at(Watched& watched, int64_t now_ns) {
  const ComponentCounters& counters = *watched.counters;
  watched.samples.push_back({now_ns, counters.events_in.value(), counters.errors.total()});
  const int64_t begin_ns = now_ns - settings_.window_ms * 1'000'000;
  while (watched.samples.size() > 1 && watched.samples[1].at_ns <= begin_ns) watched.samples.pop_front();
  const Sample& first = watched.samples.front();
  const Sample& last = watched.samples.back();
  ErrorAlert alert;
  alert.component = watched.component;
  alert.errors = last.errors - first.errors;
  // A sink that takes nothing counts its tries and no events.
  alert.events = std::max(last.events - first.events, alert.errors);
  const bool much = alert.errors * 100 > alert.events * static_cast<uint64_t>(settings_.percent);
  const bool was = watched.raised.load();
  alert.raised = was ? much : much && alert.events >= settings_.events_min;
  if (alert.raised == was) return;
  watched.raised.store(alert.raised);
  tell_(alert);
}

}  // namespace colloquium::engine
