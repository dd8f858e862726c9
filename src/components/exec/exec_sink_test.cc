#include "components/exec/exec_sink.h"

#include <catch2/catch.hpp>

#include "components/exec/exec_fixture_test.h"
#include "config/yaml.h"
#include "io/file_system.h"
#include "tests/temporary_directory.h"

namespace colloquium::components {
namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) builder.add(value, {}, {});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

class Fixture : public ExecLoop {
 public:
  explicit Fixture(const std::string& yaml) {
    services.provide<loop::UvLoop>(loop.get());
    ConfigProblems problems;
    const auto node = config::load_yaml("exec: " + yaml, "p.yaml", problems);
    REQUIRE(node);
    const ParsedConfig config = exec_sink().parse(*node->find("exec"), problems);
    REQUIRE(problems.empty());
    ComponentContext context{*loop, clock, random, services, "p", "out", folder.path()};
    sink = exec_sink().create_sink(config, std::move(context)).value();
    REQUIRE(sink->restore(""));
    REQUIRE(sink->start());
  }
  ~Fixture() { close(); }
  void close() {
    if (!sink) return;
    bool closed = false;
    sink->close([&] { closed = true; });
    CHECK_FALSE(closed);
    run_until([&] { return closed; });
    sink.reset();
  }
  void write(const std::vector<std::string>& values) {
    const size_t index = results.size();
    results.emplace_back();
    sink->write(batch_of(values),
                [this, index](std::vector<EventOutcome> outcomes) { results[index] = outcomes; });
  }
  std::string file(const std::string& name) const {
    const auto text = io::read_file(io::posix_file_system(), folder.path() + "/" + name, 1 << 20);
    return text ? *text : "";
  }

  const TemporaryDirectory folder;
  SystemClock clock;
  SeededRandom random{1};
  Services services;
  std::unique_ptr<Sink> sink;
  std::vector<std::optional<std::vector<EventOutcome>>> results;
};

TEST_CASE("events are lines of the program's input, in order, and their end is the end of its input") {
  Fixture f("{command: [sh, -c, 'cat > got']}");
  f.write({"{\"a\": 1}", "[\n1\n]"});
  f.write({"2"});
  f.run_until([&] { return f.results[1].has_value(); });
  CHECK(f.results[0]->empty());
  f.close();
  CHECK(f.file("got") == "{\"a\": 1}\n[1]\n2\n");
}

TEST_CASE("with acknowledge: line an event is done when the program says so") {
  Fixture f(
      "{command: [sh, -c, 'while read -r line; do while [ ! -e open ]; do sleep 0.01; done; echo \"$line\" >> "
      "got; "
      "echo ok; done'], acknowledge: line}");
  f.write({"1", "2", "3"});
  int turns = 0;
  f.run_until([&] { return ++turns > 50; });
  CHECK_FALSE(f.results[0]);
  REQUIRE(io::posix_file_system().open(f.folder.path() + "/open", io::OpenMode::kCreate));
  f.run_until([&] { return f.results[0].has_value(); });
  CHECK(f.results[0]->empty());
  CHECK(f.file("got") == "1\n2\n3\n");
}

TEST_CASE("what a program that died said nothing of is to be tried again, and it is started again") {
  Fixture f(
      "{command: [sh, -c, 'read -r a; echo ok; read -r b; exit 7'], acknowledge: line, restart: {initial: 1ms}}");
  f.write({"1", "2", "3"});
  f.run_until([&] { return f.results[0].has_value(); });
  REQUIRE(f.results[0]->size() == 3);
  CHECK((*f.results[0])[0].outcome == Outcome::kOk);
  CHECK((*f.results[0])[1].outcome == Outcome::kRetry);
  CHECK((*f.results[0])[2].outcome == Outcome::kRetry);
  CHECK_FALSE((*f.results[0])[1].is_attempt);
  CHECK_THAT((*f.results[0])[1].error.message, Catch::Contains("exit status 7"));
  f.write({"4"});
  f.run_until([&] { return f.results[1].has_value(); });
  CHECK_FALSE(f.sink->broken());
}

