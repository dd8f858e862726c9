// StdinSource: records, NDJSON lines by default, from standard input.
//
// Bytes are read on the offload pool into bodies of up to about 1 MiB. One body is at the door at a time and
// one more is read meanwhile: what was read cannot be read again, so a body that the door turned away is
// offered again before the next one, and order holds whatever happens.
//
// Thread safety: as Source's; what the pool works on is a struct of its own.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "formats/format.h"
#include "formats/line_cutter.h"

namespace colloquium::components {

class BlockingFd;

struct StdinConfig {
  ByteSize max_event{1 << 20};
  formats::SourceFormatSetting format;
};

const Descriptor& stdin_source();

// The right to read the process's standard input. One at a time.
class StdinClaim {
 public:
  StdinClaim() = default;
  // kConflict if it is taken; `who` asks, for the message.
  static Result<StdinClaim> take(const std::string& who);
  ~StdinClaim();
  StdinClaim(StdinClaim&& other) noexcept : held_(std::exchange(other.held_, false)) {}
  StdinClaim& operator=(StdinClaim&& other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }

 private:
  explicit StdinClaim(bool held) : held_(held) {}
  bool held_ = false;
};

class StdinSource final : public Source {
 public:
  StdinSource(SourceContext context, const StdinConfig& config, std::unique_ptr<BlockingFd> input);
  ~StdinSource() override;

  // Given back with this object.
  void keep(StdinClaim claim) { claim_ = std::move(claim); }

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  struct Reading;

  // Does whatever can be done now: emit, read on, finish.
  void pump();
  void read();
  void has_read();
  void end();
  void emit();
  void acknowledged(const Ack& ack);
  // The door turned the front body away; it is offered again after a while.
  void retry_later(const Error& error, int64_t retry_after_ms);
  template <class Fn>
  auto guarded(Fn fn);

  SourceContext context_;
  const BodyFormat body_format_;
  StdinClaim claim_;
  const std::shared_ptr<Reading> reading_;  // the pool's while is_reading_, else ours
  struct Body {
    formats::Lines lines;
    uint64_t records_begin = 0;
  };
  std::deque<Body> waiting_;                      // the front one is at the door while at_door_
  std::shared_ptr<const RecordDecoder> decoder_;  // null: the door cuts
  bool is_reading_ = false;
  bool at_door_ = false;
  bool waits_for_door_ = false;
  bool ended_ = false;
  bool stopped_ = false;
  uint64_t retries_ = 0;                // in a row
  std::unique_ptr<Timer> retry_timer_;  // until what the door turned away is offered again
  std::unique_ptr<Timer> pool_timer_;   // until the offload pool may have room again
  Task closed_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // gone with this object: callbacks look at it
};

}  // namespace colloquium::components
