#include "components/ai/ai_stage.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/manual_clock.h"
#include "config/yaml.h"
#include "loop/test_loop.h"
#include "tests/temporary_directory.h"

namespace colloquium::components {
namespace {

// Answers when it is told to.
class HeldCalls final : public AiCalls {
 public:
  Status check(const AiQuestion& question) const override {
    for (const AiModelChoice& model : question.models) {
      if (model.provider != "fake") return fail(ErrorCode::kInvalidConfig, "no provider '" + model.provider + "'");
    }
    return {};
  }
  Number ask(AiQuestion question, AiAnswered answered, AiListen) override {
    asked.push_back(std::move(question));
    const Number number = asked.size();
    held.emplace(number, std::move(answered));
    return number;
  }
  void reject(const std::string& call) override { rejected.push_back(call); }
  void cancel(Number number) override {
    cancelled.insert(number);
    held.erase(number);
  }
  Number count(AiQuestion, AiCounted) override { return 0; }
  void settled(const std::string& who, const std::string& partition, int64_t offset) override {
    settled_below[who + " " + partition] = offset;
  }

  void end(Number number, AiOutcome outcome) {
    AiAnswered answered = std::move(held.at(number));
    held.erase(number);
    answered(std::move(outcome));
  }
  void say(Number number, std::string text) {
    AiOutcome outcome;
    outcome.answer.emplace();
    outcome.answer->text = std::move(text);
    outcome.answer->call = "call-" + std::to_string(number);
    outcome.answer->model = asked.at(number - 1).models.at(0);
    end(number, std::move(outcome));
  }
  void refuse(Number number, AiFailureKind kind, int status = 0, bool budget = false) {
    AiOutcome outcome;
    outcome.refusal.failure.kind = kind;
    outcome.refusal.failure.message = "no";
    outcome.refusal.failure.status = status;
    outcome.refusal.budget = budget;
    end(number, std::move(outcome));
  }

  std::vector<AiQuestion> asked;
  std::map<Number, AiAnswered> held;
  std::set<Number> cancelled;
  std::vector<std::string> rejected;
  std::map<std::string, int64_t> settled_below;
};

struct Fixture {
  explicit Fixture(const std::string& yaml, const std::string& base_dir = {}) {
    ConfigProblems problems;
    const auto node = config::load_yaml("ai:\n" + yaml, "p.yaml", problems);
    REQUIRE(node);
    const ParsedConfig parsed = ai_stage().parse(*node->find("ai"), problems);
    for (const auto& problem : problems) UNSCOPED_INFO(problem.describe());
    REQUIRE(problems.empty());
    ComponentContext context{.loop = loop,
                             .clock = clock,
                             .random = random,
                             .services = services,
                             .pipeline = "p",
                             .name = "triage",
                             .base_dir = base_dir};
    context.ai = &calls;
    auto made = ai_stage().create_async_stage(parsed, std::move(context));
    if (!made) FAIL(made.error().describe());
    stage = std::move(*made);
  }

  static std::shared_ptr<const Batch> batch(const std::vector<std::string>& texts, bool keys = false) {
    BatchBuilder builder;
    std::vector<std::string> names;
    for (size_t i = 0; i < texts.size(); ++i) names.push_back("key-" + std::to_string(i));
    for (size_t i = 0; i < texts.size(); ++i) {
      EventMeta meta;
      if (keys) meta.key = names[i];
      meta.offset_delta = static_cast<uint32_t>(i);
      builder.add(texts[i], {}, meta);
    }
    auto origin = std::make_shared<BatchOrigin>();
    origin->stream = "p";
    origin->tag = "tagtagta";
    return builder.seal(std::move(origin), 7);
  }
  void process(const std::string& text) { process(batch({text}), 0); }
  void process(const std::shared_ptr<const Batch>& events, size_t i) {
    stage->process(events, i, [this](AsyncOutput output) { outputs.push_back(std::move(output)); });
  }
  const AiQuestion& asked() const { return calls.asked.back(); }
  std::string text(size_t message) const {
    return std::get<AiText>(asked().request.messages.at(message).parts.at(0)).text;
  }
  std::string value() const {
    REQUIRE_FALSE(outputs.empty());
    if (outputs.back().error) FAIL(outputs.back().error->describe());
    return outputs.back().values.at(0);
  }
  Error error() const {
    REQUIRE_FALSE(outputs.empty());
    REQUIRE(outputs.back().error);
    return *outputs.back().error;
  }

