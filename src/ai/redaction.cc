#include "ai/redaction.h"

#include <algorithm>
#include <array>
#include <re2/re2.h>

#include "base/assert.h"
#include "base/names.h"

namespace colloquium::ai {
namespace {

using Accept = bool (*)(std::string_view found);

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// ISO/IEC 7812-1, annex B.
bool is_card(std::string_view found) {
  int sum = 0;
  size_t digits = 0;
  for (size_t i = found.size(); i-- > 0;) {
    if (!is_digit(found[i])) continue;
    int digit = found[i] - '0';
    if (digits++ % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return digits >= 13 && digits <= 19 && sum % 10 == 0;
}

// ISO 13616: the first four characters stand last, letters are numbers from 10 on, and all of it is 1 modulo 97.
bool is_iban(std::string_view found) {
  std::string plain;
  for (const char c : found) {
    if (c != ' ') plain += c;
  }
  if (plain.size() < 15 || plain.size() > 34) return false;
  std::rotate(plain.begin(), plain.begin() + 4, plain.end());
  int rest = 0;
  for (const char c : plain) {
    rest = is_digit(c) ? (rest * 10 + (c - '0')) % 97 : (rest * 100 + (c - 'A' + 10)) % 97;
  }
  return rest == 1;
}

bool is_phone(std::string_view found) {
  const auto digits = std::count_if(found.begin(), found.end(), is_digit);
  return digits >= 8 && digits <= 15;
}

bool is_any(std::string_view) {
  return true;
}

struct Kind {
  std::string_view name;
  const char* expression;
  Accept accept;
};

// In the order they are looked for: what is longer and surer first.
constexpr std::array<Kind, 5> kKinds = {{
    {"email", R"([A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+)", is_any},
    {"iban", R"(\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b)", is_iban},
    {"card", R"(\b[0-9](?:[ \-]?[0-9]){12,18}\b)", is_card},
    {"ip",
     R"(\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\b)"
     R"(|\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\b|\b(?:[0-9A-Fa-f]{1,4}:)+:(?:[0-9A-Fa-f]{1,4}:?)*)",
     is_any},
    {"phone", R"(\+[0-9](?:[ ./\-]?\(?[0-9]\)?){7,14}|\b0[0-9](?:[ ./\-]?\(?[0-9]\)?){6,13}\b)", is_phone},
}};

re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(re2::RE2::Options::EncodingUTF8);
  return options;
}

}  // namespace

struct Redaction::Rule {
  Rule(const std::string& name, const std::string& expression, Accept the_accept)
      : mark("[" + name + "]"), finds(expression, options()), accept(the_accept) {}
  const std::string mark;
  const re2::RE2 finds;
  const Accept accept;

  std::string apply(const std::string& text) const;
};

std::string Redaction::Rule::apply(const std::string& text) const {
  const re2::StringPiece whole(text);
  re2::StringPiece found;
  std::string out;
  size_t done = 0;
  for (size_t at = 0; at <= text.size() && finds.Match(whole, at, text.size(), re2::RE2::UNANCHORED, &found, 1);) {
    const auto begin = static_cast<size_t>(found.data() - text.data());
    if (found.empty()) {  // an expression of a user's that matches nothing at all
      at = begin + 1;
      continue;
    }
    if (accept({found.data(), found.size()})) {
      out.append(text, done, begin - done);
      out += mark;
      done = begin + found.size();
    }
    at = begin + found.size();
  }
  if (done == 0) return text;
  return out.append(text, done, std::string::npos);
}

std::vector<std::string_view> redaction_kinds() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) names.push_back(kind.name);
  return names;
}

Redaction::Redaction() = default;
Redaction::~Redaction() = default;

Result<std::shared_ptr<const Redaction>> Redaction::create(
    const std::vector<std::string>& kinds, const std::vector<std::pair<std::string, std::string>>& own) {
  const std::shared_ptr<Redaction> redaction(new Redaction());
  for (const auto& [name, expression] : own) {
    auto rule = std::make_unique<const Rule>(name, expression, is_any);
    if (!rule->finds.ok()) {
      return fail(ErrorCode::kInvalidConfig,
                  "the expression of redaction '" + name + "' cannot be read: " + rule->finds.error());
    }
    redaction->rules_.push_back(std::move(rule));
  }
  for (const std::string& wanted : kinds) {
    const bool known =
        std::any_of(kKinds.begin(), kKinds.end(), [&](const Kind& kind) { return kind.name == wanted; });
    if (known) continue;
    const std::vector<std::string_view> names = redaction_kinds();
    const std::string near = closest_name(wanted, names);
    return fail(ErrorCode::kInvalidConfig,
                "there is no redaction '" + wanted + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  for (const Kind& kind : kKinds) {
    if (std::find(kinds.begin(), kinds.end(), kind.name) == kinds.end()) continue;
    redaction->rules_.push_back(
        std::make_unique<const Rule>(std::string(kind.name), kind.expression, kind.accept));
    ASSERT(redaction->rules_.back()->finds.ok());
  }
  return std::shared_ptr<const Redaction>(redaction);
}

std::string Redaction::operator()(std::string text) const {
  for (const auto& rule : rules_) text = rule->apply(text);
  return text;
}

void redact_texts(AiRequest& request, const std::function<std::string(std::string)>& redact) {
  const auto apply = [&redact](std::string& text) { text = redact(std::move(text)); };
  for (AiMessage& message : request.messages) {
    for (AiPart& part : message.parts) {
      if (auto* text = std::get_if<AiText>(&part)) apply(text->text);
      if (auto* call = std::get_if<AiToolCall>(&part)) apply(call->arguments);
      if (auto* result = std::get_if<AiToolResult>(&part)) apply(result->content);
    }
  }
  for (std::string& input : request.inputs) apply(input);
}

}  // namespace colloquium::ai
