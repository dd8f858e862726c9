#include "components/plugin/plugin_decoder.h"

#include <algorithm>
#include <array>

#include "ai/failures.h"

namespace colloquium::components {
namespace {

using ai::JsonReader;

// More calls of tools than any answer has.
constexpr size_t kCallsMax = 10'000;

template <class Kind>
struct Named {
  std::string_view name;
  Kind kind;
};

constexpr std::array kFailures = {Named<AiFailureKind>{"caller", AiFailureKind::kCaller},
                                  Named<AiFailureKind>{"key", AiFailureKind::kKey},
                                  Named<AiFailureKind>{"throttled", AiFailureKind::kThrottled},
                                  Named<AiFailureKind>{"quota", AiFailureKind::kQuota},
                                  Named<AiFailureKind>{"transient", AiFailureKind::kTransient}};
constexpr std::array kFinishes = {Named<AiFinish>{"stop", AiFinish::kStop},
                                  Named<AiFinish>{"length", AiFinish::kLength},
                                  Named<AiFinish>{"tool_calls", AiFinish::kToolCalls},
                                  Named<AiFinish>{"content_filter", AiFinish::kContentFilter}};

template <class Kind, size_t N>
std::optional<Kind> named(const std::array<Named<Kind>, N>& rows, const std::optional<std::string_view>& name) {
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const Named<Kind>& each) { return name == each.name; });
  return row == rows.end() ? std::nullopt : std::optional<Kind>(row->kind);
}

// What is null is not there.
std::optional<json::ValueView> member(const std::optional<json::ValueView>& object, std::string_view key) {
  const auto found = JsonReader::member(object, key);
  return found && found->type() != TokenType::kNull ? found : std::nullopt;
}

// Whole numbers from 0 on. False for what is anything else.
bool take_whole(const std::optional<json::ValueView>& object, std::string_view name,
                std::optional<int64_t>& number) {
  const auto value = member(object, name);
  if (!value) return true;
  number = JsonReader::integer(value);
  return number.has_value();
}

// Or `otherwise`, where none is said; nothing where it is said wrongly.
std::optional<size_t> index_of(const json::ValueView& object, size_t otherwise) {
  std::optional<int64_t> index;
  if (!take_whole(object, "index", index)) return std::nullopt;
  return index ? static_cast<size_t>(*index) : otherwise;
}

// But for whose it is.
bool says_anything(const json::ValueView& object) {
  std::string scratch;
  for (json::ValueView key = object.first_child(); !key.at_end_of(object);) {
    const json::ValueView value = key.next();
    if (value.type() != TokenType::kNull && key.string(scratch) != "id") return true;
    scratch.clear();
    key = value.next();
  }
  return false;
}

// False for what is there and no text.
bool take_text(const std::optional<json::ValueView>& object, std::string_view name, std::string& scratch,
               std::string_view& text) {
  const auto value = member(object, name);
  if (!value) return true;
  const auto found = JsonReader::text(value, scratch);
  text = found.value_or("");
  return found.has_value();
}

// `{"kind": …, "message": …, "retry_after_ms": …}`, or the message alone.
AiFailure failure_of(const std::optional<json::ValueView>& value, AiFailureKind otherwise) {
  std::string scratch;
  AiFailure failure;
  failure.kind = named(kFailures, JsonReader::text(member(value, "kind"), scratch)).value_or(otherwise);
  failure.retry_after_ms = JsonReader::integer(member(value, "retry_after_ms"));
  if (failure.retry_after_ms > ai::kRetryAfterMsMax) failure.retry_after_ms.reset();
  auto message = JsonReader::text(value, scratch);
  if (!message) message = JsonReader::text(member(value, "message"), scratch);
  failure.message = message && !message->empty() ? ai::quoted(*message) : "the plugin did not say why";
  return failure;
}

}  // namespace

AiFailure PluginDecoder::refusal(const AiHead& head, std::string_view body) {
  const AiFailureKind kind = ai::failure_kind(head.status);
  AiFailure failure;
  if (const auto said = member(reader_.read(body), "failure")) {
    failure = failure_of(said, kind);
  } else {
    failure.kind = kind;
    failure.message = ai::quoted(body);
  }
  failure.status = head.status;
  if (!failure.retry_after_ms) failure.retry_after_ms = ai::retry_after_ms(head);
  return failure;
}

void PluginDecoder::line(std::string_view line, const AiTake& take) {
  const auto root = reader_.read(line);
  if (!root || root->type() != TokenType::kObject) {
    return broken("a line of the answer is no JSON object: " + std::string(ai::quoted(line)), take);
  }
  struct Known {
    std::string_view name;
    bool (PluginDecoder::*take)(const json::ValueView&, const AiTake&);
  };
  static constexpr std::array kKnown = {
      Known{"text", &PluginDecoder::text},           Known{"reasoning", &PluginDecoder::reasoning},
      Known{"tool_call", &PluginDecoder::tool_call}, Known{"embedding", &PluginDecoder::embedding},
      Known{"usage", &PluginDecoder::usage},         Known{"failure", &PluginDecoder::failure},
      Known{"finish", &PluginDecoder::finish_said}};
  bool is_known = false;
  for (const Known& known : kKnown) {
    const auto value = member(root, known.name);
    if (!value) continue;
    is_known = true;
    const bool understood = (this->*known.take)(*value, take);
    if (ended()) return;
    if (understood) continue;
    return broken("`" + std::string(known.name) + "` can't be understood: " + std::string(ai::quoted(line)), take);
  }
  if (!is_known && says_anything(*root))
    broken("a line says nothing that is known: " + std::string(ai::quoted(line)), take);
}

