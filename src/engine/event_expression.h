// EventExpression: a Computo expression the engine itself evaluates at the door (`partition_by`,
// `dedupe.key`), over the event's value alone.
//
// Thread safety: the program is shared; every thread uses an EventExpression of its own.
#pragma once

#include <optional>
#include <string>

#include "computo/program.h"
#include "json/view.h"

namespace colloquium::engine {

class EventExpression {
 public:
  explicit EventExpression(computo::ProgramPtr program) : evaluator_(std::move(program)) {}

  // The result as text: a string as it is, anything else as canonical JSON. Nothing, with error(), if the
  // evaluation failed.
  std::optional<std::string_view> text(const json::ValueView& event);

  // What the last result was; text() alone does not tell 1 from "1". REQUIRES: text() gave one.
  TokenType type() const { return type_; }

  // "error[pointer]: Error at /…".
  std::string error() const;

 private:
  computo::Evaluator evaluator_;
  std::vector<char> bytes_;
  std::vector<TapeToken> tape_;
  std::string canonical_;
  TokenType type_ = TokenType::kNull;
};

}  // namespace colloquium::engine
