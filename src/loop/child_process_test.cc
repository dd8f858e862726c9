#include "loop/child_process.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <optional>
#include <unistd.h>

#include "base/thread_executor.h"
#include "loop/uv_loop.h"

namespace colloquium::loop {
namespace {

class Fixture {
 public:
  ~Fixture() {
    child.reset();
    loop->close();
  }

  Status start(std::vector<std::string> command, const std::string& directory = "") {
    ChildEvents events;
    events.output = [this](std::string_view bytes) { output += bytes; };
    events.errors = [this](std::string_view bytes) { errors += bytes; };
    events.ended = [this](ChildExit how) { exit = how; };
    TRY_ASSIGN(child, ChildProcess::start(*loop, {std::move(command), directory}, std::move(events)));
    return {};
  }
  // Turns the loop until `done` holds; the test's own time limit ends what never does.
  void run_until(std::function<bool()> done) {
    if (done()) return;
    look_again(std::move(done));
    loop->run();
  }
  void run_to_end() {
    run_until([this] { return exit.has_value(); });
  }

  ThreadExecutor executor;
  std::unique_ptr<UvLoop> loop = UvLoop::create(executor).value();
  std::unique_ptr<ChildProcess> child;
  std::unique_ptr<Timer> timer;
  std::string output;
  std::string errors;
  std::optional<ChildExit> exit;

 private:
  void look_again(std::function<bool()> done) {
    timer = loop->start_timer(1, [this, done] {
      const auto fired = std::move(timer);
      if (done()) return loop->stop();
      look_again(done);
    });
  }
};

TEST_CASE("a child's outputs come apart, and its end last") {
  Fixture f;
  REQUIRE(f.start({"sh", "-c", "echo out; echo err >&2; exit 3"}));
  CHECK(f.child->pid() > 0);
  f.run_to_end();
  CHECK(f.output == "out\n");
  CHECK(f.errors == "err\n");
  CHECK(f.exit->status == 3);
  CHECK_FALSE(f.exit->is_clean());
  CHECK(f.exit->describe() == "exit status 3");
}

TEST_CASE("what is written arrives, and the end of the input ends who reads it") {
  Fixture f;
  REQUIRE(f.start({"cat"}));
  std::string big(3 << 20, 'x');
  int written = 0;
  f.child->write(std::make_shared<const std::string>("a"), [&](bool ok) { written += ok ? 1 : 0; });
  f.child->write(std::make_shared<const std::string>(big), [&](bool ok) {
    written += ok ? 1 : 0;
    f.child->close_input();
  });
  f.run_to_end();
  CHECK(written == 2);
  CHECK(f.output == "a" + big);
  CHECK(f.exit->is_clean());
}

TEST_CASE("a write that nobody takes any more says so") {
  Fixture f;
  REQUIRE(f.start({"true"}));
  f.run_to_end();
  std::optional<bool> late;
  f.child->write(std::make_shared<const std::string>("x"), [&](bool ok) { late = ok; });
  CHECK_FALSE(late);
  f.run_until([&] { return late.has_value(); });
  CHECK_FALSE(*late);
}

TEST_CASE("an output that is not read makes the child wait, and is complete afterwards") {
  Fixture f;
  REQUIRE(f.start({"sh", "-c", "head -c 1000000 /dev/zero; echo over >&2"}));
  f.child->pause_output(true);
  f.child->pause_output(true);
  int turns = 0;
  f.run_until([&] { return ++turns > 20; });
  CHECK(f.output.empty());
  CHECK(f.errors.empty());
  f.child->pause_output(false);
  f.child->pause_output(false);
  f.run_to_end();
  CHECK(f.output.size() == 1'000'000);
  CHECK(f.errors == "over\n");
}

TEST_CASE("a signal reaches whatever the child started") {
  Fixture f;
  REQUIRE(f.start({"sh", "-c", "sleep 600 & echo $!; wait"}));
  f.run_until([&] { return f.output.ends_with("\n"); });
  const pid_t grandchild = std::stoi(f.output);
  CHECK(::kill(grandchild, 0) == 0);
  f.child->signal(SIGTERM);
  f.run_to_end();
  CHECK(f.exit->signal == SIGTERM);
  CHECK(f.exit->describe() == "signal 15 (Terminated)");
  f.run_until([&] { return ::kill(grandchild, 0) != 0; });
}

TEST_CASE("a grandchild that holds the pipes open does not outlive the child") {
  Fixture f;
  REQUIRE(f.start({"sh", "-c", "sleep 600 & exit 0"}));
  f.run_to_end();
  CHECK(f.exit->is_clean());
}

// What left the group of a child, with its pipes.
class Stray {
 public:
  ~Stray() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  }
  // `rest` is what the child does when it may.
  static std::vector<std::string> command(const std::string& rest) {
    return {"sh", "-c", "setsid sh -c 'echo $$; exec sleep 600' & read go; " + rest};
  }
  void await(Fixture& f) {
    f.run_until([&] { return f.output.ends_with("\n"); });
    pid_ = std::stoi(f.output);
    f.output.clear();
  }
  bool runs() const { return ::kill(pid_, 0) == 0; }

 private:
  pid_t pid_ = 0;
};

TEST_CASE("a grandchild in a session of its own, with the pipes, does not keep a child from ending") {
  Fixture f;
  Stray stray;
  REQUIRE(f.start(Stray::command("head -c 50000 /dev/zero; echo last >&2; exit 3")));
  stray.await(f);
  f.child->write(std::make_shared<const std::string>("go\n"), [](bool) {});
  f.run_to_end();
  CHECK(f.exit->status == 3);
  CHECK(f.output.size() == 50'000);
  CHECK(f.errors == "last\n");
  CHECK(stray.runs());
}

TEST_CASE("what a child left is read before it ends, also if that had to wait") {
  Fixture f;
  Stray stray;
  REQUIRE(f.start(Stray::command("echo $PPID >&2; echo words; kill -9 $$")));
  stray.await(f);
  f.child->pause_output(true);
  f.child->write(std::make_shared<const std::string>("go\n"), [](bool) {});
  const pid_t pid = f.child->pid();
  f.run_until([&] { return ::kill(pid, 0) != 0; });
  CHECK_FALSE(f.exit);
  f.child->pause_output(false);
  f.run_to_end();
  CHECK(f.exit->signal == SIGKILL);
  CHECK(f.output == "words\n");
}

TEST_CASE("destruction kills the child and tells nobody") {
  Fixture f;
  REQUIRE(f.start({"sh", "-c", "echo $$; sleep 600"}));
  f.run_until([&] { return f.output.ends_with("\n"); });
  const pid_t pid = f.child->pid();
  f.child.reset();
  f.run_until([&] { return ::kill(pid, 0) != 0; });
  CHECK_FALSE(f.exit);
}

TEST_CASE("a program that is not there, or a folder, is named") {
  Fixture f;
  const Status program = f.start({"no-such-program-anywhere"});
  REQUIRE_FALSE(program);
  CHECK(program.error().code == ErrorCode::kNotFound);
  CHECK_THAT(program.error().message, Catch::Contains("no-such-program-anywhere"));
  const Status folder = f.start({"true"}, "/no/such/folder");
  REQUIRE_FALSE(folder);
  CHECK_THAT(folder.error().message, Catch::Contains("/no/such/folder"));
  CHECK_FALSE(f.exit);
}

}  // namespace
}  // namespace colloquium::loop
