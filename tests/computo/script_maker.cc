#include "tests/computo/script_maker.h"

#include <array>
#include <memory>
#include <random>
#include <vector>

#include "colloquium/batch.h"

#include "computo/program.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::computo::testing {
namespace {

constexpr uint32_t kMostExpressions = 120;

constexpr std::array kScalars = {"0",
                                 "1",
                                 "null",
                                 "true",
                                 "false",
                                 "\"\"",
                                 "\"a\"",
                                 "-1",
                                 "2.5",
                                 "1e300",
                                 "\"/a\"",
                                 "-0.0",
                                 "\"desc\"",
                                 "\"é\\n\"",
                                 "\"\\u0041\"",
                                 "9223372036854775807",
                                 "1.50",
                                 "1e17",
                                 "0.1",
                                 "\"2024-02-29T12:00:00Z\"",
                                 "\"firsts\"",
                                 "-9223372036854775808",
                                 "18446744073709551615",
                                 "5e-324",
                                 "\"[a-z]+\"",
                                 "\"array\""};
constexpr std::array kNames = {"a", "b", "f", "g", "x", ""};
constexpr std::array kPaths = {"", "/a", "/0", "/xs", "/xs/1/a", "/b/c"};
constexpr std::array kLoops = {"map", "filter", "find", "some", "every", "flatMap", "partition", "count"};

// The arguments of every operator's example, as texts.
using Examples = std::vector<std::vector<std::string>>;

std::vector<std::string> arguments_of(std::string_view call) {
  const auto document = json::parse(call, "example");
  std::vector<std::string> out;
  if (!document) return out;
  const json::ValueView list(document->text.data(), document->tape.data(), 0);
  if (list.type() != TokenType::kArray || list.count() == 0) return out;
  for (auto item = list.first_child().next(); !item.at_end_of(list); item = item.next()) {
    out.emplace_back(item.raw());
  }
  return out;
}

const Examples& examples() {
  static const Examples all = [] {
    Examples made;
    for (const OperatorInfo& info : operators()) made.push_back(arguments_of(info.example));
    return made;
  }();
  return all;
}

}  // namespace

std::string ScriptMaker::script(uint32_t depth) {
  left_ = kMostExpressions;
  return expression(depth);
}

std::string ScriptMaker::data(uint32_t depth) {
  const uint32_t kind = depth == 0 ? 0 : choose_(4);
  if (kind < 2) return kScalars[choose_(kScalars.size())];
  std::string out;
  const uint32_t count = choose_(5);
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0) out += ",";
    if (kind == 3) out += std::string("\"") + (one_in(8) ? "array" : kNames[choose_(kNames.size())]) + "\":";
    out += data(depth - 1);
  }
  return kind == 2 ? "[" + out + "]" : "{" + out + "}";
}

std::string ScriptMaker::name() {
  return std::string("\"") + kNames[choose_(kNames.size())] + "\"";
}

std::string ScriptMaker::access() {
  const std::string path = kPaths[choose_(kPaths.size())];
  switch (choose_(4)) {
    case 0:
      return path.empty() ? "[\"$input\"]" : "[\"$input\",\"" + path + "\"]";
    case 1:
      return "[\"$inputs\",\"/0" + path + "\"]";
    default:
      return std::string("[\"$\",\"/") + kNames[choose_(kNames.size())] + path + "\"]";
  }
}

std::string ScriptMaker::expressions(uint32_t count, uint32_t depth) {
  std::string out;
  for (uint32_t i = 0; i < count; ++i) out += (i > 0 ? "," : "") + expression(depth);
  return out;
}

std::string ScriptMaker::function(uint32_t parameters, uint32_t depth) {
  std::string names;
  for (uint32_t i = 0; i < parameters; ++i) names += (i > 0 ? "," : "") + name();
  return "[\"lambda\",[" + names + "]," + expression(depth) + "]";
}

std::string ScriptMaker::let(uint32_t depth) {
  const bool object = one_in(3);
  std::string bindings;
  const uint32_t count = choose_(4);
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0) bindings += ",";
    const std::string bound = one_in(2) ? function(choose_(3), depth) : expression(depth);
    bindings += object ? name() + ":" + bound : "[" + name() + "," + bound + "]";
  }
  bindings = object ? "{" + bindings + "}" : "[" + bindings + "]";
  return "[\"let\"," + bindings + "," + expression(depth) + "]";
}

std::string ScriptMaker::loop(uint32_t depth) {
  const std::string array = one_in(2) ? "[\"$input\",\"/xs\"]" : expression(depth);
  if (one_in(4)) return "[\"reduce\"," + array + "," + function(2, depth) + "," + expression(depth) + "]";
  return std::string("[\"") + kLoops[choose_(kLoops.size())] + "\"," + array + "," +
         (one_in(4) ? expression(depth) : function(1, depth)) + "]";
}

// What the operator's example says there, mostly, so that many calls mean something.
std::string ScriptMaker::argument(std::string_view example, uint32_t depth) {
  const bool given = !example.empty() && choose_(8) < 3;
  if (given) return std::string(example);
  return one_in(10) ? function(choose_(3), depth) : expression(depth);
}

std::string ScriptMaker::call(uint32_t depth) {
  const auto index = choose_(static_cast<uint32_t>(operators().size()));
  const OperatorInfo& info = operators()[index];
  const std::vector<std::string>& given = examples()[index];
  auto count = static_cast<uint32_t>(info.min_arguments);
  if (!given.empty() && one_in(2)) count = static_cast<uint32_t>(given.size());
  if (one_in(12)) count += 1;
  std::string out = "[\"" + std::string(info.name) + "\"";
  for (uint32_t i = 0; i < count; ++i) out += "," + argument(i < given.size() ? given[i] : "", depth);
  return out + "]";
}

std::string ScriptMaker::expression(uint32_t depth) {
  if (depth == 0 || left_ == 0) return kScalars[choose_(kScalars.size())];
  --left_;
  switch (choose_(16)) {
    case 0:
      return kScalars[choose_(kScalars.size())];
    case 1:
    case 2:
      return access();
    case 3:
      return data(3);
    case 4:
      return "[" + expressions(choose_(5), depth - 1) + "]";
    case 5:
      return let(depth - 1);
    case 6:
      return "[\"if\"," + expressions(3, depth - 1) + "]";
    case 7:
    case 8:
      return loop(depth - 1);
    case 9:
      return "[\"obj\"," + name() + "," + expression(depth - 1) + "," + argument("\"k\"", depth - 1) + "," +
             expression(depth - 1) + "]";
    default:
      return call(depth - 1);
  }
}

ScriptMaker::Choose choices_of(std::string_view bytes) {
  // Two bytes for what one cannot tell apart, so that a fuzzer's change of a byte stays a small change.
  return [bytes, at = size_t{0}](uint32_t bound) mutable -> uint32_t {
    if (at >= bytes.size()) return 0;
    uint32_t value = static_cast<unsigned char>(bytes[at++]);
    if (bound > 256 && at < bytes.size()) value = value << 8 | static_cast<unsigned char>(bytes[at++]);
    return value % bound;
  };
}

ScriptMaker::Choose random_choices(uint32_t seed) {
  return [random = std::mt19937(seed)](uint32_t bound) mutable -> uint32_t { return random() % bound; };
}

}  // namespace colloquium::computo::testing
