// ChildTransport over real programs: what comes of a request, and of programs that misbehave.
#include "ai/child_transport.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/logging.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "loop/uv_loop.h"

namespace colloquium::ai {
namespace {

class Fixed final : public Random {
 public:
  uint64_t next() override { return value; }
  uint64_t value = 0;
};

struct Told {
  std::shared_ptr<bool> sent;
  std::optional<int> status;
  std::string body;
  std::optional<Status> end;
};

class Scene {
 public:
  Scene() {
    set_log_writer([this](std::string_view line) { log += std::string(line) + "\n"; });
  }
  ~Scene() {
    if (transport) stop();
    loop->close();
    set_log_writer(nullptr);
  }
  // Of a shell's script.
  void run(const std::string& script, int64_t stall_ms = 60'000) { run_command({"sh", "-c", script}, stall_ms); }
  void run_command(std::vector<std::string> command, int64_t stall_ms = 60'000) {
    AiProgram program;
    program.command = std::move(command);
    program.stall_ms = stall_ms;
    program.restart_initial_ms = program.restart_max_ms = restart_ms;
    transport = std::make_unique<ChildTransport>(*loop, clock, random, "p/own", std::move(program));
  }
  AiTransport::Number ask(const std::string& body = R"({"task":"chat"})", int64_t connect_ms = 30'000) {
    auto told = std::make_shared<Told>();
    AiSending sending;
    told->sent = sending.sent;
    sending.head = [told](const AiHead& head) { told->status = head.status; };
    sending.bytes = [told](std::string_view bytes) { told->body += bytes; };
    sending.done = [told](Status end) { told->end = std::move(end); };
    const auto number = transport->send({"", {{"Authorization", "x"}}, body}, connect_ms, std::move(sending));
    CHECK_FALSE(told->end);
    all[number] = told;
    return number;
  }
  Told& of(AiTransport::Number number) { return *all.at(number); }
  Told& wait(AiTransport::Number number) {
    run_until([&] { return of(number).end.has_value(); });
    return of(number);
  }
  // The test's own time limit ends what never comes true.
  void run_until(std::function<bool()> done) {
    if (done()) return;
    look_again(std::move(done));
    loop->run();
  }
  void stop() {
    for (const auto& [number, told] : all) transport->cancel(number);
    bool closed = false;
    transport->close([&] { closed = true; });
    run_until([&] { return closed; });
    transport.reset();
  }
  size_t logged(const std::string& text) const {
    size_t count = 0;
    for (size_t at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++count;
    return count;
  }

  std::string log;
  int64_t restart_ms = 1;
  SystemClock clock;
  Fixed random;
  ThreadExecutor executor;
  std::unique_ptr<loop::UvLoop> loop = loop::UvLoop::create(executor).value();
  std::unique_ptr<ChildTransport> transport;
  std::map<AiTransport::Number, std::shared_ptr<Told>> all;

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

TEST_CASE("a request is a line with a number, and its lines are the answer") {
  Scene scene;
  scene.run(
      R"(read line; echo "$line" >&2; echo '{"id":1,"text":"a"}'; echo; echo '{"id":1,"finish":"stop"}'; cat)");
  const auto number = scene.ask("{\"task\":\"chat\",\n \"n\": 1\r\n}");
  const Told& told = scene.wait(number);
  CHECK(*told.end);
  CHECK(told.status == 200);
  CHECK(told.body == "{\"id\":1,\"text\":\"a\"}\n{\"id\":1,\"finish\":\"stop\"}\n");
  CHECK(*told.sent);
  CHECK(scene.logged(R"({"id":1,"task":"chat",  "n": 1  })") == 1);
  CHECK(scene.logged("Authorization") == 0);
  CHECK(scene.transport->under_way() == 0);
}

TEST_CASE("many are under way at once, and each gets its own lines") {
  Scene scene;
  scene.run(R"(read a; read b; read c
    for n in 3 1 2 1 3 2; do echo "{\"id\":$n,\"text\":\"$n\"}"; done
    for n in 2 3 1; do echo "{\"id\":$n,\"finish\":\"stop\"}"; done; cat)");
  for (int i = 0; i < 3; ++i) scene.ask();
  for (AiTransport::Number n = 1; n <= 3; ++n) {
    const std::string id = std::to_string(n);
    const std::string line = R"({"id":)" + id + R"(,"text":")" + id + "\"}\n";
    CHECK(scene.wait(n).body == line + line + R"({"id":)" + id + ",\"finish\":\"stop\"}\n");
  }
}

TEST_CASE("a failure at once is a refusal with a status, one later is a part of the answer") {
  Scene scene;
  scene.run(R"(for i in 1 2 3 4 5; do read l; done
    echo '{"id":1,"failure":{"kind":"caller"}}'; echo '{"id":2,"failure":{"kind":"key"}}'
    echo '{"id":3,"failure":{"kind":"throttled"}}'; echo '{"id":4,"failure":"?"}'
    echo '{"id":5}'; echo '{"id":5,"failure":{"kind":"quota"}}'; cat)");
  for (int i = 0; i < 5; ++i) scene.ask();
  const std::vector<int> statuses = {400, 401, 429, 503, 200};
  for (AiTransport::Number n = 1; n <= 5; ++n) {
    CHECK(*scene.wait(n).end);
    CHECK(scene.of(n).status == statuses[n - 1]);
  }
}

TEST_CASE("what is with a program that dies has failed and was sent; what waits goes to the next one") {
  Scene scene;
  // The second time it answers.
  scene.run(R"(read l; case "$l" in '{"id":1,'*) read l; kill -9 $$;; esac
    echo "{\"id\":$(echo "$l" | tr -dc 0-9),\"finish\":\"stop\"}"; cat)");
  const auto one = scene.ask("{\"a\":\"\"}"), two = scene.ask("{\"a\":\"\"}");
  const Told& lost = scene.wait(one);
  REQUIRE_FALSE(*lost.end);
  CHECK(lost.end->error().message == "'sh' ended with signal 9 (Killed)");
  CHECK(lost.end->error().retryable);
  CHECK(*lost.sent);
  CHECK_FALSE(lost.status);
  CHECK_FALSE(*scene.wait(two).end);
  const auto three = scene.ask("{\"a\":\"\"}");
  CHECK(*scene.wait(three).end);
  CHECK(scene.logged("started again: 'sh' ended with signal 9") == 1);
}

TEST_CASE("a program that is not there fails what waits for it, which was not sent") {
  Scene scene;
  scene.run_command({"./no-such-model"});
  const Told& told = scene.wait(scene.ask());
  CHECK(told.end->error().message.find("cannot run './no-such-model'") != std::string::npos);
  CHECK_FALSE(*told.sent);
  const auto later = scene.ask();
  CHECK_FALSE(*scene.wait(later).end);
}

TEST_CASE("what is cancelled is told to the program, and its lines go to nobody") {
  Scene scene;
  scene.run(R"(read l; echo '{"id":1,"text":"a"}'; read c; echo "$c" >&2
    echo '{"id":1,"text":"b"}'; echo '{"id":1,"finish":"stop"}'; read l; echo '{"id":2,"finish":"stop"}'; cat)");
  const auto one = scene.ask();
  scene.run_until([&] { return scene.of(one).status.has_value(); });
  scene.transport->cancel(one);
  scene.transport->cancel(one);
  const auto two = scene.ask();
  CHECK(*scene.wait(two).end);
  CHECK(scene.logged(R"({"id":1,"cancel":true})") == 1);
  CHECK_FALSE(scene.of(one).end);
  CHECK(scene.of(one).body == "{\"id\":1,\"text\":\"a\"}\n");
  CHECK(scene.logged("no answer is left out") == 0);
}

TEST_CASE("lines that are no answers are left out and told, but not each of them") {
  Scene scene;
  scene.run(R"(read l; for i in 1 2 3 4 5; do echo loading; done; echo '{"text":"whose?"}'; echo '{"id":99}'
    echo '{"id":"1"}'; echo '[1]'; echo '{"id":1,"finish":"stop"}'; cat)");
  CHECK(*scene.wait(scene.ask()).end);
  CHECK(scene.logged("no answer is left out") == 3);
}

TEST_CASE("a program that says nothing else is killed") {
  Scene scene;
  scene.run(R"(read l; i=0; while [ $i -lt 200 ]; do echo rubbish; i=$((i+1)); done; cat)");
  CHECK(scene.wait(scene.ask()).end->error().message ==
        "'sh' was killed: it wrote 100 lines in a row that are no answers");
}

TEST_CASE("a line without an end does not fill the memory") {
  Scene scene;
  scene.run(R"(read l; echo '{"id":1,"text":"a"}'; cat /dev/zero)");
  const Told& told = scene.wait(scene.ask());
  CHECK(told.end->error().message == "'sh' was killed: it wrote a line of more than 16 MiB");
  CHECK(told.body == "{\"id\":1,\"text\":\"a\"}\n");
}

TEST_CASE("a program that doesn't stop telling what was cancelled is killed") {
  Scene scene;
  scene.run(R"(read l; read c; yes '{"id":1,"text":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}')");
  const auto one = scene.ask();
  scene.run_until([&] { return *scene.of(one).sent; });
  scene.transport->cancel(one);
  scene.run_until([&] { return scene.logged("it goes on with what was cancelled") > 0; });
}

TEST_CASE("a program that has closed its input is killed once it owes nothing and something waits") {
  Scene scene;
  scene.run(R"(read l; exec 0<&-; trap 'echo "{\"id\":1,\"finish\":\"stop\"}"' USR1; echo "<$$>" >&2
    echo '{"id":1}'; while true; do sleep 600 & wait; done)");
  const auto one = scene.ask();
  scene.run_until([&] { return scene.of(one).status.has_value() && scene.logged("<") == 1; });
  scene.transport->cancel(one);
  const auto two = scene.ask();
  CHECK_FALSE(*scene.of(two).sent);
  ::kill(std::stoi(scene.log.substr(scene.log.find('<') + 1)), SIGUSR1);
  scene.run_until([&] { return *scene.of(two).sent; });
  CHECK(scene.logged("it has closed its standard input") == 1);
  CHECK_FALSE(scene.of(two).end);
}

TEST_CASE("a program that owes an answer and is silent is killed, one that says it is at it is not") {
  Scene scene;
  scene.run("read l; read l", 20);
  CHECK(scene.wait(scene.ask()).end->error().message.find("said nothing for 20 ms") != std::string::npos);
  scene.stop();
  // Ten beats of half of the time: each is awaited by the program itself.
  scene.run(R"(read l; i=0; while [ $i -lt 10 ]; do sleep 0.1; echo '{"id":1}'; i=$((i+1)); done
    echo '{"id":1,"finish":"stop"}'; cat)",
            900);
  CHECK(*scene.wait(scene.ask()).end);
}

std::string body_of(size_t bytes) {
  return "{\"a\":\"" + std::string(bytes, 'x') + "\"}";
}

TEST_CASE("a request that is too large was not sent and never will be, and those behind it go on") {
  Scene scene;
  scene.run(R"(read l; echo '{"id":2,"finish":"stop"}'; cat)");
  const auto large = scene.ask(body_of(size_t{17} << 20)), small = scene.ask();
  const Error& error = scene.wait(large).end->error();
  CHECK(error.message.find("the request is larger than 16 MiB") != std::string::npos);
  CHECK_FALSE(error.retryable);
  CHECK_FALSE(*scene.of(large).sent);
  CHECK(*scene.wait(small).end);
}

TEST_CASE("what the program's pipe has not taken was not sent when it dies, and goes to the next one") {
  Scene scene;
  // It reads nothing, and no pipe takes a megabyte.
  scene.run("echo \"<$$>\" >&2; exec sleep 600");
  const auto one = scene.ask(body_of(1 << 20)), two = scene.ask(body_of(1 << 20)), three = scene.ask();
  scene.run_until([&] { return *scene.of(one).sent && scene.logged("<") == 1; });
  CHECK_FALSE(*scene.of(two).sent);
  ::kill(std::stoi(scene.log.substr(scene.log.find('<') + 1)), SIGKILL);
  CHECK_FALSE(*scene.wait(one).end);
  CHECK_FALSE(scene.of(two).end);
  scene.run_until([&] { return *scene.of(two).sent; });
  CHECK_FALSE(*scene.of(three).sent);
  scene.transport->cancel(three);
  CHECK(scene.logged("sent") == 0);
}

TEST_CASE("lines that are left out are told without the keys that the program was given") {
  Scene scene;
  AiProgram program;
  program.command = {"sh", "-c", R"(read l; echo "my key is $MODEL_KEY"; echo '{"id":1,"finish":"stop"}'; cat)"};
  program.environment = {{"MODEL_KEY", "hush-hush-hush"}};
  scene.transport =
      std::make_unique<ChildTransport>(*scene.loop, scene.clock, scene.random, "p/own", std::move(program));
  CHECK(*scene.wait(scene.ask()).end);
  CHECK(scene.logged("my key is [key]") == 1);
  CHECK(scene.logged("hush") == 0);
}

TEST_CASE("a request that finds no program in time was not sent, and is told why there is none") {
  Scene scene;
  scene.restart_ms = 3'600'000;
  scene.random.value = 3'500'000;
  scene.run("exit 3");
  scene.wait(scene.ask());
  const Told& late = scene.wait(scene.ask("{\"a\":1}", 1));
  CHECK(late.end->error().message == "no program could be asked in time: 'sh' ended with exit status 3");
  CHECK_FALSE(*late.sent);
}

TEST_CASE("a stop ends a program that ignores SIGTERM, too") {
  Scene scene;
  AiProgram program;
  program.command = {"sh", "-c", "trap '' TERM; echo up >&2; while true; do read l || sleep 0.01; done"};
  program.stop_ms = 20;
  scene.transport =
      std::make_unique<ChildTransport>(*scene.loop, scene.clock, scene.random, "p/own", std::move(program));
  scene.ask();
  scene.run_until([&] { return scene.logged("up") > 0; });
  scene.stop();
  CHECK(scene.logged("started again") == 0);
}

TEST_CASE("one that never was asked has nothing to stop") {
  Scene scene;
  scene.run("exit 1");
  scene.stop();
  CHECK(scene.log.empty());
}

}  // namespace
}  // namespace colloquium::ai
