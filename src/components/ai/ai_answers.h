// What answers of models come to: the value that goes into an event.
//
// Thread safety: functions.
#pragma once

#include <string>
#include <string_view>

#include "colloquium/ai_calls.h"
#include "colloquium/result.h"

#include "components/ai/ai_stage_program.h"

namespace colloquium::components {

// JSON. kInvalidInput, in words that the model can be told, if the answer is not what was asked for.
// To embed, `inputs` is of how many; with `list`, there is one for each of a list.
Result<std::string> value_of(const AiStageProgram& program, const AiAnswer& answer, size_t inputs, bool list);

// Who answered, and what it took: {"arm", "call", "cost_usd", "finish", "model", "prompt", "repairs", "tokens"}.
std::string details_of(const AiAnswer& answer, const AiStageProgram::Arm& arm, int repairs);

// The JSON in an answer: models like to put it between ```json and ```.
std::string_view json_in(std::string_view text);

}  // namespace colloquium::components