  ManualClock clock;
  loop::TestLoop loop{clock};
  SeededRandom random{1};
  Services services;
  HeldCalls calls;
  std::unique_ptr<AsyncStage> stage;
  std::vector<AsyncOutput> outputs;
};

std::vector<std::string> problems_of(const std::string& yaml) {
  ConfigProblems problems;
  const auto node = config::load_yaml("ai:\n" + yaml, "p.yaml", problems);
  REQUIRE(node);
  const ParsedConfig parsed = ai_stage().parse(*node->find("ai"), problems);
  ScriptNames names;
  names.providers = std::vector<std::string>{"fake"};
  if (problems.empty()) ai_stage().check_scripts(parsed, names, problems);
  std::vector<std::string> texts;
  for (const auto& problem : problems) texts.push_back(problem.message);
  return texts;
}

}  // namespace

TEST_CASE("an event is asked about, and the answer stands in it under the stage's name") {
  Fixture f(
      "  models: [fake/a, fake/b]\n  system: Be brief.\n  user: 'Say: {{ $input/x }}'\n"
      "  parameters: {max_output_tokens: 9, temperature: 0.5, stop: [END], extra: {k: [1]}}\n");
  f.process(R"({"x": "hello"})");
  REQUIRE(f.calls.asked.size() == 1);
  const AiQuestion& question = f.asked();
  CHECK(question.who == "triage");
  REQUIRE(question.event);
  CHECK(question.event->id == "p.tagtagta-0-7");
  CHECK(question.event->partition == "p.tagtagta-0");
  CHECK(question.event->offset == 7);
  REQUIRE(question.models.size() == 2);
  CHECK(question.models[1].provider == "fake");
  CHECK(question.models[1].model == "b");
  CHECK(question.request.messages[0].role == AiRole::kSystem);
  CHECK(f.text(1) == "Say: hello");
  CHECK(question.request.parameters.max_output_tokens == 9);
  CHECK(question.request.parameters.extra == R"({"k":[1]})");
  CHECK(f.outputs.empty());
  f.calls.say(1, "hi");
  CHECK(f.value() == R"({"x":"hello","triage":"hi"})");
}

TEST_CASE("where the answer goes, and what is said of it, is set by pointers") {
  Fixture f("  models: [fake/a]\n  user: '{{ $input/x }}'\n  into: /a/b\n  details: /a/by\n");
  f.process(R"({"x":"1","a":{"c":2}})");
  f.calls.say(1, "one");
  CHECK(
      f.value() ==
      R"({"x":"1","a":{"c":2,"b":"one","by":{"call":"call-1","cost_usd":0,"finish":"stop","model":"fake/a","tokens":{}}}})");
  f.process(R"({"x":"1","a":"text"})");
  CHECK(f.calls.asked.size() == 1);
  CHECK(f.error().message.find("no place for the answer") != std::string::npos);
  CHECK_FALSE(f.error().retryable);
}

TEST_CASE("prompts come from versioned files, and records name them", "[REQ-087]") {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() + "/triage@3.md") << "--- system\nSort.\n--- user\n{{ $input/x }}\n";
  Fixture f("  models: [fake/a]\n  prompt: triage@3\n", directory.path());
  f.process(R"({"x":"y"})");
  CHECK(f.asked().prompt == "triage@3");
  CHECK(f.text(0) == "Sort.");
  CHECK(f.text(1) == "y");
}

