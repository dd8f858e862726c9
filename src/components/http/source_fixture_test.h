// SourceFixture: a started http source over a real server and a door made of cardboard, for its tests.
//
// Thread safety: as net::ServerFixture.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/manual_clock.h"
#include "components/http/http_source.h"
#include "net/testing/server_fixture.h"

namespace colloquium::components {

// Keeps what it is given until the test acknowledges it. Loop only.
class FakeIntake final : public Intake {
 public:
  void emit(RawBatch batch, AckFn ack) override {
    batches.push_back(std::move(batch));
    if (!answers.empty()) {
      ack(answers.front());
      if (answers.size() > 1) answers.pop_front();
      return;
    }
    acks.push_back(std::move(ack));
  }
  bool ready() const override { return is_ready; }
  void when_ready(Task resume) override {
    ++waits;
    resumes.push_back(std::move(resume));
  }
  Intake& part(const std::string& name) override {
    FAIL("the http source has no part " << name);
    return *this;
  }
  std::string stored_cursor() const override { return {}; }
  void open() {
    is_ready = true;
    for (Task& resume : std::exchange(resumes, {})) resume();
  }

  bool is_ready = true;
  int waits = 0;
  std::deque<Ack> answers;  // given at once, the last one again and again; none: acks waits
  std::vector<RawBatch> batches;
  std::deque<AckFn> acks;
  std::vector<Task> resumes;
};

inline Ack accepted(uint64_t count, int64_t first) {
  Ack ack;
  ack.accepted = count;
  ack.offsets = {{0, first, first + static_cast<int64_t>(count) - 1}};
  return ack;
}

inline Ack failed(ErrorCode code, bool retryable, uint64_t byte = 0, uint64_t event = 0,
                  int64_t retry_after_ms = 0) {
  Ack ack;
  ack.error = Error{code, "what went wrong", retryable, {}};
  ack.bad_byte = byte;
  ack.bad_event = event;
  ack.retry_after_ms = retry_after_ms;
  return ack;
}

// A started source behind a running server.
class SourceFixture : public net::ServerFixture {
 public:
  explicit SourceFixture(HttpSourceConfig config, net::HttpLimits limits = {}) : ServerFixture(limits) {
    on_loop([&] {
      services_.provide<net::HttpServer>(&**this);
      services_.provide<metrics::Registry>(&registry_);
      SourceContext context{{loop(), clock(), random_, services_, "p", "hook", "."}, intake_, false, {}};
      auto made =
          http_source().create_source(std::make_shared<const HttpSourceConfig>(config), std::move(context));
      ASSERT(made);
      source_ = std::move(*made);
      const Status started = source_->start("");
      ASSERT(started);
    });
  }
  ~SourceFixture() { close(); }

  FakeIntake& intake() { return intake_; }
  Source& source() { return *source_; }
  void answer(Ack ack) {
    on_loop([&] { intake_.answers = {std::move(ack)}; });
  }
  RawBatch last() {
    return on_loop([&] { return intake_.batches.back(); });
  }
  size_t emitted() {
    return on_loop([&] { return intake_.batches.size(); });
  }
  std::string metrics_text() const { return registry_.text(); }
  // What the source reports, of one metric and reason.
  double metric(const std::string& name, const std::string& reason = {}) {
    const std::string text = metrics_text();
    for (size_t at = text.find("\n" + name + "{"); at != text.npos; at = text.find("\n" + name + "{", at + 1)) {
      const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
      if (!reason.empty() && line.find("reason=\"" + reason + "\"") == line.npos) continue;
      return std::stod(line.substr(line.rfind(' ')));
    }
    return -1;
  }
  void close() {
    if (source_ == nullptr) return;
    wait_for<int>([&](auto done) { source_->close([done] { done(0); }); });
    on_loop([&] {
      source_.reset();
      intake_.acks.clear();
    });
  }

 private:
  metrics::Registry registry_;
  FakeIntake intake_;
  SeededRandom random_{1};
  Services services_;
  std::unique_ptr<Source> source_;
};

}  // namespace colloquium::components
