// What holds of scripts whatever they are: those of the conformance files, all that they begin with, random bytes,
// random scripts of every operator, and texts made to take too much. Test cases tagged [whole] are the same for
// longer.

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "colloquium/batch.h"

#include "computo/event_evaluator.h"
#include "computo/program.h"
#include "tests/computo/script_checks.h"
#include "tests/computo/script_maker.h"
#include "tests/computo/vector_files.h"
#include "tests/sanitized.h"

namespace colloquium::computo {
namespace {

using testing::check_conversion;
using testing::check_evaluation;
using testing::evaluated;
using testing::random_choices;
using testing::ScriptMaker;

struct Vector {
  std::string script;
  bool sugar = false;
  std::string input = "null";
};

void read_vector(const json::ValueView& vector, std::vector<Vector>& out) {
  const auto script = vector.member("script");
  if (!script || vector.member("mode")) return;
  std::string scratch;
  Vector read;
  read.sugar = vector.member("syntax")->string(scratch) == "sugar";
  if (read.sugar && script->type() != TokenType::kString) return;
  read.script = read.sugar ? script->string(scratch) : script->raw();
  const auto inputs = vector.member("inputs");
  if (inputs && inputs->count() > 0) read.input = inputs->first_child().raw();
  out.push_back(std::move(read));
}

const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all = [] {
    std::vector<Vector> read;
    each_vector([&](const json::ValueView& vector) { read_vector(vector, read); });
    return read;
  }();
  return all;
}

void require_none(const std::string& wrong, const std::string& script) {
  if (wrong.empty()) return;
  INFO(script);
  FAIL(wrong);
}

// Compiles it in any way there is, and runs what compiles. True if something did.
bool try_text(std::string_view text) {
  bool compiled = false;
  for (const auto compile : {compile_json, compile_sugar, compile_source}) {
    // Which is one of the two before.
    if (compile == compile_source && text.size() > 100'000) continue;
    CompileFailure failure;
    const ProgramPtr program = compile(text, {}, failure);
    REQUIRE((program == nullptr) != failure.errors.empty());
    if (program == nullptr) {
      REQUIRE(!failure.errors.front().problem.empty());
      continue;
    }
    compiled = true;
    Evaluator evaluator(program, testing::small_limits());
    std::vector<char> bytes;
    if (evaluator.evaluate({}) && evaluator.write(bytes, nullptr)) {
      REQUIRE(!bytes.empty());
    } else {
      REQUIRE(!evaluator.error().problem.empty());
    }
  }
  return compiled;
}

void check_random_scripts(uint32_t first_seed, uint32_t count) {
  uint32_t values = 0;
  for (uint32_t seed = first_seed; seed < first_seed + count; ++seed) {
    ScriptMaker maker(random_choices(seed));
    const std::string script = maker.script(1 + seed % 7);
    const std::string input = maker.data(4);
    require_none(check_evaluation(script, input), script);
    require_none(check_conversion(script, input), script);
    values += !evaluated(script, input).starts_with("error");
  }
  CHECK(values > count / 5);
}

void check_random_bytes(uint32_t seed, int count) {
  std::mt19937 random(seed);
  static constexpr std::string_view kMarks = "[]{}(),:\"\\/$=+-*<>!.eE0123456789 \n\tabinputlethfs";
  for (int i = 0; i < count; ++i) {
    std::string text(random() % 60, '\0');
    const bool marks = i % 3 != 0;
    for (char& c : text) c = marks ? kMarks[random() % kMarks.size()] : static_cast<char>(random());
    try_text(text);
  }
}

// What one child process came to.
struct Spent {
  bool done = false;  // ended by itself, content
  double cpu_seconds = 0;
  long most_memory_mib = 0;
};

// In a process of its own: what the work takes is counted, and a crash is only the child's.
Spent in_child(const std::function<bool()>& work) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit seconds{static_cast<rlim_t>(60 * kSlower), static_cast<rlim_t>(60 * kSlower)};
    setrlimit(RLIMIT_CPU, &seconds);
    _exit(work() ? 0 : 1);
  }
  int status = 0;
  rusage usage{};
  REQUIRE(wait4(child, &status, 0, &usage) == child);
  Spent spent;
  spent.done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + t.tv_usec * 1e-6; };
  spent.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  spent.most_memory_mib = usage.ru_maxrss / 1024;
  return spent;
}