TEST_CASE("an answer that is not of the schema is repaired so often and no more", "[REQ-074]") {
  Fixture f(
      "  models: [fake/a]\n  task: extract\n  user: '{{ $input/x }}'\n"
      "  output: {schema: {type: object, required: [n]}, repairs: 2}\n");
  f.process(R"({"x":"y"})");
  REQUIRE(f.asked().request.output_schema);
  f.calls.say(1, "{}");
  REQUIRE(f.calls.asked.size() == 2);
  CHECK(f.asked().request.messages.size() == 3);
  CHECK(f.asked().request.messages[1].role == AiRole::kAssistant);
  CHECK(f.text(2).find("expected a member") != std::string::npos);
  f.calls.say(2, R"({"n":1})");
  CHECK(f.value() == R"({"x":"y","triage":{"n":1}})");

  f.process(R"({"x":"z"})");
  f.calls.say(3, "{}");
  f.calls.say(4, "{}");
  f.calls.say(5, "nothing");
  CHECK(f.calls.asked.size() == 5);
  CHECK_FALSE(f.error().retryable);
  CHECK(f.error().message.find("fake/a, asked again 2 time(s)") != std::string::npos);
}

TEST_CASE("under a key, what a repair gives takes the place of what it mends", "[REQ-072][REQ-074]") {
  const std::string stage =
      "  models: [fake/a]\n  task: extract\n  user: '{{ $input/x }}'\n"
      "  output: {schema: {type: object, required: [n]}}\n";
  Fixture f(stage + "  cache: {ttl: 1h, key: = $input/x}\n");
  f.process(R"({"x":"y"})");
  CHECK_FALSE(f.asked().renews);
  const std::string key = f.asked().cache_key;
  f.calls.say(1, "{}");
  REQUIRE(f.calls.asked.size() == 2);
  CHECK(f.asked().cache_key == key);
  CHECK(f.asked().renews);
  CHECK(f.calls.rejected == std::vector<std::string>{"call-1"});
  f.calls.say(2, "{}");
  CHECK(f.calls.rejected == std::vector<std::string>{"call-1", "call-2"});
  CHECK_FALSE(f.error().retryable);

  Fixture without_key(stage + "  cache: {ttl: 1h}\n");
  without_key.process(R"({"x":"y"})");
  without_key.calls.say(1, "{}");
  CHECK_FALSE(without_key.asked().renews);
  CHECK(without_key.calls.rejected.empty());
  without_key.calls.say(2, "{}");
  CHECK(without_key.calls.rejected == std::vector<std::string>{"call-2"});
}

TEST_CASE("labels are asked for by a schema, and bare ones taken") {
  Fixture f("  models: [fake/a]\n  task: classify\n  labels: [bug, feature]\n  user: '{{ $input/x }}'\n");
  f.process(R"({"x":"y"})");
  CHECK(f.asked().request.output_schema->find(R"("enum":["bug","feature"])") != std::string::npos);
  f.calls.say(1, "bug");
  CHECK(f.value() == R"({"x":"y","triage":"bug"})");
}

TEST_CASE("texts are embedded, one or many") {
  Fixture f("  models: [fake/e]\n  task: embed\n  input: = $input/x\n");
  const auto answer = [&](AiCalls::Number number, size_t count) {
    AiOutcome outcome;
    outcome.answer.emplace();
    outcome.answer->embeddings.assign(count, {0.5F, 1});
    f.calls.end(number, std::move(outcome));
  };
  f.process(R"({"x":"a"})");
  CHECK(f.asked().request.task == AiTask::kEmbed);
  CHECK(f.asked().request.inputs == std::vector<std::string>{"a"});
  answer(1, 1);
  CHECK(f.value() == R"({"x":"a","triage":[0.5,1]})");
  f.process(R"({"x":["a","b"]})");
  answer(2, 2);
  CHECK(f.value() == R"({"x":["a","b"],"triage":[[0.5,1],[0.5,1]]})");
  f.process(R"({"x":[]})");
  CHECK(f.calls.asked.size() == 2);
  CHECK(f.value() == R"({"x":[],"triage":[]})");
  f.process(R"({"x":7})");
  CHECK(f.error().message == "'input' gives neither a text nor a list of texts");
}

