// What colloquium/stage.h asks of a pure stage. An asynchronous one is asked by the leg it stands in: in what
// order its results go on, and what is done again after a crash, are the engine's to keep
// (engine/stage_leg_test.cc).
#include <array>

#include "json/walk.h"
#include "tests/compliance/component_world.h"

namespace colloquium::compliance {
namespace {

constexpr int64_t kEvents = 20;

// Every seventh one fails; each has a key, a header and a time of its own. With a tape, as the door makes it.
std::shared_ptr<const Batch> input() {
  BatchBuilder builder;
  for (int64_t i = 0; i < kEvents; ++i) {
    const std::string text = i % 7 == 3 ? R"({"n":"bad"})" : "{\"n\":" + std::to_string(i) + "}";
    const std::string key = "k" + std::to_string(i);
    const std::pair<std::string_view, std::string_view> header{"trace", key};
    std::string padded = text;
    padded.append(kBatchPadding, '\0');
    std::vector<TapeToken> tape;
    json::WalkError error;
    if (!json::Walker().walk({padded.data(), text.size()}, tape, error)) return nullptr;
    builder.add(text, tape,
                {.key = key,
                 .headers = {&header, 1},
                 .timestamp_ms = 1'700'000'000'000 + i,
                 .offset_delta = static_cast<uint32_t>(i)});
  }
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "p";
  origin->tag = "abcdefgh";
  return builder.seal(std::move(origin), 0);
}

// What a stage makes of a batch, as text: an event a line, with all it carries.
struct Made {
  std::vector<std::string> events;
  std::vector<size_t> failed;
  std::string bad_message;
};

std::string described(const Batch& batch, size_t i) {
  std::string text = std::to_string(batch.offset(i)) + "/" + std::to_string(batch.entry(i).ordinal) + " " +
                     std::to_string(batch.entry(i).timestamp_ms) + " " +
                     std::string(batch.key(i).value_or("(no key)"));
  for (const auto& [name, value] : batch.headers(i)) text += " " + std::string(name) + "=" + std::string(value);
  return text + " " + std::string(batch.value(i));
}

class Bench {
 public:
  explicit Bench(const Subject& given) : subject_(given), world_(given.limit_ms) {}

  // A stage of its own, as every worker has.
  std::unique_ptr<PureStage> make(std::string& problem) {
    const Parsed parsed = parse_settings(*subject_.descriptor, subject_.stage);
    problem = parsed.problem;
    if (!problem.empty()) return nullptr;
    auto made = subject_.descriptor->create_pure_stage(parsed.config, world_.context());
    if (!made) problem = made.error().describe();
    if (!made) return nullptr;
    (*made)->set_output_tape(false);
    return std::move(*made);
  }

  static Made run(PureStage& stage, const std::shared_ptr<const Batch>& batch) {
    BatchBuilder output;
    std::vector<FailedEvent> failed;
    stage.run(*batch, output, failed);
    const auto made = output.seal(batch->shared_origin(), batch->base_offset());
    Made result;
    for (size_t i = 0; i < made->size(); ++i) result.events.push_back(described(*made, i));
    for (const FailedEvent& one : failed) {
      result.failed.push_back(one.index);
      if (one.error.message.empty()) result.bad_message = "a failure has no message";
    }
    return result;
  }

 private:
  const Subject& subject_;
  World world_;
};

// Of a stage that is not pure, nothing.
template <Verdict check(const Subject&)>
Verdict if_pure(const Subject& subject) {
  if (subject.descriptor->create_pure_stage) return check(subject);
  return absent("it is asynchronous, and what this asks for is kept by its leg");
}

Verdict keeps_what_events_carry(const Subject& subject) {
  Bench bench(subject);
  std::string problem;
  const auto stage = bench.make(problem);
  if (stage == nullptr) return broken("it can't be made: " + problem);
  const auto batch = input();
  const Made result = Bench::run(*stage, batch);
  size_t next = 0;
  for (size_t i = 0; i < batch->size(); ++i) {
    if (i % 7 == 3) continue;
    const std::string wanted = described(*batch, i);
    if (next >= result.events.size()) return broken("an event is missing: " + wanted);
    if (result.events[next] != wanted) return broken("of " + wanted + " it made " + result.events[next]);
    ++next;
  }
  return next == result.events.size() ? holds(next) : broken("it made more events than came in");
}

Verdict tells_failures_in_order(const Subject& subject) {
  Bench bench(subject);
  std::string problem;
  const auto stage = bench.make(problem);
  if (stage == nullptr) return broken("it can't be made: " + problem);
  const Made result = Bench::run(*stage, input());
  const std::vector<size_t> wanted = {3, 10, 17};
  if (result.failed != wanted) return broken("the events that failed are others than 3, 10 and 17, in this order");
  return result.bad_message.empty() ? holds(wanted.size()) : broken(result.bad_message);
}

Verdict does_not_depend_on_batches(const Subject& subject) {
  Bench bench(subject);
  std::string problem;
  const auto whole = bench.make(problem);
  const auto single = bench.make(problem);
  if (whole == nullptr || single == nullptr) return broken("it can't be made: " + problem);
  const auto batch = input();
  const Made first = Bench::run(*whole, batch);
  if (Bench::run(*whole, batch).events != first.events) return broken("the second run gave something else");
  std::vector<std::string> events;
  std::vector<size_t> failed;
  for (size_t i = 0; i < batch->size(); ++i) {
    BatchBuilder one;
    one.keep(*batch, i);
    const Made alone = Bench::run(*single, one.seal(batch->shared_origin(), batch->base_offset()));
    events.insert(events.end(), alone.events.begin(), alone.events.end());
    if (!alone.failed.empty()) failed.push_back(i);
  }
  if (events != first.events) return broken("event by event it gave something else than all at once");
  return failed == first.failed ? holds(batch->size()) : broken("event by event others failed than all at once");
}

constexpr std::array kChecks = {
    Check{"documented", "Summary, trust, guarantee, README and every setting are described; each example parses.",
          is_documented},
    Check{"keeps", "Key, headers, time, place and order of an event are kept.", if_pure<keeps_what_events_carry>},
    Check{"failures", "Events that fail are told in rising order, each with a reason; the others go on.",
          if_pure<tells_failures_in_order>},
    Check{"batches", "The result depends neither on how events are batched, nor on what it was given before.",
          if_pure<does_not_depend_on_batches>},
    Check{"secrets", "No secret stands in its settings as shown, in messages, errors or metrics.",
          tells_no_secret},
};

}  // namespace

std::span<const Check> stage_checks() {
  return kChecks;
}

std::span<const Check> checks_of(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource:
      return source_checks();
    case ComponentKind::kSink:
      return sink_checks();
    case ComponentKind::kStage:
      return stage_checks();
    case ComponentKind::kProvider:
      return provider_checks();
  }
  return {};
}

}  // namespace colloquium::compliance
