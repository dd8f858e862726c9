#include "computo/operators.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/assert.h"
#include "computo/suggest.h"

namespace colloquium::computo {

namespace {

#define SPECIAL(name, least, most, form, detail, summary, example, result) \
  Operator{{name, least, most, summary, example, result}, Form::form, static_cast<uint16_t>(detail), nullptr},
#define NATIVE(name, least, most, form, function, summary, example, result) \
  Operator{{name, least, most, summary, example, result}, Form::form, 0, ops::function},
constexpr Operator kOperators[] = {COMPUTO_OPERATORS(SPECIAL, NATIVE)};
#undef SPECIAL
#undef NATIVE

constexpr size_t kCount = std::size(kOperators);

constexpr bool ascending() {
  for (size_t i = 1; i < kCount; ++i) {
    if (!(kOperators[i - 1].info.name < kOperators[i].info.name)) return false;
  }
  return true;
}
static_assert(ascending(), "the rows of COMPUTO_OPERATORS ascend by name");

// A code span that may hold back quotes or pipes is not needed: no example has one.
void append_row(const Operator& op, std::string& out) {
  ASSERT(op.info.summary.find('\n') == std::string_view::npos);
  out += "## `";
  out += op.info.name;
  out += "`\n\n";
  out += op.info.summary;
  out += "\n\nArguments: " + std::to_string(op.info.min_arguments);
  if (op.info.max_arguments < 0) {
    out += " or more";
  } else if (op.info.max_arguments != op.info.min_arguments) {
    out += " to " + std::to_string(op.info.max_arguments);
  }
  out += ".\n\n```json\n";
  out += op.info.example;
  out += "\n```\n\ngives `";
  out += op.info.result;
  out += "`.\n\n";
}

}  // namespace

const Operator& operator_at(uint32_t index) {
  ASSERT(index < kCount);
  return kOperators[index];
}

std::optional<uint32_t> find_operator(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kOperators), std::end(kOperators), name,
                                       [](const Operator& op, std::string_view n) { return op.info.name < n; });
  if (found == std::end(kOperators) || found->info.name != name) return std::nullopt;
  return static_cast<uint32_t>(found - kOperators);
}

std::string suggest_operator(std::string_view name) {
  Suggestion suggestion(name);
  for (const Operator& op : kOperators) suggestion.offer(op.info.name);
  return suggestion.best();
}

bool calls_function(std::string_view name) {
  const auto index = find_operator(name);
  return index && (kOperators[*index].form == Form::kLoop || kOperators[*index].form == Form::kReduce);
}

bool is_call_of(const Program& program, uint32_t token, std::string_view name) {
  ASSERT(token < program.tape.size());
  const json::ValueView call = program.expression(token);
  if (call.type() != TokenType::kArray || call.token().next == token + 1) return false;
  const json::ValueView head = call.first_child();
  std::string scratch;
  return head.type() == TokenType::kString && head.string(scratch) == name;
}

std::span<const OperatorInfo> operators() {
  static const std::array<OperatorInfo, kCount> infos = [] {
    std::array<OperatorInfo, kCount> all;
    std::transform(std::begin(kOperators), std::end(kOperators), all.begin(),
                   [](const Operator& op) { return op.info; });
    return all;
  }();
  return infos;
}

std::string operator_reference_markdown() {
  std::string out = "# Operators\n\n";
  out += "Every operator of the language, in byte order. An operator call is an array whose first element is\n";
  out += "the operator's name: `[\"+\", 1, 2]`.\n\n";
  for (const Operator& op : kOperators) append_row(op, out);
  out.pop_back();
  return out;
}

}  // namespace colloquium::computo
