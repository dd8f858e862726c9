#include "tests/bench/computo_cases.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>

#include "colloquium/batch.h"

#include "computo/event_evaluator.h"
#include "computo/expression.h"
#include "json/view.h"

namespace colloquium::bench {
namespace {

// More than any reader of the lines looks at behind them.
constexpr size_t kSpareBytes = 256;

constexpr std::string_view kProjection =
    "{customer: $input/customer/id, id: $input/id, name: $input/customer/name, total: $input/total, "
    "type: $input/type}";
constexpr std::string_view kFilterMap =
    "map(filter($input/items, (x) => x/price > 50), (x) => {id: x/id, cost: x/price * x/qty})";
constexpr std::string_view kReduce = "reduce($input, (sum, x) => sum + x, 0)";
constexpr std::string_view kStrings = R"s(
  let name = $input/customer/name, address = $input/customer/address in
    let place = join([address/street, address/zip, address/city], ", ") in
      let who = strConcat(name, " <", $input/id, ">"), rate = if $input/total > 100 then "high" else "low" in
        let line = strConcat(who, ": ", place, " (", $input/currency, " ", $input/total, ")") in
          {line: line, tags: join($input/tags, "/"), rate: strConcat(rate, "-", $input/type), items: count($input/items)})s";

computo::ProgramPtr compiled(std::string_view sugar) {
  computo::CompileOptions options;
  options.variables = computo::host_variables();
  options.strict = true;
  computo::CompileFailure failure;
  computo::ProgramPtr program = computo::compile_sugar(sugar, options, failure);
  if (program == nullptr) die(failure.errors.front().message());
  return program;
}

std::shared_ptr<const Batch> batch_of(const std::vector<std::string_view>& events) {
  BatchBuilder builder;
  json::Walker walker;
  for (const std::string_view event : events) {
    std::string padded(event);
    padded.append(kBatchPadding, '\0');
    std::vector<TapeToken> tape;
    json::WalkError error;
    if (!walker.walk({padded.data(), event.size()}, tape, error)) die(error.what);
    builder.add(event, tape, {});
  }
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

std::string hundred_objects() {
  std::string text = "{\"items\":[";
  for (int i = 0; i < 100; ++i) {
    text += std::string(i > 0 ? "," : "") + "{\"id\":\"sku-" + std::to_string(1000 + i) +
            "\",\"price\":" + std::to_string(i * 7 % 100) + "." + std::to_string(i % 10) +
            ",\"qty\":" + std::to_string(1 + i % 5) + ",\"name\":\"thing number " + std::to_string(i) + "\"}";
  }
  return text + "]}";
}

std::string thousand_numbers() {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += (i > 0 ? "," : "") + std::to_string(i * 37 % 1009);
  return text + "]";
}

// A stage's script over the events of a batch.
Case over_batch(const std::string& name, std::string_view script, std::shared_ptr<const Batch> batch) {
  auto evaluator = std::make_shared<computo::EventEvaluator>(compiled(script), nullptr);
  return {name, [=](std::vector<char>& bytes) {
            for (size_t i = 0; i < batch->size(); ++i) {
              if (!evaluator->evaluate(*batch, i) || !evaluator->evaluator().write(bytes, nullptr)) {
                die(evaluator->failure().message);
              }
            }
            return batch->size();
          }};
}

Case from_bytes(const Events& events) {
  auto work = std::make_shared<FromBytes>();
  return {"e", [&events, work](std::vector<char>& bytes) {
            for (const std::string_view event : events.lines) {
              work->run(event, bytes);
              bytes.push_back('\n');
            }
            return events.lines.size();
          }};
}

}  // namespace

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "computo_bench: %s\n", what.c_str());
  std::exit(1);
}

Events load_events(const char* path) {
  Events events;
  std::ifstream file(path, std::ios::binary);
  events.text.assign(std::istreambuf_iterator<char>(file), {});
  const size_t size = events.text.size();
  events.text.append(kSpareBytes, '\0');
  for (size_t begin = 0; begin < size;) {
    const size_t end = std::min(events.text.find('\n', begin), size);
    if (end > begin) events.lines.emplace_back(events.text.data() + begin, end - begin);
    begin = end + 1;
  }
  if (events.lines.empty()) die(std::string("no events in ") + path);
  return events;
}

FromBytes::FromBytes() : evaluator_(compiled(kProjection)) {}

void FromBytes::run(std::string_view event, std::vector<char>& bytes) {
  tape_.clear();
  json::WalkError error;
  if (!walker_.walk(event, tape_, error)) die(error.what);
  const json::ValueView input(event.data(), tape_.data(), 0);
  if (!evaluator_.evaluate({&input, 1}) || !evaluator_.write(bytes, nullptr)) die(evaluator_.error().message());
}

std::vector<Case> make_cases(const Events& events) {
  std::vector<std::string_view> some(events.lines.begin(),
                                     events.lines.begin() + std::min<long>(500, std::ssize(events.lines)));
  const auto batch = batch_of(some);
  std::vector<Case> all;
  all.push_back(over_batch("a", kProjection, batch));
  all.push_back(over_batch("b", kFilterMap, batch_of({hundred_objects()})));
  all.push_back(over_batch("c", kReduce, batch_of({thousand_numbers()})));
  all.push_back(over_batch("d", kStrings, batch));
  all.push_back(from_bytes(events));
  return all;
}

}  // namespace colloquium::bench
