// NumberSource: a file of numbered events that can be read again from anywhere, for tests of whole pipelines.
// Emits a few at a time and backs off when told.
//
// PartedNumbers: several of them as the parts of one source, each with every n-th number.
//
// Thread safety: loop only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

namespace colloquium::engine {

// `event(n)` is the n-th of `total`, all of one length. `accepted` is added to; with `error` it ends with that
// instead of the end of its file.
class NumberSource final : public Source {
 public:
  NumberSource(SourceContext context, int total, std::function<std::string(int)> event, uint64_t& accepted,
               std::optional<Error> error)
      : context_(std::move(context)),
        total_(total),
        event_(std::move(event)),
        line_bytes_(static_cast<int64_t>(event_(0).size()) + 1),
        accepted_(accepted),
        error_(std::move(error)) {}
  Status start(std::string cursor) override {
    next_ = cursor.empty() ? 0 : std::stoi(cursor);
    more();
    return {};
  }
  void stop_intake() override { stopped_ = true; }
  void close(Task closed) override {
    stopped_ = true;
    retry_timer_ = nullptr;
    context_.loop.post(std::move(closed));
  }

 private:
  void more() {
    if (stopped_ || waiting_ || retry_timer_ != nullptr) return;
    if (next_ >= total_) {
      if (under_way_ == 0 && !finished_) {
        finished_ = true;
        if (error_) return context_.failed(*error_);
        context_.finished();
      }
      return;
    }
    if (under_way_ >= 3) return;
    if (!context_.intake.ready()) {
      waiting_ = true;
      return context_.intake.when_ready([this] {
        waiting_ = false;
        more();
      });
    }
    emit();
    context_.loop.post([this] { more(); });
  }
  void emit() {
    const int from = next_;
    next_ = std::min(total_, from + 1 + static_cast<int>(context_.random.next() % 7));
    std::string body;
    for (int n = from; n < next_; ++n) body += event_(n) + "\n";
    RawBatch raw;
    raw.body = std::make_shared<const std::string>(body);
    raw.format = BodyFormat::kNdjson;
    raw.bad_event = BadEventPolicy::kDeadLetter;
    raw.position = from * line_bytes_;
    raw.cursor = std::to_string(next_);
    ++under_way_;
    context_.intake.emit(std::move(raw), [this, from](Ack ack) {
      --under_way_;
      accepted_ += ack.accepted;
      if (!ack.error) return more();
      next_ = std::min(next_, from);
      // A log that has failed refuses at once, for ever.
      retry_timer_ = context_.loop.start_timer(kRetryMs, [this] {
        retry_timer_ = nullptr;
        more();
      });
    });
  }
  static constexpr int64_t kRetryMs = 5;
  SourceContext context_;
  const int total_;
  const std::function<std::string(int)> event_;
  const int64_t line_bytes_;
  uint64_t& accepted_;
  const std::optional<Error> error_;
  int next_ = 0;
  int under_way_ = 0;
  std::unique_ptr<Timer> retry_timer_;
  bool stopped_ = false, waiting_ = false, finished_ = false;
};

class PartedNumbers final : public Source {
 public:
  PartedNumbers(SourceContext context, int parts, int total, std::function<std::string(int)> event,
                uint64_t& accepted)
      : context_(std::move(context)),
        parts_(parts),
        total_(total),
        event_(std::move(event)),
        accepted_(accepted) {}
  Status start(std::string) override {
    for (int i = 0; i < parts_; ++i) {
      Intake& part = context_.intake.part("part-" + std::to_string(i));
      SourceContext context{ComponentContext(context_), part, context_.from_start, [this] { one_finished(); }, {}};
      const auto event = [this, i](int n) { return event_(n * parts_ + i); };
      sources_.push_back(std::make_unique<NumberSource>(std::move(context), (total_ - i + parts_ - 1) / parts_,
                                                        event, accepted_, std::nullopt));
    }
    for (int i = 0; i < parts_; ++i) {
      const auto start = [&] { return sources_[static_cast<size_t>(i)]->start(stored(i)); };
      if (Status started = start(); !started) return started;
    }
    return {};
  }
  void stop_intake() override {
    for (const auto& source : sources_) source->stop_intake();
  }
  void close(Task closed) override {
    to_close_ = sources_.size() + 1;
    closed_ = std::move(closed);
    for (const auto& source : sources_) source->close([this] { one_closed(); });
    context_.loop.post([this] { one_closed(); });
  }

 private:
  std::string stored(int i) const { return context_.intake.part("part-" + std::to_string(i)).stored_cursor(); }
  void one_finished() {
    if (++finished_ == sources_.size()) context_.finished();
  }
  void one_closed() {
    if (--to_close_ == 0) closed_();
  }
  SourceContext context_;
  const int parts_, total_;
  const std::function<std::string(int)> event_;
  uint64_t& accepted_;
  std::vector<std::unique_ptr<NumberSource>> sources_;
  size_t finished_ = 0, to_close_ = 0;
  Task closed_;
};

}  // namespace colloquium::engine
