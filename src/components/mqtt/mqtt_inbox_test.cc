#include "components/mqtt/mqtt_inbox.h"

#include <catch2/catch.hpp>

#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "loop/uv_loop.h"
#include "tests/fake_intake.h"

namespace colloquium::components {
namespace {

MqttMessage message(int qos, const std::string& payload, bool duplicate = false) {
  MqttMessage made;
  made.topic = "t";
  made.payload = payload;
  made.qos = qos;
  made.duplicate = duplicate;
  return made;
}

// FakeIntake belongs to the loop; what is emitted elsewhere is posted to it.
class PostedIntake final : public Intake {
 public:
  PostedIntake(Loop& loop, FakeIntake& intake) : loop_(loop), intake_(intake) {}
  void emit(RawBatch batch, AckFn ack) override {
    if (loop_.is_current()) return intake_.emit(std::move(batch), std::move(ack));
    auto shared = std::make_shared<std::pair<RawBatch, AckFn>>(std::move(batch), std::move(ack));
    loop_.post([this, shared] { intake_.emit(std::move(shared->first), std::move(shared->second)); });
  }
  bool ready() const override { return intake_.ready(); }
  void when_ready(Task resume) override { intake_.when_ready(std::move(resume)); }
  Intake& part(const std::string& name) override { return intake_.part(name); }
  std::string stored_cursor() const override { return {}; }

 private:
  Loop& loop_;
  FakeIntake& intake_;
};

class Fixture {
 public:
  explicit Fixture(MqttInboxOptions options = {}) : inbox_options_(std::move(options)) {}
  ~Fixture() {
    paho_.reset();
    inbox_.reset();
    loop_->close();
  }

  MqttInbox& inbox() {
    if (inbox_ == nullptr) {
      inbox_ = std::make_unique<MqttInbox>(inbox_options_, posted_, *loop_, executor_, clock_,
                                           [this] { ++times_accepted; });
    }
    return *inbox_;
  }
  // As Paho's thread does it, one after the other.
  void arrive(MqttMessage one) {
    MqttInbox& into = inbox();
    REQUIRE(paho_->post([this, &into, one = std::move(one)]() mutable {
      const bool taken = into.arrived(std::move(one));
      loop_->post([this, taken] { taken_.push_back(taken); });
    }));
  }
  void run_until(std::function<bool()> done) {
    if (done()) return;
    look_again(std::move(done));
    loop_->run();
  }
  std::vector<std::string> emitted() const {
    std::vector<std::string> values;
    for (const RawBatch& batch : intake.emitted) {
      for (const RawMessage& one : batch.messages) values.push_back(one.value);
    }
    return values;
  }

  std::vector<bool> taken_;  // what arrived() gave
  std::atomic<int> times_accepted{0};

 private:
  void look_again(std::function<bool()> done) {
    timer_ = loop_->start_timer(1, [this, done] {
      const auto fired = std::move(timer_);
      if (done()) return loop_->stop();
      look_again(done);
    });
  }

  const MqttInboxOptions inbox_options_;
  SystemClock clock_;
  ThreadExecutor executor_;
  std::unique_ptr<loop::UvLoop> loop_ = loop::UvLoop::create(executor_).value();

 public:
  FakeIntake intake{*loop_};

