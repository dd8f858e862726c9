#include "computo/convert.h"

#include <utility>

#include "base/assert.h"
#include "computo/code.h"
#include "computo/failure.h"
#include "computo/sugar.h"
#include "computo/sugar_writer.h"
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

}  // namespace colloquium::computo
