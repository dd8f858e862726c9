// StdinSource: records, NDJSON lines by default, from standard input.
//
// Bytes are read on the offload pool into bodies of up to about 1 MiB. One body is at the door at a time, as what
// was read cannot be read again, and one more is read meanwhile.
//
// Thread safety: as Source's; what the pool works on is a struct of its own.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/door_queue.h"
#include "config/overflow.h"
#include "formats/format.h"
#include "formats/line_cutter.h"
#include "metrics/registry.h"

namespace colloquium::components {

class BlockingFd;

struct StdinConfig {
  ByteSize max_event{1 << 20};
  formats::SourceFormatSetting format;
  config::OverflowSettings overflow;
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
  void when_offered(Task offered) override;
  void close(Task closed) override;

 private:
  struct Body;
  struct Reading;

  // Does whatever can be done now: emit, read on, finish.
  void pump();
  void read();
  void has_read();
  RawBatch batch_of(const Body& body) const;
  void tell_offered();
  void end();

  SourceContext context_;
  const BodyFormat body_format_;
  StdinClaim claim_;
  const std::shared_ptr<Reading> reading_;  // the pool's while is_reading_, else ours
  DoorQueue queue_;
  metrics::Registration drops_;
  metrics::Registration left_;
  bool is_reading_ = false;
  bool ended_ = false;
  bool told_ = false;  // that it has ended
  bool stopped_ = false;
  bool closing_ = false;
  Task offered_;  // once all that was read is at the door
  std::unique_ptr<Timer> pool_timer_;  // until the offload pool may have room again
  Task closed_;
};

}  // namespace colloquium::components
