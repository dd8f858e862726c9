#include "computo/operators.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/assert.h"
#include "computo/library/arrays.h"
#include "computo/library/conversions.h"
#include "computo/library/digests.h"
#include "computo/library/encoding.h"
#include "computo/library/functions.h"
#include "computo/library/masks.h"
#include "computo/library/numbers.h"
#include "computo/library/patches.h"
#include "computo/library/paths.h"
#include "computo/library/permuto.h"
#include "computo/library/regex.h"
#include "computo/library/schemas.h"
#include "computo/library/statistics.h"
#include "computo/library/strings.h"
#include "computo/library/times.h"
#include "computo/library/unicode.h"
#include "computo/number.h"
#include "computo/ops_core.h"
#include "computo/suggest.h"

namespace colloquium::computo {

namespace {

// Every family's rows in one table, in byte order.
template <size_t... sizes>
constexpr auto merged(const Operator (&... families)[sizes]) {
  std::array<Operator, (sizes + ...)> all{};
  size_t at = 0;
  const auto take = [&](const Operator* rows, size_t count) {
    for (size_t i = 0; i < count; ++i) all[at++] = rows[i];
  };
  (take(families, sizes), ...);
  std::sort(all.begin(), all.end(),
            [](const Operator& a, const Operator& b) { return a.info.name < b.info.name; });
  return all;
}

constexpr auto kOperators =
    merged(kCoreOperators, kArrayLibrary, kConversionLibrary, kDigestLibrary, kEncodingLibrary, kFunctionLibrary,
           kMaskLibrary, kNumberLibrary, kPatchLibrary, kPathLibrary, kPermutoLibrary, kRegexLibrary,
           kSchemaLibrary, kStatisticsLibrary, kStringLibrary, kTimeLibrary, kUnicodeLibrary);
constexpr size_t kCount = kOperators.size();

constexpr bool distinct() {
  for (size_t i = 1; i < kCount; ++i) {
    if (kOperators[i - 1].info.name == kOperators[i].info.name) return false;
  }
  return true;
}
static_assert(distinct(), "an operator stands in one family, once");

}  // namespace

const Operator& operator_at(uint32_t index) {
  ASSERT(index < kCount);
  return kOperators[index];
}

std::optional<uint32_t> find_operator(std::string_view name) {
  const auto found = std::lower_bound(kOperators.begin(), kOperators.end(), name,
                                      [](const Operator& op, std::string_view n) { return op.info.name < n; });
  if (found == kOperators.end() || found->info.name != name) return std::nullopt;
  return static_cast<uint32_t>(found - kOperators.begin());
}

bool is_of_type(char letter, const Value& v) {
  const Type type = type_of(v);
  switch (letter) {
    case 's':
      return type == Type::kString;
    case 'n':
      return type == Type::kNumber;
    case 'i':
      return type == Type::kNumber && is_integral(decode_number(v));
    case 'b':
      return type == Type::kBoolean;
    case 'a':
      return type == Type::kArray;
    case 'o':
      return type == Type::kObject;
    case 'f':
      return type == Type::kFunction;
    case '.':
      return true;
    default:
      break;
  }
  ASSERT_WHY(false, "every letter of the tables is listed");
  return false;
}

std::string_view name_of_type(char letter) {
  switch (letter) {
    case 's':
      return "string";
    case 'n':
      return "number";
    case 'i':
      return "integer";
    case 'b':
      return "boolean";
    case 'a':
      return "array";
    case 'o':
      return "object";
    default:
      return "function";
  }
}

bool is_core(const Operator& op) {
  return std::any_of(std::begin(kCoreOperators), std::end(kCoreOperators),
                     [&](const Operator& row) { return row.info.name == op.info.name; });
}

std::string suggest_operator(std::string_view name, bool core_only) {
  Suggestion suggestion(name);
  for (const Operator& op : kOperators) {
    if (!core_only || is_core(op)) suggestion.offer(op.info.name);
  }
  return suggestion.best();
}

bool calls_function(std::string_view name) {
  const auto index = find_operator(name);
  return index && (kOperators[*index].form == Form::kLoop || kOperators[*index].form == Form::kEach ||
                   kOperators[*index].form == Form::kReduce);
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

}  // namespace colloquium::computo
