// GenerateSource: events made from a template, as fast as asked for.
//
// Event number n is a function of template, seed and n alone, so this source can be read again: its cursor is the
// number of the next event, and where its bytes begin.
//
// Bodies are made on the offload pool and up to four are at the door at a time.
//
// Thread safety: as Source's; Making is the pool's while a body is being made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/door_queue.h"
#include "base/liveness.h"
#include "components/generate/event_template.h"
#include "config/overflow.h"
#include "metrics/registry.h"

namespace colloquium::components {

struct GenerateConfig {
  ConfigNode event_template;
  double rate = 1;
  Duration interval{0};
  int64_t count = 0;
  int64_t seed = 1;
  std::string start_time = "2026-01-01T00:00:00Z";
  Duration time_step{1000};
  config::OverflowSettings overflow;
};

// As made when the settings are read.
struct GenerateSettings {
  GenerateConfig config;
  EventTemplate event_template;
  int64_t start_ms = 0;
  double events_per_s = 0;  // 0: as many as are taken
};

const Descriptor& generate_source();

// Where the source stands, as its cursor says it.
struct GenerateCursor {
  uint64_t next = 0;     // number of the next event
  int64_t position = 0;  // of its first byte
};
std::string to_text(const GenerateCursor& cursor);
Result<GenerateCursor> generate_cursor_of(const std::string& text);

class GenerateSource final : public Source {
 public:
  GenerateSource(SourceContext context, std::shared_ptr<const GenerateSettings> settings);
  ~GenerateSource() override;

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  struct Making;

  // Does whatever can be done now: emit, make more, finish.
  void pump();
  void make();
  void has_made();
  // How many events are due and not made; 0 with a timer set for the next one.
  uint64_t due();
  bool at_end() const;

  SourceContext context_;
  const std::shared_ptr<const GenerateSettings> settings_;
  const std::shared_ptr<Making> making_;  // the pool's while is_making_, else ours
  GenerateCursor at_;                     // behind everything made
  double begun_s_ = 0;                    // when the event begun_number_ was due
  uint64_t begun_number_ = 0;
  DoorQueue queue_;
  metrics::Registration drops_;
  bool is_making_ = false;
  bool stopped_ = false;
  bool finished_ = false;
  std::unique_ptr<Timer> pace_timer_;
  Task closed_;
  Liveness alive_;
};

}  // namespace colloquium::components