std::string repeated(std::string_view text, size_t count, std::string_view between = "") {
  std::string out;
  out.reserve((text.size() + between.size()) * count);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += between;
    out += text;
  }
  return out;
}

enum class Expected { kProgram, kRefused, kEither };

// The text is compiled as JSON and as sugar, and run, in bounded time and memory.
void check_bounds(const std::string& name, const std::string& text, Expected expected) {
  INFO(name << ", " << text.size() << " bytes");
  const Spent spent = in_child([&] {
    const bool compiled = try_text(text);
    return expected == Expected::kEither || compiled == (expected == Expected::kProgram);
  });
  CHECK(spent.done);
  CHECK(spent.cpu_seconds < 6 * kSlower);
  if (!(kSlower > 1)) CHECK(spent.most_memory_mib < 1200);
}

}  // namespace

TEST_CASE("every beginning of every script of the conformance files is a value or an error [REQ-031]",
          "[REQ-031]") {
  REQUIRE(vectors().size() > 3000);
  size_t tried = 0;
  for (const Vector& vector : vectors()) {
    // Sanitizers see every tenth.
    if ((kSlower > 1) && ++tried % 10 != 0) continue;
    const size_t most = std::min<size_t>(vector.script.size(), 400);
    for (size_t size = 0; size < most; ++size) try_text(std::string_view(vector.script).substr(0, size));
    CHECK_NOTHROW(try_text(vector.script));
  }
}

