// EventExpression: a Computo expression the engine itself evaluates at the door (`partition_by`,
// `dedupe.key`), over the event's value and what stays the same for all events. Of the event there is nothing else
// yet: its partition, offset and id follow from the result.
//
// Thread safety: the program is shared; every thread uses an EventExpression of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "computo/event_evaluator.h"
#include "computo/program.h"
#include "json/view.h"

namespace colloquium::engine {

class EventExpression {
 public:
  // `context` may be null: its variables are null then.
  EventExpression(computo::ProgramPtr program, std::shared_ptr<const computo::HostContext> context);

  // The result as text: a string as it is, anything else as canonical JSON. Nothing, with error(), if the
  // evaluation failed.
  std::optional<std::string_view> text(const json::ValueView& event);

  // What the last result was; text() alone does not tell 1 from "1". REQUIRES: text() gave one.
  TokenType type() const { return type_; }

  // "error[pointer]: Error at /…".
  std::string error() const;

 private:
  std::shared_ptr<const computo::HostContext> context_;
  std::vector<computo::Binding> bindings_;
  computo::Evaluator evaluator_;
  std::vector<char> bytes_;
  std::vector<TapeToken> tape_;
  std::string canonical_;
  TokenType type_ = TokenType::kNull;
};

}  // namespace colloquium::engine