TEST_CASE("a program that hangs is killed and started again, and what it did not answer is tried again") {
  const bool reads = GENERATE(false, true);
  // The first one hangs, with or without having read; those behind it work.
  Fixture f(std::string("{command: [sh, -c, 'if [ ! -e hung ]; then touch hung; ") +
            (reads ? "read -r a; echo ok; read -r b; " : "") +
            "while :; do sleep 600; done; fi; while read -r line; do echo \"$line\" >> got; echo ok; done'], "
            "acknowledge: line, timeout: 200ms, restart: {initial: 1ms}}");
  f.write({"1", "2", "3"});
  f.run_until([&] { return f.results[0].has_value(); });
  REQUIRE(f.results[0]->size() == 3);
  CHECK((*f.results[0])[0].outcome == (reads ? Outcome::kOk : Outcome::kRetry));
  CHECK((*f.results[0])[1].outcome == Outcome::kRetry);
  CHECK_THAT((*f.results[0])[2].error.message, Catch::Contains("answered nothing for 200 ms"));
  CHECK_FALSE(f.sink->broken());
  f.run_until([&] {
    const auto& last = f.results.back();
    if (last && last->empty()) return true;
    if (last) f.write({"2", "3"});
    return false;
  });
  CHECK(f.file("got") == "2\n3\n");
}

TEST_CASE("a program that takes no byte is killed, also if it is to answer nothing") {
  Fixture f("{command: [sh, -c, 'while :; do sleep 600; done'], timeout: 100ms, restart: {initial: 1ms}}");
  f.write({"\"" + std::string(1 << 20, 'x') + "\""});
  f.run_until([&] { return f.results[0].has_value(); });
  CHECK((*f.results[0])[0].outcome == Outcome::kRetry);
}

TEST_CASE("a program that is slow, but not as slow as that, is left alone") {
  Fixture f(
      "{command: [sh, -c, 'while read -r line; do sleep 0.1; echo ok; done'], acknowledge: line, timeout: 1s}");
  f.write(std::vector<std::string>(15, "1"));
  f.run_until([&] { return f.results[0].has_value(); });
  CHECK(f.results[0]->empty());
  int turns = 0;
  f.run_until([&] { return ++turns > 50; });
  CHECK_FALSE(f.logged("answered nothing"));
}

TEST_CASE("a program that reads nothing for a while and says what it does instead is left alone") {
  Fixture f(
      "{command: [sh, -c, 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 0.1; echo busy; done; cat > got'], "
      "timeout: 1s}");
  f.write({"\"" + std::string(1 << 20, 'x') + "\""});
  f.run_until([&] { return f.results[0].has_value(); });
  CHECK(f.results[0]->empty());
}

TEST_CASE("while no program runs, writes are to be tried again") {
  Fixture f("{command: [sh, -c, 'exit 1'], restart: {initial: 10m, max: 10m}}");
  f.run_until([&] { return f.logged("started again"); });
  f.write({"1"});
  REQUIRE(f.results[0]);
  CHECK((*f.results[0])[0].outcome == Outcome::kRetry);
}

TEST_CASE("lines that stand for no event are told, and harm nothing") {
  Fixture f("{command: [sh, -c, 'echo hello; while read -r line; do echo ok; done'], acknowledge: line}");
  f.run_until([&] { return f.logged("more lines"); });
  f.write({"1", "2"});
  f.run_until([&] { return f.results[0].has_value(); });
  CHECK(f.results[0]->empty());
}

TEST_CASE("without acknowledgements what the program says goes to the log") {
  Fixture f("{command: [sh, -c, 'echo hello; echo careful >&2; cat > /dev/null']}");
  f.run_until([&] { return f.logged("hello") && f.logged("careful"); });
}

TEST_CASE("a program that goes on after its input ended is stopped") {
  Fixture f("{command: [sh, -c, \"trap '' TERM; while :; do sleep 600; done\"], stop_timeout: 10ms}");
  f.write({"1"});
  f.close();
  REQUIRE(f.results[0]);
}

TEST_CASE("a write that the program never takes ends when the sink is closed") {
  Fixture f("{command: [sleep, '600'], stop_timeout: 10ms}");
  f.write({"\"" + std::string(1 << 20, 'x') + "\""});
  CHECK_FALSE(f.results[0]);
  f.close();
  REQUIRE(f.results[0]->size() == 1);
  CHECK((*f.results[0])[0].outcome == Outcome::kRetry);
}

}  // namespace
}  // namespace colloquium::components