TEST_CASE("random bytes are a script or refused") {
  check_random_bytes(1, 60'000 / kSlower);
}

TEST_CASE("random bytes are a script or refused, for longer", "[.][whole]") {
  for (uint32_t seed = 2; seed < 50; ++seed) check_random_bytes(seed, 60'000);
}

TEST_CASE("scripts evaluate alike whatever was evaluated before, optimised or not, and as sugar") {
  check_random_scripts(1, 12'000 / kSlower);
}

TEST_CASE("scripts evaluate alike in every way, for longer", "[.][whole]") {
  check_random_scripts(1'000'000, 1'000'000);
}

TEST_CASE("the scripts of the conformance files evaluate alike, optimised or not, and as sugar") {
  for (const Vector& vector : vectors()) {
    if (vector.sugar) continue;
    require_none(check_evaluation(vector.script, vector.input), vector.script);
    require_none(check_conversion(vector.script, vector.input), vector.script);
  }
}

namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values, size_t begin, size_t end) {
  BatchBuilder builder;
  for (size_t i = begin; i < end; ++i) {
    EventMeta meta;
    meta.offset_delta = static_cast<uint32_t>(i - begin);
    builder.add(values[i], {}, meta);
  }
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

// The results of all events, cut into batches of that size.
std::vector<std::string> results(const ProgramPtr& program, const std::vector<std::string>& values, size_t size) {
  EventEvaluator evaluator(program, nullptr, testing::small_limits());
  std::vector<std::string> out;
  for (size_t begin = 0; begin < values.size(); begin += size) {
    const auto batch = batch_of(values, begin, std::min(begin + size, values.size()));
    for (size_t i = 0; i < batch->size(); ++i) {
      std::vector<char> bytes;
      const bool done = evaluator.evaluate(*batch, i) && evaluator.evaluator().write(bytes, nullptr);
      out.push_back(done ? std::string(bytes.begin(), bytes.end()) : evaluator.failure().message);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a result depends on the event alone, not on batches nor on the thread") {
  const int count = 300 / kSlower;
  for (int seed = 0; seed < count; ++seed) {
    ScriptMaker maker(random_choices(static_cast<uint32_t>(seed) + 77'000));
    CompileFailure failure;
    const std::string script = maker.script(6);
    const ProgramPtr program = compile_json(script, {}, failure);
    REQUIRE(program != nullptr);
    std::vector<std::string> events;
    for (int i = 0; i < 60; ++i) events.push_back(maker.data(i % 5));
    const std::vector<std::string> wanted = results(program, events, 1);
    std::atomic<int> equal{0};
    std::vector<std::thread> threads;
    for (const size_t size : {1, 7, 60}) {
      threads.emplace_back([&, size] { equal += results(program, events, size) == wanted; });
    }
    for (std::thread& thread : threads) thread.join();
    INFO(script);
    REQUIRE(equal == 3);
  }
}

TEST_CASE("scripts of 10 MB are compiled in bounded time and memory", "[REQ-042]") {
  constexpr size_t kBytes = 10'000'000 / kSlower;
  check_bounds("calls", "[" + repeated(R"(["+",1,["$input"]])", kBytes / 18, ",") + "]", Expected::kProgram);
  check_bounds("sugar", "[" + repeated("f(a, $input/b)", kBytes / 15, ",") + "]", Expected::kProgram);
  check_bounds("bindings", "let " + repeated("a = b + 1", kBytes / 10, "\n") + " in a", Expected::kProgram);
  check_bounds("a string", "\"" + std::string(kBytes, 'x') + "\"", Expected::kProgram);
  check_bounds("a number", std::string(kBytes, '1'), Expected::kRefused);
  check_bounds("unknown names", "[" + repeated(R"(["nosuchname"])", kBytes / 15, ",") + "]", Expected::kProgram);
  check_bounds("a comment", "--" + std::string(kBytes, '-'), Expected::kRefused);
  check_bounds("a pointer", R"(["$input",")" + repeated("/a", kBytes / 2) + "\"]", Expected::kProgram);
  check_bounds("a run", repeated("1", kBytes / 2, "+"), Expected::kEither);
}

TEST_CASE("a million nested calls are refused in bounded time and memory", "[REQ-042]") {
  constexpr size_t kDeep = 1'000'000 / kSlower;
  for (const char* opening : {"[", "[\"-\",", "{\"a\":", "[\"let\",[[\"a\",", "(", "-(", "- ", "not ", "f(", "[[",
                              "{a: ", "let a = ", "if 1 then ", "(x) => ", "1 + (", "1 - 1 * (", "a/b/", "a.a("}) {
    check_bounds(opening, repeated(opening, kDeep), Expected::kRefused);
  }
  check_bounds("closed", repeated("[\"-\",", kDeep) + "1" + repeated("]", kDeep), Expected::kRefused);
  check_bounds("mixed operators", repeated("1 - 1 + ", kDeep) + "1", Expected::kRefused);
}

namespace {

// Compiles and runs `["import", "0"]` where every file is what `text` makes of its name.
bool import_all(const std::function<std::string(const std::string&)>& text, std::string& result) {
  CompileOptions options;
  options.import = [&](const std::string& path, const std::string&, std::string& origin, std::string&) {
    origin = path;
    return std::optional<std::string>(text(path));
  };
  CompileFailure failure;
  const ProgramPtr program = compile_json(R"(["import","0"])", options, failure);
  if (program == nullptr) return result = failure.errors.front().problem, true;
  Evaluator evaluator(program, testing::small_limits());
  if (evaluator.evaluate({})) return false;
  result = evaluator.error().problem;
  return true;
}

}  // namespace

TEST_CASE("imports that never end are refused in bounded time and memory") {
  const auto names = [](const std::string& next) { return R"(["import",")" + next + R"("])"; };
  const std::vector<std::function<std::string(const std::string&)>> files = {
      [&](const std::string& path) { return names(path); },
      [&](const std::string& path) { return names(path == "0" ? "1" : "0"); },
      [&](const std::string& path) { return names(std::to_string(std::stol(path) + 1)); },
      [&](const std::string& path) { return "[" + names(path + "0") + "," + names(path + "1") + "]"; },
  };
  for (size_t i = 0; i < files.size(); ++i) {
    INFO("kind " << i);
    const Spent spent = in_child([&] {
      std::string problem;
      return import_all(files[i], problem) && !problem.empty();
    });
    CHECK(spent.done);
    CHECK(spent.cpu_seconds < 6 * kSlower);
    if (!(kSlower > 1)) CHECK(spent.most_memory_mib < 1200);
  }
}

}  // namespace colloquium::computo
