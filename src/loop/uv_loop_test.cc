#include "loop/uv_loop.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "base/logging.h"
#include "base/thread_executor.h"

namespace colloquium::loop {
namespace {

// A loop that is closed at the end of the test.
class Fixture {
 public:
  explicit Fixture(UvLoopOptions options = {}) : loop(UvLoop::create(executor, options).value()) {}
  ~Fixture() {
    if (!closed) loop->close();
  }
  ThreadExecutor executor;
  std::unique_ptr<UvLoop> loop;
  bool closed = false;
};

struct Witness final : Destroyable {
  explicit Witness(std::function<void()> on_death) : died(std::move(on_death)) {}
  ~Witness() override { died(); }
  std::function<void()> died;
};

TEST_CASE("posted tasks run in order, and what they post comes after") {
  Fixture f;
  std::string order;
  REQUIRE(f.loop->post([&] {
    order += "a";
    CHECK(f.loop->post([&] {
      order += "c";
      f.loop->stop();
    }));
  }));
  REQUIRE(f.loop->post([&] { order += "b"; }));
  CHECK(f.loop->posted_depth() == 2);
  f.loop->run();
  CHECK(order == "abc");
}

TEST_CASE("posts of several threads all arrive, in order per thread") {
  constexpr int kPerThread = 5000;
  Fixture f;
  int next[3] = {0, 0, 0};
  bool in_order = true;
  int left = 3 * kPerThread;
  auto posters = f.executor.make_queue("posters", 3, 3);
  for (int thread = 0; thread < 3; ++thread) {
    REQUIRE(posters->post([&, thread] {
      for (int i = 0; i < kPerThread; ++i) {
        (void)f.loop->post([&, thread, i] {
          in_order = in_order && next[thread]++ == i && f.loop->is_current();
          if (--left == 0) f.loop->stop();
        });
      }
    }));
  }
  f.loop->run();
  CHECK(in_order);
  CHECK(left == 0);
}

TEST_CASE("a stop that comes first ends the next run, and the loop can run again") {
  Fixture f;
  f.loop->stop();
  f.loop->run();
  bool ran = false;
  REQUIRE(f.loop->post([&] {
    ran = true;
    f.loop->stop();
  }));
  f.loop->run();
  CHECK(ran);
}

TEST_CASE("timers fire in the order they are due") {
  Fixture f;
  std::string order;
  auto late = f.loop->start_timer(20, [&] {
    order += "late";
    f.loop->stop();
  });
  auto soon = f.loop->start_timer(5, [&] { order += "soon "; });
  auto now = f.loop->start_timer(0, [&] { order += "now "; });
  auto past = f.loop->start_timer(-3, [&] { order += "past "; });
  f.loop->run();
  CHECK(order == "now past soon late");
}

TEST_CASE("a timer never fires early") {
  Fixture f;
  constexpr int kTimers = 200;
  constexpr auto kDelay = std::chrono::milliseconds(3);
  int early = 0;
  int left = kTimers;
  std::unique_ptr<Timer> timer;
  std::function<void()> next = [&] {
    // Anywhere within a millisecond, as libuv's clock counts whole ones.
    const auto from = std::chrono::steady_clock::now() + std::chrono::microseconds(left * 37 % 1000);
    while (std::chrono::steady_clock::now() < from) {
    }
    const auto due = std::chrono::steady_clock::now() + kDelay;
    timer = f.loop->start_timer(kDelay.count(), [&, due] {
      early += std::chrono::steady_clock::now() < due;
      if (--left == 0) return f.loop->stop();
      next();
    });
  };
  next();
  f.loop->run();
  CHECK(early == 0);
}

TEST_CASE("a destroyed timer never fires and lets its task go at once") {
  Fixture f;
  const int64_t delay_ms = GENERATE(0, 1);
  auto held = std::make_shared<int>(1);
  bool fired = false;
  auto timer = f.loop->start_timer(delay_ms, [&fired, held] { fired = true; });
  timer.reset();
  CHECK(held.use_count() == 1);
  auto end = f.loop->start_timer(10, [&] { f.loop->stop(); });
  f.loop->run();
  CHECK_FALSE(fired);
}

TEST_CASE("a timer may be destroyed inside its own task") {
  Fixture f;
  const int64_t delay_ms = GENERATE(0, 1);
  std::unique_ptr<Timer> timer;
  std::string text = "the task outlives its timer";
  std::string seen;
  timer = f.loop->start_timer(delay_ms, [&, text] {
    timer.reset();
    seen = text;
    f.loop->stop();
  });
  f.loop->run();
  CHECK(seen == text);
  CHECK(timer == nullptr);
}

TEST_CASE("a timer without delay that restarts itself lets other tasks through") {
  Fixture f;
  std::unique_ptr<Timer> timer;
  bool stopped = false;
  std::function<void()> again = [&] {
    if (!stopped) timer = f.loop->start_timer(0, [&] { again(); });
  };
  auto first = f.loop->start_timer(1, [&] {
    again();
    (void)f.loop->post([&] {
      stopped = true;
      f.loop->stop();
    });
  });
  f.loop->run();
  CHECK(stopped);
}

TEST_CASE("turn ends come after every task of the turn, whatever began the turn") {
  Fixture f;
  std::string order;
  SECTION("a post") {
    REQUIRE(f.loop->post([&] {
      f.loop->at_turn_end([&] {
        order += "end";
        f.loop->stop();
      });
      order += "first ";
    }));
    REQUIRE(f.loop->post([&] { order += "second "; }));
    f.loop->run();
    CHECK(order == "first second end");
  }
  SECTION("a timer") {
    auto timer = f.loop->start_timer(1, [&] {
      f.loop->at_turn_end([&] {
        order += "end";
        f.loop->stop();
      });
      order += "timer ";
    });
    f.loop->run();
    CHECK(order == "timer end");
  }
  SECTION("a turn end") {
    f.loop->at_turn_end([&] {
      order += "first ";
      f.loop->at_turn_end([&] {
        order += "next";
        f.loop->stop();
      });
    });
    f.loop->run();
    CHECK(order == "first next");
  }
}

TEST_CASE("a turn ends after the callbacks of every socket that was ready") {
  Fixture f;
  struct Watched {
    uv_poll_t poll{};
    int ends[2] = {-1, -1};
    std::function<void()> ready;
  };
  Watched watched[2];
  std::string order;
  for (Watched& w : watched) {
    REQUIRE(uv_pipe(w.ends, 0, 0) == 0);
    REQUIRE(::write(w.ends[1], "x", 1) == 1);
    REQUIRE(uv_poll_init(f.loop->handle(), &w.poll, w.ends[0]) == 0);
    w.poll.data = &w;
    w.ready = [&] {
      order += "socket ";
      uv_poll_stop(&w.poll);
      f.loop->at_turn_end([&] { order += "end "; });
      if (order.find("end") == std::string::npos && order.size() > 7) f.loop->stop();
    };
    uv_poll_start(&w.poll, UV_READABLE,
                  [](uv_poll_t* poll, int, int) { static_cast<Watched*>(poll->data)->ready(); });
  }
  f.loop->run();
  CHECK(order == "socket socket end end ");
  for (Watched& w : watched) uv_close(reinterpret_cast<uv_handle_t*>(&w.poll), nullptr);
  f.loop->close();
  f.closed = true;
  for (const Watched& w : watched) {
    ::close(w.ends[0]);
    ::close(w.ends[1]);
  }
}

// Counts libuv's iterations while only a distant timer is there.
TEST_CASE("a loop with nothing to do does not spin after a turn end") {
  Fixture f;
  f.loop->at_turn_end([] {});
  int iterations = 0;
  uv_prepare_t prepare;
  uv_prepare_init(f.loop->handle(), &prepare);
  prepare.data = &iterations;
  uv_prepare_start(&prepare, [](uv_prepare_t* p) { ++*static_cast<int*>(p->data); });
  auto end = f.loop->start_timer(30, [&] { f.loop->stop(); });
  f.loop->run();
  CHECK(iterations < 10);
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare), nullptr);
  end.reset();
  f.loop->close();
  f.closed = true;
}

