#include "computo/convert.h"

#include <utility>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/code.h"
#include "computo/failure.h"
#include "computo/number.h"
#include "computo/sugar.h"
#include "computo/sugar_writer.h"
#include "computo/text.h"
#include "json/walk.h"

namespace colloquium::computo {

std::optional<std::string> to_json(std::string_view sugar, const CompileOptions& options, ScriptError& error) {
  auto script = read_sugar(sugar, options, error);
  if (!script) return std::nullopt;
  ASSERT(!script->json.empty());
  return std::move(script->json);
}

std::optional<std::string> to_sugar(std::string_view json, const CompileOptions& options, ScriptError& error) {
  Program program;
  CompileFailure failure;
  if (!read_text(json, options, json::WalkLimits().depth, program, failure)) {
    ASSERT(failure.errors.size() == 1);
    error = std::move(failure.errors.front());
    return std::nullopt;
  }
  std::string out;
  Unrepresentable wrong;
  if (write_sugar(program.expression(0), options.array_key, out, wrong)) return out;
  error = explain(program, {Category::kUnrepresentable, wrong.token, kNoArgument, std::move(wrong.problem), {}});
  return std::nullopt;
}

LostFractions lost_fractions(std::string_view json, const CompileOptions& options) {
  LostFractions lost;
  Program program;
  CompileFailure failure;
  if (!read_text(json, options, json::WalkLimits().depth, program, failure)) return lost;
  const Source source{program.text.data(), program.tape.data()};
  for (uint32_t token = 0; token < program.tape.size(); ++token) {
    if (program.tape[token].type() != TokenType::kDouble) continue;
    char digits[kNumberBound];
    const char* end = write_number(decode_number(view_value(&source, token)), digits);
    const std::string_view text(digits, static_cast<size_t>(end - digits));
    if (text.find_first_of(".e") != std::string_view::npos) continue;
    if (lost.count++ > 0) continue;
    ScriptError place;
    locate(program, program.tape[token].offset, place);
    lost.first = program.expression(token).raw();
    lost.line = place.line;
    lost.column = place.column;
  }
  ASSERT((lost.count > 0) == !lost.first.empty());
  return lost;
}

}  // namespace colloquium::computo
