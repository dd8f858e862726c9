// template: text that a Computo expression makes of each event. For sinks.
//
// Thread safety: as format.h.
#pragma once

#include "colloquium/config_spec.h"
#include "colloquium/result.h"

#include "computo/event_evaluator.h"
#include "formats/format.h"

namespace colloquium::formats {

const FormatDescriptor& template_format();

// An expression over events whose result is wanted as text.
//
// Thread safety: an object belongs to one thread.
class EventText {
 public:
  using Variables = std::shared_ptr<const std::map<std::string, std::string>>;

  // Only the check: whatever is wrong joins `problems`.
  static void check(const ConfigNode& expression, const ScriptNames& names, ConfigProblems& problems);

  // `variables`: as ComponentContext::script_variables; may be null.
  static Result<std::unique_ptr<EventText>> create(const ConfigNode& expression, const Variables& variables);

  // The result for event `i`: a string's characters, a number or boolean as JSON. Valid until the next call. An
  // error of category kInvalidInput for anything else, and if the evaluation fails.
  Result<std::string_view> evaluate(const Batch& batch, size_t i);

 private:
  EventText(computo::ProgramPtr program, std::shared_ptr<const computo::HostContext> context)
      : evaluator_(std::move(program), std::move(context)) {}

  computo::EventEvaluator evaluator_;
  std::vector<char> bytes_;
  std::vector<TapeToken> tape_;
  std::string scratch_;
};

}  // namespace colloquium::formats