TEST_CASE("offloaded work runs off the loop and its end on it") {
  Fixture f;
  bool work_on_loop = true;
  bool done_on_loop = false;
  REQUIRE(f.loop->offload([&] { work_on_loop = f.loop->is_current(); },
                          [&] {
                            done_on_loop = f.loop->is_current();
                            f.loop->stop();
                          }));
  f.loop->run();
  CHECK_FALSE(work_on_loop);
  CHECK(done_on_loop);
}

TEST_CASE("a full offload pool refuses") {
  Fixture f({.offload_width = 1, .offload_capacity = 1});
  auto started = f.executor.make_signal();
  auto release = f.executor.make_signal();
  int done = 0;
  REQUIRE(f.loop->offload(
      [&] {
        started->set();
        release->wait();
      },
      [&] { ++done; }));
  REQUIRE(started->wait());
  CHECK(f.loop->offload([] {},
                        [&] {
                          ++done;
                          f.loop->stop();
                        }));
  CHECK(f.loop->offload_depth() == 1);
  CHECK_FALSE(f.loop->offload([] {}, [&] { ++done; }));
  release->set();
  f.loop->run();
  CHECK(done == 2);
}

TEST_CASE("close finishes offloaded work, posts and doomed objects, then refuses") {
  Fixture f;
  std::string order;
  REQUIRE(f.loop->offload([] {},
                          [&] {
                            order += "offloaded ";
                            CHECK_FALSE(f.loop->offload([] {}, [] {}));
                          }));
  REQUIRE(f.loop->post([&] { order += "posted "; }));
  f.loop->destroy_later(std::make_unique<Witness>([&] {
    order += "dead ";
    // A destructor may still post; the loop is not closed before that ran too.
    (void)f.loop->post([&] { order += "last "; });
  }));
  f.loop->close();
  f.closed = true;
  CHECK_THAT(order, Catch::Contains("offloaded ") && Catch::Contains("posted ") && Catch::Contains("dead last "));
  CHECK_FALSE(f.loop->post([&] { order += "never"; }));
  CHECK_THAT(order, !Catch::Contains("never"));
}

