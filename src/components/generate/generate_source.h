// GenerateSource: events made from a template, as fast as asked for.
//
// Event number n is a function of template, seed and n alone, so this source can be read again: its cursor is the
// number of the next event, and where its bytes begin.
//
// Bodies are made on the offload pool and up to four are at the door at a time. When the door turns one away, it
// turns away those behind it too; the source waits until all have come back and offers them again from the first
// one on.
//
// Thread safety: as Source's; Making is the pool's while a body is being made.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "components/generate/event_template.h"

namespace colloquium::components {

struct GenerateConfig {
  ConfigNode event_template;
  double rate = 1;
  Duration interval{0};
  int64_t count = 0;
  int64_t seed = 1;
  std::string start_time = "2026-01-01T00:00:00Z";
  Duration time_step{1000};
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
  enum class State { kWaiting, kAtDoor, kAccepted };
  struct Body {
    std::shared_ptr<const std::string> lines;
    int64_t position = 0;
    GenerateCursor behind;
    State state = State::kWaiting;
  };
  struct Making;

  // Does whatever can be done now: emit, make more, finish.
  void pump();
  void make();
  void has_made();
  // How many events are due and not made; 0 with a timer set for the next one.
  uint64_t due();
  void emit();
  void emit_one(size_t index);
  void acknowledged(uint64_t number, const Ack& ack);
  void go_back_later();
  bool at_end() const;
  template <class Fn>
  auto guarded(Fn fn);

  SourceContext context_;
  const std::shared_ptr<const GenerateSettings> settings_;
  const std::shared_ptr<Making> making_;  // the pool's while is_making_, else ours
  GenerateCursor at_;                     // behind everything made
  double begun_s_ = 0;                    // when the event begun_number_ was due
  uint64_t begun_number_ = 0;
  std::deque<Body> bodies_;
  uint64_t first_number_ = 0;  // of bodies_.front(), counted over the source's life
  size_t at_door_ = 0;
  bool is_making_ = false;
  bool going_back_ = false;
  bool waits_for_door_ = false;
  bool stopped_ = false;
  bool finished_ = false;
  uint64_t refusals_ = 0;  // in a row
  int64_t retry_after_ms_ = 0;
  std::unique_ptr<Timer> pace_timer_;
  std::unique_ptr<Timer> retry_timer_;
  Task closed_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // gone with this object: callbacks look at it
};

}  // namespace colloquium::components
