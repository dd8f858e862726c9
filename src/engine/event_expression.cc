#include "engine/event_expression.h"

#include <utility>

#include "json/canonical.h"

namespace colloquium::engine {

EventExpression::EventExpression(computo::ProgramPtr program, std::shared_ptr<const computo::HostContext> context)
    : context_(std::move(context)),
      bindings_(computo::host_bindings(*program, context_.get())),
      evaluator_(std::move(program)) {}

std::optional<std::string_view> EventExpression::text(const json::ValueView& event) {
  if (!evaluator_.evaluate({&event, 1}, bindings_)) return std::nullopt;
  bytes_.clear();
  tape_.clear();
  if (!evaluator_.write(bytes_, &tape_)) return std::nullopt;
  // What the evaluator wrote has no padding and needs none: nothing walks it.
  const json::ValueView result(bytes_.data(), tape_.data(), 0);
  canonical_.clear();
  type_ = result.type();
  if (type_ == TokenType::kString) {
    const std::string_view text = result.string(canonical_);
    return text;
  }
  // Canonical, so that {"a":1,"b":2} is one key however a client orders and spaces it.
  json::write_canonical(result, canonical_);
  return canonical_;
}

std::string EventExpression::error() const {
  const computo::ScriptError& error = evaluator_.error();
  return "error[" + std::string(computo::to_string(error.category)) + "]: " + error.message();
}

}  // namespace colloquium::engine
