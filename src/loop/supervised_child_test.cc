#include "loop/supervised_child.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <vector>

#include "base/logging.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "loop/uv_loop.h"

namespace colloquium::loop {
namespace {

// Its numbers go up by one.
class Counting final : public Random {
 public:
  uint64_t next() override { return ++drawn; }
  uint64_t drawn = 0;
};

class Scene {
 public:
  Scene() {
    set_log_writer([this](std::string_view line) { log += std::string(line) + "\n"; });
  }
  ~Scene() {
    child.reset();
    loop->close();
    set_log_writer(nullptr);
  }
  void make(std::vector<std::string> command, ChildBackoff backoff, ChildSettings settings = {}) {
    settings.command = std::move(command);
    child = std::make_unique<SupervisedChild>(
        *loop, clock, SupervisedChild::Name{"test", "one"}, settings, backoff,
        SupervisedChild::Events{[this](std::string_view bytes) { output += bytes; }, [this] { ++started; },
                                [this](ChildExit exit) {
                                  ends.push_back(exit);
                                  child->restart_later("it ended with " + exit.describe());
                                },
                                [this](const Error& error) { missing.push_back(error.message); }});
  }
  void run_until(std::function<bool()> done) {
    if (done()) return;
    look_again(std::move(done));
    loop->run();
  }
  void stop() {
    bool gone = false;
    child->stop(false, 5000, [&] { gone = true; });
    run_until([&] { return gone; });
  }

  std::string log;
  SystemClock clock;
  ThreadExecutor executor;
  std::unique_ptr<UvLoop> loop = UvLoop::create(executor).value();
  std::unique_ptr<SupervisedChild> child;
  std::string output;
  int started = 0;
  std::vector<ChildExit> ends;
  std::vector<std::string> missing;

 private:
  void look_again(std::function<bool()> done) {
    timer_ = loop->start_timer(1, [this, done] {
      const auto fired = std::move(timer_);
      if (done()) return loop->stop();
      look_again(done);
    });
  }
  std::unique_ptr<Timer> timer_;
};

}  // namespace

TEST_CASE("a child that ends is started again, what it says to its standard error is logged") {
  Scene scene;
  scene.make({"sh", "-c", "echo hello; echo oh dear >&2; exit 3"}, {1, 4});
  REQUIRE(scene.child->start());
  scene.run_until([&] { return scene.ends.size() == 3; });
  CHECK(scene.ends[2].status == 3);
  CHECK(scene.output == "hello\nhello\nhello\n");
  CHECK(scene.log.find("oh dear") != std::string::npos);
  CHECK(scene.log.find("wait_ms=2") != std::string::npos);
  scene.stop();
}

TEST_CASE("with jitter the wait is drawn from what it would be") {
  Scene scene;
  Counting random;
  scene.make({"sh", "-c", "exit 0"}, {100, 400, &random});
  REQUIRE(scene.child->start());
  scene.run_until([&] { return scene.ends.size() == 3; });
  CHECK(random.drawn == 3);
  for (const char* wait : {"wait_ms=1", "wait_ms=2", "wait_ms=3"})
    CHECK(scene.log.find(wait) != std::string::npos);
  scene.stop();
}

TEST_CASE("a program that is not there is told each time it is tried") {
  Scene scene;
  scene.make({"./no-such-program"}, {1, 1});
  const Status first = scene.child->start();
  REQUIRE_FALSE(first);
  CHECK(scene.missing.empty());
  scene.child->restart_later(first.error().message);
  scene.run_until([&] { return scene.missing.size() == 2; });
  CHECK(scene.missing[1].find("cannot run './no-such-program'") != std::string::npos);
  CHECK(scene.started == 0);
  scene.stop();
}

TEST_CASE("what is added to the environment goes before ours, which stays") {
  Scene scene;
  scene.make({"sh", "-c", "echo \"$GREETING $HOME $PATH\"; exec sleep 100"}, {},
             {{}, {}, {{"GREETING", "hi there"}, {"HOME", "/nowhere"}}});
  REQUIRE(scene.child->start());
  scene.run_until([&] { return scene.output.find('\n') != std::string::npos; });
  CHECK(scene.output.starts_with("hi there /nowhere "));
  CHECK(scene.output.find("/bin") != std::string::npos);
  scene.stop();
}

TEST_CASE("what a child says holds none of the keys that it was given") {
  Scene scene;
  // The second time across the place where a long line is cut.
  scene.make(
      {"sh", "-c",
       "echo \"key $MODEL_KEY\" >&2; printf '%4088s%s\\n' '' \"$MODEL_KEY\" >&2; echo over; exec sleep 100"},
      {}, {{}, {}, {{"MODEL_KEY", "hush-hush-hush-hush"}}});
  REQUIRE(scene.child->start());
  scene.run_until([&] { return scene.output == "over\n"; });
  scene.stop();
  CHECK(scene.log.find("key [key]") != std::string::npos);
  CHECK(scene.log.find("hush-hu") == std::string::npos);
}

TEST_CASE("what a child started in a session of its own keeps it neither from a restart nor from a stop") {
  Scene scene;
  scene.make({"sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' & read go; exit 3"}, {1, 1});
  REQUIRE(scene.child->start());
  std::vector<int> strays;
  const auto next = [&] {
    scene.run_until([&] { return scene.output.ends_with("\n"); });
    strays.push_back(std::stoi(scene.output));
    scene.output.clear();
  };
  next();
  scene.child->child()->write(std::make_shared<const std::string>("go\n"), [](bool) {});
  next();
  CHECK(scene.ends.size() == 1);
  CHECK(scene.started == 2);
  scene.stop();
  for (const int stray : strays) {
    CHECK(::kill(stray, 0) == 0);
    ::kill(stray, SIGKILL);
  }
}

TEST_CASE("one that is destroyed without a stop leaves nothing running") {
  Scene scene;
  scene.make({"sh", "-c", "echo up; exec sleep 100"}, {});
  REQUIRE(scene.child->start());
  scene.run_until([&] { return scene.output == "up\n"; });
  const int pid = scene.child->child()->pid();
  scene.child.reset();
  scene.run_until([&] { return ::kill(pid, 0) != 0; });
}

}  // namespace colloquium::loop