// An endpoint may leave the type out, or answer in one piece over several lines.
void PluginDecoder::whole(std::string_view body, const AiTake& take) {
  if (reader_.read(body)) {
    line(body, take);
  } else {
    while (!body.empty() && !ended()) {
      const std::string_view one = body.substr(0, body.find('\n'));
      body.remove_prefix(std::min(one.size() + 1, body.size()));
      if (one.find_first_not_of(" \t\r") != one.npos) line(one, take);
    }
  }
  if (!ended()) broken("the answer ends without a `finish`", take);
}

bool PluginDecoder::text(const json::ValueView& value, const AiTake& take) {
  const auto text = JsonReader::text(value, scratch_[0]);
  if (text && !text->empty()) take(AiTextDelta{*text});
  return text.has_value();
}

bool PluginDecoder::reasoning(const json::ValueView& value, const AiTake& take) {
  const auto text = JsonReader::text(value, scratch_[0]);
  if (text && !text->empty()) take(AiReasoningDelta{*text});
  return text.has_value();
}

// One that has a name begins; one without goes on with the last, or with that of its index. Arguments are an
// object, or a piece of its text.
bool PluginDecoder::tool_call(const json::ValueView& value, const AiTake& take) {
  std::string_view name, id;
  if (value.type() != TokenType::kObject) return false;
  if (!take_text(value, "name", scratch_[0], name) || !take_text(value, "id", scratch_[2], id)) return false;
  const bool begins = !name.empty();
  if (!begins && has_arguments_.empty()) return false;
  const auto said_index = index_of(value, begins ? has_arguments_.size() : has_arguments_.size() - 1);
  if (!said_index || *said_index >= kCallsMax) return false;
  const size_t index = *said_index;
  if (begins ? index != has_arguments_.size() : index >= has_arguments_.size()) return false;
  const auto arguments = member(value, "arguments");
  const auto piece = JsonReader::text(arguments, scratch_[1]);
  if (arguments && !piece && arguments->type() != TokenType::kObject) return false;
  const std::string_view said = piece ? *piece : arguments ? arguments->raw() : "";
  if (begins) has_arguments_.push_back(false);
  if (!said.empty()) has_arguments_[index] = true;
  const std::string made = call_stem_ + "-" + std::to_string(index);
  if (begins && id.empty()) id = made;
  take(AiToolCallDelta{index, begins ? id : "", name, said});
  return true;
}

bool PluginDecoder::embedding(const json::ValueView& value, const AiTake& take) {
  const auto next =
      static_cast<size_t>(std::find(has_vector_.begin(), has_vector_.end(), false) - has_vector_.begin());
  const auto said_index = index_of(value, next);
  if (!said_index || *said_index >= has_vector_.size() || has_vector_[*said_index]) return false;
  const size_t index = *said_index;
  auto vector = JsonReader::floats(member(value, "vector"));
  if (!vector || vector->empty()) return false;
  has_vector_[index] = true;
  take(AiEmbedding{index, *std::move(vector)});
  return true;
}

bool PluginDecoder::usage(const json::ValueView& value, const AiTake& take) {
  if (value.type() != TokenType::kObject) return false;
  AiUsage usage;
  const bool understood =
      take_whole(value, "input", usage.input) && take_whole(value, "cache_read", usage.cache_read) &&
      take_whole(value, "cache_write_5m", usage.cache_write_5m) &&
      take_whole(value, "cache_write_1h", usage.cache_write_1h) && take_whole(value, "output", usage.output) &&
      take_whole(value, "reasoning", usage.reasoning);
  if (understood) take(usage);
  return understood;
}

// The reason, or an object with it and the plugin's own word.
bool PluginDecoder::finish_said(const json::ValueView& value, const AiTake& take) {
  auto reason = JsonReader::text(value, scratch_[0]);
  if (!reason) reason = JsonReader::text(member(value, "reason"), scratch_[0]);
  if (!reason) return false;
  const bool complete = std::find(has_vector_.begin(), has_vector_.end(), false) == has_vector_.end();
  if (!complete) {
    broken("the answer is finished, and has no vector for each input", take);
    return true;
  }
  for (size_t i = 0; i < has_arguments_.size(); ++i) {
    if (!has_arguments_[i]) take(AiToolCallDelta{i, "", "", "{}"});
  }
  AiFinish kind = named(kFinishes, reason).value_or(AiFinish::kOther);
  if (kind == AiFinish::kStop && !has_arguments_.empty()) kind = AiFinish::kToolCalls;
  const auto said = JsonReader::text(member(value, "said"), scratch_[1]);
  finish({kind, std::string(ai::quoted(said.value_or(*reason)))}, take);
  return true;
}

bool PluginDecoder::failure(const json::ValueView& value, const AiTake& take) {
  failed(failure_of(value, AiFailureKind::kTransient), take);
  return true;
}

}  // namespace colloquium::components
