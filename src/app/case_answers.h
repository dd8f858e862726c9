// CaseAnswers: what models say in a case of `colloquium test`, and what they have to have been asked.
//
//   answers:
//     triage:                                       the stage
//       - bug                                       text, or {text: bug}
//       - {json: {label: bug}}                      its JSON as the text
//       - {tool_calls: [{name: find, arguments: {id: 7}}]}
//       - {embedding: [0.1, 0.2]}                   of a list of texts: a list of vectors
//       - {error: throttled, message: Busy.}        caller, key, throttled, quota or transient
//       - {text: bug, asked: [Crash, "[email]"]}    fails unless the question contains these
//       - {text: bug, for: {/number: 41}}           to questions about events with these values alone
//
// Each question takes the first answer of its stage that is left and is for its event. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/config_types.h"

namespace colloquium::app {

// An answer as it is written.
struct WrittenToolCall {
  std::string name;
  ConfigNode arguments;  // a string: as it is, whether it is JSON or not
  std::string id;
};
struct WrittenAnswer {
  std::string text;
  ConfigNode json;
  std::vector<WrittenToolCall> tool_calls;
  ConfigNode embedding;
  std::optional<AiFailureKind> error;
  std::string message;
  int32_t status = 0;
  std::vector<std::string> asked;
  ConfigNode event;
};

struct CaseAnswer {
  AiOutcome outcome;
  std::vector<std::string> asked;
  std::vector<std::pair<std::vector<std::string>, std::string>> event;  // decoded pointers, and JSON
  ConfigMark mark;
};
using CaseAnswersByStage = std::map<std::string, std::vector<CaseAnswer>>;

// `node`: what was written of it. What is wrong joins `problems`.
CaseAnswer read_answer(const WrittenAnswer& written, const ConfigNode& node, ConfigProblems& problems);

class CaseAnswers {
 public:
  // The answers outlive it.
  explicit CaseAnswers(const CaseAnswersByStage& answers);

  // For ai::OfflineCalls.
  std::optional<AiOutcome> answer(const AiQuestion& question, std::string_view event);

  // A question without an answer, or one that was not what it had to be, the first of them: why the case failed.
  // Else nothing.
  const std::string& problem() const { return problem_; }
  // Likewise, once everything was asked: an answer that nobody wanted.
  std::string left_over() const;

 private:
  struct Lane {
    const std::vector<CaseAnswer>* answers;
    std::vector<bool> given;
  };
  void note(const AiQuestion& question, const std::string& what);

  std::map<std::string, Lane> lanes_;  // by stage
  std::string problem_;
};

// The question as a prompt's file has it: a line `--- user` before each message. Of inputs to embed: one a line.
std::string question_text(const AiRequest& request);

}  // namespace colloquium::app

namespace colloquium {

template <>
struct ConfigEnum<AiFailureKind> {
  static constexpr std::pair<std::string_view, AiFailureKind> values[] = {
      {"caller", AiFailureKind::kCaller},
      {"key", AiFailureKind::kKey},
      {"throttled", AiFailureKind::kThrottled},
      {"quota", AiFailureKind::kQuota},
      {"transient", AiFailureKind::kTransient}};
};
template <>
struct ConfigObject<app::WrittenToolCall> {
  static ConfigSpec<app::WrittenToolCall> spec();
};
template <>
struct ConfigObject<app::WrittenAnswer> {
  static ConfigSpec<app::WrittenAnswer> spec();
};

}  // namespace colloquium