TEST_CASE("a list of texts is read in one pass, however long it is") {
  Fixture f("  models: [fake/e]\n  task: embed\n  input: = $input/x\n");
  constexpr size_t kTexts = 300'000;
  std::string list;
  for (size_t i = 0; i < kTexts; ++i) list += i == 0 ? R"("a")" : R"(,"a")";
  f.process("{\"x\":[" + list + "]}");
  REQUIRE(f.calls.asked.size() == 1);
  CHECK(f.asked().request.inputs.size() == kTexts);
  // With a list inside nobody can count off where an element is.
  f.process("{\"x\":[" + list + ",[1]]}");
  CHECK(f.error().message == "'input' gives a list in which 300001 is no text");
  f.process(R"({"x":["a","b",3]})");
  CHECK(f.error().message == "'input' gives a list in which 3 is no text");
}

TEST_CASE("whose fault a refusal is decides whether the event's attempts are counted") {
  Fixture f("  models: [fake/a]\n  user: '{{ $input/x }}'\n");
  const auto refused = [&](AiFailureKind kind, int status, bool budget) {
    f.process(R"({"x":"y"})");
    f.calls.refuse(f.calls.asked.size(), kind, status, budget);
    return f.outputs.back();
  };
  CHECK_FALSE(refused(AiFailureKind::kCaller, 400, false).error->retryable);
  CHECK(refused(AiFailureKind::kTransient, 500, false).is_attempt);
  CHECK_FALSE(refused(AiFailureKind::kTransient, 503, false).is_attempt);
  const AsyncOutput away = refused(AiFailureKind::kTransient, 0, false);
  CHECK(away.error->retryable);
  CHECK_FALSE(away.is_attempt);
  CHECK_FALSE(refused(AiFailureKind::kThrottled, 429, false).is_attempt);
  const AsyncOutput locked_out = refused(AiFailureKind::kKey, 401, false);
  CHECK(locked_out.error->retryable);
  CHECK_FALSE(locked_out.is_attempt);
}

TEST_CASE("on_error takes the place of an answer that never comes") {
  Fixture f("  models: [fake/a]\n  user: '{{ $input/x }}'\n  on_error: {obj: [failed, $error]}\n");
  f.process(R"({"x":"y"})");
  f.calls.refuse(1, AiFailureKind::kCaller, 400);
  CHECK(f.value().rfind(R"({"x":"y","triage":)", 0) == 0);
  f.process("{}");
  CHECK(f.value().find("triage") != std::string::npos);
}

TEST_CASE("on_error is told what failed, whatever a provider's page of errors is made of") {
  Fixture f("  models: [fake/a]\n  user: '{{ $input/x }}'\n  on_error: = error\n");
  f.process(R"({"x":"y"})");
  AiOutcome outcome;
  outcome.refusal.failure = {.kind = AiFailureKind::kCaller, .message = "a page \xc3", .status = 400};
  f.calls.end(1, std::move(outcome));
  CHECK_THAT(f.value(), Catch::Contains("a page \xef\xbf\xbd"));
}

TEST_CASE("the arm of an experiment follows from the event's key", "[REQ-086]") {
  Fixture f(
      "  models: [fake/a]\n  user: '{{ $input/x }}'\n"
      "  experiment: {arms: [{name: one}, {name: two, weight: 3, models: [fake/b]}]}\n");
  std::vector<std::string> texts(400, R"({"x":"y"})");
  const auto events = Fixture::batch(texts, true);
  std::map<std::string, int> arms;
  for (size_t i = 0; i < events->size(); ++i) {
    f.process(events, i);
    ++arms[f.asked().arm];
    CHECK(f.asked().models.at(0).model == (f.asked().arm == "one" ? "a" : "b"));
  }
  CHECK(arms["one"] > 70);
  CHECK(arms["one"] < 130);
  const std::string first = f.calls.asked[0].arm;
  f.process(events, 0);
  CHECK(f.asked().arm == first);
}

TEST_CASE("an expression that fails makes a dead letter, with its place") {
  Fixture f("  models: [fake/a]\n  user: '{{ $input/missing }}'\n");
  f.process("{}");
  CHECK(f.calls.asked.empty());
  CHECK_FALSE(f.error().retryable);
}

