#include "components/http/answer_rules.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "config/problems.h"

namespace colloquium::components {
namespace {

constexpr size_t kAnswerBytesShown = 256;
constexpr int kFirstStatus = 200;  // those below are no answers yet
constexpr int kLastStatus = 599;
constexpr int kUnauthorized = 401;
constexpr int kProxyAuthentication = 407;
constexpr int kTooLarge = 413;

// Of the receiver, or of what stands before it: another time it may take the same request.
bool is_about_now(int status) {
  return status == 408 || status == 425 || status == 429;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || text.size() != 3) return std::nullopt;
  return value;
}

void add_range(const ConfigNode& node, std::string_view path, StatusSet& set, ConfigProblems& problems) {
  if (node.unresolved) return;
  const bool is_scalar = node.kind == ConfigNode::Kind::kInteger || node.kind == ConfigNode::Kind::kString;
  const auto range = is_scalar ? status_range(node.text) : std::nullopt;
  if (range) return set.ranges.push_back(*range);
  config::add_error(problems, node.mark,
                    std::string(path) + " must be a status such as 409, 5xx or 420-429, or a list of them, " +
                        config::found(node));
}

void read_statuses(const ConfigNode& node, std::string_view path, StatusSet& set, ConfigProblems& problems) {
  if (node.kind != ConfigNode::Kind::kList) return add_range(node, path, set, problems);
  for (const ConfigNode& item : node.items) add_range(item, path, set, problems);
}

}  // namespace

bool StatusSet::holds(int status) const {
  return std::any_of(ranges.begin(), ranges.end(),
                     [status](const auto& range) { return status >= range.first && status <= range.second; });
}

std::optional<std::pair<int, int>> status_range(std::string_view text) {
  std::optional<int> first;
  std::optional<int> last;
  if (text.size() == 3 && text.ends_with("xx") && text[0] >= '2' && text[0] <= '5') {
    first = (text[0] - '0') * 100;
    last = *first + 99;
  } else {
    const size_t dash = std::min(text.find('-'), text.size());
    first = number(text.substr(0, dash));
    last = dash == text.size() ? first : number(text.substr(dash + 1));
  }
  if (!first || !last || *first > *last || *first < kFirstStatus || *last > kLastStatus) return std::nullopt;
  return std::pair(*first, *last);
}

void check_statuses(const StatusSettings& settings, const ConfigNode& node, ConfigProblems& problems) {
  const std::array<const StatusSet*, 5> sets = {&settings.done, &settings.drop, &settings.retry,
                                                &settings.dead_letter, &settings.split};
  for (int status = kFirstStatus; status <= kLastStatus; ++status) {
    const auto holders =
        std::count_if(sets.begin(), sets.end(), [status](const StatusSet* set) { return set->holds(status); });
    if (holders < 2) continue;
    return config::refuse(node, "status", "status: " + std::to_string(status) + " is named more than once",
                          problems);
  }
}

Verdict AnswerRules::standard(int status) const {
  if (status >= 200 && status < 300) return Verdict::kDone;
  if (status == kTooLarge) return Verdict::kSplit;
  if (status == kProxyAuthentication || (status == kUnauthorized && logs_in_)) return Verdict::kRetry;
  return status >= 500 || is_about_now(status) ? Verdict::kRetry : Verdict::kDeadLetter;
}

Verdict AnswerRules::verdict(int status) const {
  if (settings_.done.holds(status)) return Verdict::kDone;
  if (settings_.drop.holds(status)) return Verdict::kDrop;
  if (settings_.retry.holds(status)) return Verdict::kRetry;
  if (settings_.dead_letter.holds(status)) return Verdict::kDeadLetter;
  if (settings_.split.holds(status)) return Verdict::kSplit;
  return standard(status);
}

// 500 and 501 are also what a receiver answers when it chokes on one event, and who has 404 tried again waits for
// something that this event needs. Every other answer worth a retry speaks of the receiver or of what stands
// before it (RFC 9110, 15.6), and another event would fare no better.
bool AnswerRules::may_be_the_event(int status) const {
  if (status == 500 || status == 501) return true;
  return status < 500 && standard(status) != Verdict::kRetry;
}

EventOutcome AnswerRules::outcome(const std::string& what, const Result<net::ClientResponse>& answer) const {
  if (!answer) {
    const bool again = answer.error().retryable;
    return {again ? Outcome::kRetry : Outcome::kDeadLetter, answer.error(), 0};
  }
  const int status = answer->status;
  const Verdict verdict = this->verdict(status);
  if (verdict == Verdict::kDone) return {};
  std::string message = what + " answered " + std::to_string(status);
  if (!answer->body.empty()) message += ": " + answer->body.substr(0, kAnswerBytesShown);
  if (verdict == Verdict::kDrop) return {Outcome::kDrop, {}, 0};
  if (verdict == Verdict::kRetry) {
    return {Outcome::kRetry,
            {ErrorCode::kUnavailable, std::move(message), true, {}},
            answer->retry_after_ms.value_or(0),
            may_be_the_event(status)};
  }
  return {Outcome::kDeadLetter, {ErrorCode::kInvalidInput, std::move(message), false, {}}, 0};
}

}  // namespace colloquium::components

namespace colloquium {

FieldSpec ConfigType<components::StatusSet>::describe(std::string name, FieldOptions options) {
  FieldSpec spec{.name = std::move(name), .type = FieldType::kAny, .options = std::move(options)};
  spec.read = [](const ConfigNode& node, std::string_view path, void* target, ConfigProblems& problems) {
    components::read_statuses(node, path, *static_cast<components::StatusSet*>(target), problems);
  };
  return spec;
}

ConfigSpec<components::StatusSettings> ConfigObject<components::StatusSettings>::spec() {
  using components::StatusSettings;
  return ConfigSpec<StatusSettings>()
      .field("done", &StatusSettings::done, {.description = "Taken: as good as 2xx.", .example = "[409, 304]"})
      .field("drop", &StatusSettings::drop, {.description = "Refused, and the event is not wanted any more."})
      .field("retry", &StatusSettings::retry,
             {.description = "Sent again. Other than 408, 425, 429 and 5xx it counts as one of the event's "
                             "attempts.",
              .example = "[404, 423]"})
      .field("dead_letter", &StatusSettings::dead_letter,
             {.description = "The event is a dead letter.", .example = "501"})
      .field("split", &StatusSettings::split,
             {.description = "A request of several events is sent as two, and those again, down to single events; "
                             "of a single one it is a dead letter. 413 is, unless named elsewhere.",
              .example = "[400, 422]"});
}

}  // namespace colloquium