 private:
  PostedIntake posted_{*loop_, intake};
  std::unique_ptr<MqttInbox> inbox_;
  std::unique_ptr<TaskQueue> paho_ = executor_.make_queue("paho", 1, 1000);
  std::unique_ptr<Timer> timer_;
};

TEST_CASE("a message that is acknowledged is accepted first", "[REQ-003]") {
  const int qos = GENERATE(1, 2);
  Fixture f;
  f.intake.hold();
  f.arrive(message(qos, "1"));
  f.arrive(message(qos, "2"));
  f.run_until([&] { return f.intake.under_way() == 1; });
  CHECK(f.taken_.empty());
  f.intake.accept();
  // Only now is the next one looked at.
  f.run_until([&] { return f.intake.under_way() == 1; });
  CHECK(f.taken_ == std::vector<bool>{true});
  f.intake.accept();
  f.run_until([&] { return f.taken_.size() == 2; });
  CHECK(f.emitted() == std::vector<std::string>{"1", "2"});
  CHECK(f.times_accepted == 2);
  CHECK(f.intake.emitted[0].bad_event == BadEventPolicy::kDeadLetter);
}

TEST_CASE("what the door cannot take now is offered again, and refused when time has run out") {
  Fixture f({.ack_timeout_ms = 300});
  f.intake.hold();
  f.arrive(message(1, "1"));
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.intake.refuse(ErrorCode::kNoSpace, 1);
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.intake.accept();
  f.run_until([&] { return f.taken_.size() == 1; });
  CHECK(f.taken_[0]);
  f.arrive(message(1, "2"));
  // Nobody answers.
  f.run_until([&] { return f.taken_.size() == 2; });
  CHECK_FALSE(f.taken_[1]);
  CHECK(f.inbox().counters().refused.value() == 1);
}

TEST_CASE("messages that nobody acknowledges, and those that memory is enough for, do not wait") {
  const bool from_memory = GENERATE(true, false);
  const int qos = from_memory ? 1 : 0;
  Fixture f({.from_memory = from_memory});
  f.intake.hold();
  for (int i = 0; i < 5; ++i) f.arrive(message(qos, std::to_string(i), i == 3));
  f.run_until([&] { return f.taken_.size() == 5; });
  CHECK(f.taken_ == std::vector<bool>(5, true));
  CHECK(f.intake.under_way() == 1);
  // A refusal costs neither an event nor the order.
  f.intake.refuse(ErrorCode::kUnavailable, 1);
  f.run_until([&] { return f.intake.under_way() == 1; });
  const size_t again = f.intake.emitted.size() - 1;
  CHECK(f.intake.emitted[again].messages[0].value == "0");
  while (f.inbox().counters().duplicates.value() == 0 || f.intake.under_way() > 0) {
    f.run_until([&] { return f.intake.under_way() == 1; });
    f.intake.accept();
    if (f.emitted().back() == "4") break;
  }
  CHECK(f.emitted().back() == "4");
  CHECK(f.inbox().counters().duplicates.value() == 1);
}

TEST_CASE("a full queue makes the callback wait, and then a message of QoS 0 is dropped and any other refused") {
  const bool from_memory = GENERATE(true, false);
  const int qos = from_memory ? 1 : 0;
  Fixture f({.from_memory = from_memory, .ack_timeout_ms = 50, .queue_messages = 2});
  f.intake.set_ready(false);
  for (int i = 0; i < 3; ++i) f.arrive(message(qos, std::to_string(i)));
  f.run_until([&] { return f.taken_.size() == 3; });
  CHECK(f.taken_ == std::vector<bool>{true, true, false});
  CHECK(f.inbox().counters().dropped.value() == (from_memory ? 0 : 1));
  CHECK(f.inbox().counters().refused.value() == (from_memory ? 1 : 0));
  f.intake.set_ready(true);
  f.run_until([&] { return f.intake.emitted.size() == 1; });
  CHECK(f.emitted() == std::vector<std::string>{"0", "1"});
}

TEST_CASE("what is queued when the source stops goes to the door, and nothing behind it") {
  Fixture f({.from_memory = true});
  f.intake.hold();
  f.arrive(message(1, "1"));
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.arrive(message(1, "2"));
  f.run_until([&] { return f.taken_.size() == 2; });
  f.inbox().stop();
  CHECK(f.emitted() == std::vector<std::string>{"1", "2"});
  f.arrive(message(1, "3"));
  f.run_until([&] { return f.taken_.size() == 3; });
  CHECK_FALSE(f.taken_[2]);
  CHECK(f.emitted().size() == 2);
  while (f.intake.under_way() > 0) f.intake.accept();
}

TEST_CASE("a source that stops refuses what comes, and tries nothing again", "[REQ-003]") {
  const int qos = GENERATE(1, 2);
  Fixture f;
  f.intake.hold();
  f.arrive(message(qos, "1"));
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.inbox().stop();
  f.intake.refuse(ErrorCode::kUnavailable, 1);
  f.run_until([&] { return f.taken_.size() == 1; });
  f.arrive(message(qos, "2"));
  f.run_until([&] { return f.taken_.size() == 2; });
  CHECK(f.taken_ == std::vector<bool>{false, false});
  CHECK(f.emitted() == std::vector<std::string>{"1"});
}

TEST_CASE("while the door is closed a message is refused at once, and taken when it is open again", "[REQ-003]") {
  const int qos = GENERATE(1, 2);
  Fixture f({.ack_timeout_ms = 3'600'000, .door_grace_ms = 0});
  f.intake.hold();
  f.arrive(message(qos, "1"));
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.intake.set_ready(false);
  f.intake.accept();
  f.arrive(message(qos, "2"));
  f.run_until([&] { return f.taken_.size() == 2; });
  CHECK(f.taken_ == std::vector<bool>{true, false});
  CHECK_FALSE(f.inbox().look_at_door());
  f.intake.set_ready(true);
  f.arrive(message(qos, "2"));
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.intake.accept();
  f.run_until([&] { return f.taken_.size() == 3; });
  CHECK(f.taken_[2]);
  CHECK(f.emitted() == std::vector<std::string>{"1", "2"});
}

TEST_CASE("a door that is closed for a moment is waited for, and nothing goes to it meanwhile") {
  const int qos = GENERATE(1, 2);
  Fixture f({.ack_timeout_ms = 3'600'000, .door_grace_ms = 3'600'000});
  f.intake.hold();
  f.arrive(message(qos, "1"));
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.intake.set_ready(false);
  f.intake.accept();
  f.arrive(message(qos, "2"));
  int turns = 0;
  f.run_until([&] { return ++turns > 50; });
  CHECK(f.emitted() == std::vector<std::string>{"1"});
  f.intake.set_ready(true);
  f.run_until([&] { return f.intake.under_way() == 1; });
  f.intake.accept();
  f.run_until([&] { return f.taken_.size() == 2; });
  CHECK(f.taken_ == std::vector<bool>{true, true});
  CHECK(f.emitted() == std::vector<std::string>{"1", "2"});
}

TEST_CASE("one message of QoS 0 waits for room, and those behind it do not") {
  // Each would wait for a second.
  constexpr size_t kMessages = 60;
  Fixture f({.queue_messages = 2});
  f.intake.set_ready(false);
  const SystemClock clock;
  const int64_t begin_ns = clock.monotonic_ns();
  for (size_t i = 0; i < kMessages; ++i) f.arrive(message(0, std::to_string(i)));
  f.run_until([&] { return f.taken_.size() == kMessages; });
  CHECK(clock.monotonic_ns() - begin_ns < int64_t{20} * 1'000'000'000);
  CHECK(f.inbox().counters().dropped.value() == kMessages - 2);
  f.intake.set_ready(true);
  f.run_until([&] { return f.intake.emitted.size() == 1; });
  f.arrive(message(0, "later"));
  f.run_until([&] { return f.taken_.size() == kMessages + 1; });
  CHECK(f.taken_.back());
}

}  // namespace
}  // namespace colloquium::components