TEST_CASE("at the end what is asked is asked no more") {
  Fixture f("  models: [fake/a]\n  user: '{{ $input/x }}'\n  on_error: 1\n");
  f.process(R"({"x":"1"})");
  f.process(R"({"x":"2"})");
  bool closed = false;
  f.stage->close([&] { closed = true; });
  CHECK(closed);
  CHECK(f.calls.cancelled.size() == 2);
  REQUIRE(f.outputs.size() == 2);
  CHECK(f.error().code == ErrorCode::kCancelled);
  f.stage->settled("p.tagtagta-0", 9);
  CHECK(f.calls.settled_below.at("triage p.tagtagta-0") == 9);
}

TEST_CASE("questions that may wait go together, and are given back when the leg winds down", "[REQ-089]") {
  Fixture f("  models: [fake/a]\n  user: '{{ $input/x }}'\n  batch: {size: 50, every: 1m, poll: 2s}\n");
  CHECK(f.stage->concurrency() == 100);
  f.process(R"({"x":"1"})");
  REQUIRE(f.asked().batching);
  CHECK(f.asked().batching->size == 50);
  CHECK(f.asked().batching->every_ms == 60'000);
  CHECK(f.asked().batching->look_ms == 2000);
  f.stage->wind_down();
  CHECK(f.calls.cancelled.size() == 1);
  CHECK(f.error().code == ErrorCode::kCancelled);
  CHECK(f.error().retryable);
  CHECK_FALSE(f.outputs.back().is_attempt);
  Fixture one_by_one("  models: [fake/a]\n  user: '{{ $input/x }}'\n");
  one_by_one.process(R"({"x":"1"})");
  CHECK_FALSE(one_by_one.asked().batching);
  one_by_one.stage->wind_down();
  CHECK(one_by_one.calls.cancelled.empty());
}

TEST_CASE("what does not fit together is told before anything runs") {
  const auto one = [](const std::string& yaml) {
    const auto problems = problems_of(yaml);
    REQUIRE(problems.size() == 1);
    return problems[0];
  };
  CHECK(one("  models: [fake/a]\n") ==
        "what is asked is said by one of `prompt`, `user` (with `system`) and `messages`");
  CHECK(one("  models: [fake/a]\n  user: x\n  prompt: y\n") ==
        "what is asked is said by one of `prompt`, `user` (with `system`) and `messages`");
  CHECK(one("  models: [fake]\n  user: x\n").find("'fake' is no model") == 0);
  CHECK(one("  models: [fakes/a]\n  user: x\n") ==
        "'fakes/a' is of no provider that `ai.providers` has; did you mean 'fake'?");
  CHECK(one("  models: [fake/a]\n  user: x\n  task: extract\n") == "`task: extract` needs output.schema");
  CHECK(one("  models: [fake/a]\n  user: x\n  task: classify\n") == "`task: classify` needs labels");
  const std::string draws = "a weight is 0 or more, and with `route: weighted` one of them more than 0";
  CHECK(one("  models: [{model: fake/a, weight: 0}]\n  user: x\n  route: weighted\n") == draws);
  CHECK(one("  models: [fake/a]\n  user: x\n  route: weighted\n"
            "  experiment: {arms: [{name: one}, {name: two, models: [{model: fake/b, weight: 0}]}]}\n") == draws);
  CHECK(one("  models: [{model: fake/a, weight: -1}]\n  user: x\n") == draws);
  CHECK(one("  models: [fake/a]\n  user: x\n  into: a\n") == "a JSON Pointer begins with '/'");
  CHECK(one("  models: [fake/a]\n  prompt: gone@1\n").find("can't read the prompt 'gone@1.md'") == 0);
  CHECK(one("  models: [fake/a]\n  user: '{{ $nobody }}'\n").find("nobody") != std::string::npos);
  CHECK(one("  models: [fake/a]\n  user: x\n  output: {schema: [1]}\n") ==
        "a schema is a map, or the path of a JSON file");
}

}  // namespace colloquium::components