TEST_CASE("posting threads may race with close, and a post is either run or refused") {
  for (int round = 0; round < 20; ++round) {
    Fixture f;
    std::atomic<int> taken{0};
    int ran = 0;
    auto posters = f.executor.make_queue("posters", 2, 2);
    auto go = f.executor.make_signal();
    for (int thread = 0; thread < 2; ++thread) {
      REQUIRE(posters->post([&] {
        go->wait();
        for (int i = 0; i < 200; ++i) {
          if (f.loop->post([&] { ++ran; })) ++taken;
        }
      }));
    }
    go->set();
    f.loop->close();
    f.closed = true;
    posters.reset();
    REQUIRE(ran == taken);
  }
}

TEST_CASE("a doomed object outlives the turn in which it was doomed") {
  Fixture f;
  std::string order;
  REQUIRE(f.loop->post([&] {
    f.loop->destroy_later(std::make_unique<Witness>([&] {
      order += "dead";
      f.loop->stop();
    }));
    f.loop->at_turn_end([&] { order += "turn end "; });
    order += "alive ";
  }));
  f.loop->run();
  CHECK(order == "alive turn end dead");
}

TEST_CASE("a signal runs its task each time") {
  Fixture f;
  int signals = 0;
  REQUIRE(f.loop->on_signal(SIGUSR1, [&] {
    if (++signals == 2) {
      f.loop->stop();
    } else {
      std::raise(SIGUSR1);
    }
  }));
  std::raise(SIGUSR1);
  f.loop->run();
  CHECK(signals == 2);
}

TEST_CASE("a signal that cannot be watched is an error, and the loop still closes") {
  Fixture f;
  const Status refused = f.loop->on_signal(SIGKILL, [] {});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("signal 9"));
}

TEST_CASE("slow callbacks are counted, and logged once a second") {
  std::vector<std::string> lines;
  set_log_writer([&](std::string_view line) { lines.emplace_back(line); });
  Fixture f({.slow_callback_ms = 1});
  const auto dawdle = [] {
    const uint64_t start_ns = UvLoop::callback_clock_ns();
    while (UvLoop::callback_clock_ns() - start_ns < 2'000'000) {
    }
  };
  REQUIRE(f.loop->post(dawdle));
  REQUIRE(f.loop->post(dawdle));
  auto timer = f.loop->start_timer(1, [&] {
    dawdle();
    f.loop->stop();
  });
  f.loop->run();
  set_log_writer(nullptr);
  CHECK(f.loop->slow_callbacks() >= 3);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("what=posted task") && Catch::Contains("budget_ms=1"));
}

}  // namespace
}  // namespace colloquium::loop
