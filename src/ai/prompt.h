// Prompts: messages to a model with expressions in them, which are evaluated over an event.
//
// A prompt is text. `{{ expression }}` stands for the value of a Computo expression in sugar: a string as it is,
// anything else as its JSON. A line `--- system`, `--- user` or `--- assistant` begins a message of that role;
// what stands before the first is the user's. White space around a message is not part of it.
//
//   --- system
//   You sort bug reports.
//   --- user
//   Title: {{ $input/issue/title }}
//
// A prompt lies in a file of its own, whose name may end in a version: `prompts/triage@3` is prompts/triage@3.md.
// Going back is naming the version before.
//
// Thread safety: a PromptText is immutable and may be shared; a Prompt belongs to one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/ai_provider.h"
#include "colloquium/batch.h"
#include "colloquium/config_spec.h"
#include "colloquium/result.h"

#include "computo/event_evaluator.h"
#include "computo/expression.h"

namespace colloquium::ai {

struct PromptText {
  struct Piece {
    std::string text;
    computo::ProgramPtr program;  // set: its value stands here
  };
  struct Message {
    AiRole role = AiRole::kUser;
    std::vector<Piece> pieces;
  };
  std::vector<Message> messages;
};

// What is wrong joins `problems`, each with its place: `mark` is that of the text's first character. A prompt
// without a message is wrong, too.
PromptText parse_prompt(std::string_view text, const ConfigMark& mark, const computo::ExpressionScope& scope,
                        ConfigProblems& problems);

// The file of a prompt that is called `name` in a pipeline, and what records and reports call it: "triage@3".
std::string prompt_file(const std::string& name);
std::string prompt_label(const std::string& name);

class Prompt {
 public:
  Prompt(const PromptText& text, const std::shared_ptr<const computo::HostContext>& context);

  // kInvalidInput if an expression fails on the event, with its place. A message that comes out empty is left out.
  Result<std::vector<AiMessage>> render(const Batch& batch, size_t event);

 private:
  struct Piece {
    std::string text;
    std::unique_ptr<computo::EventEvaluator> value;
  };
  struct Message {
    AiRole role;
    std::vector<Piece> pieces;
  };
  std::vector<Message> messages_;
};

// The value of an expression over an event: a string's text, or the JSON of anything else. kInvalidInput if it
// fails.
Result<std::string> text_value(computo::EventEvaluator& evaluator, const Batch& batch, size_t event);
// The same as JSON whatever it is.
Result<std::string> json_value(computo::EventEvaluator& evaluator, const Batch& batch, size_t event);

// Messages that a script makes: [{"role": "user", "content": "…" or [parts]}], a part being {"text": …}, {"image":
// "https://…"} or {"image": {"media_type": …, "base64": …}}. kInvalidInput, with which and what, for anything
// else.
Result<std::vector<AiMessage>> messages_of(std::string_view json);

}  // namespace colloquium::ai
