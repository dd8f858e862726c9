#include "ai/redaction.h"

#include <algorithm>
#include <array>
#include <optional>
#include <re2/re2.h>
#include <utility>

#include "ai/json_text.h"
#include "base/assert.h"
#include "base/names.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::ai {
namespace {

// How much of the beginning of what an expression found is such a thing, most first; 0: nothing. An expression
// takes as much as it can, and so also what stands behind: "4111 1111 1111 1111 12/27".
using Measure = size_t (*)(std::string_view found);

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The end of what may stand by itself: of all, or before a space or dash.
bool may_end(std::string_view found, size_t size) {
  return size == found.size() || found[size] == ' ' || found[size] == '-';
}

// ISO/IEC 7812-1, annex B. From the right every second digit counts twice; read from the left both sums are kept,
// of what is read with its last digit counted once, and counted twice.
size_t card_size(std::string_view found) {
  int once = 0;
  int twice = 0;
  size_t digits = 0;
  size_t size = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (!is_digit(found[i])) continue;
    const int digit = found[i] - '0';
    const int before = once;
    once = twice + digit;
    twice = before + (digit > 4 ? 2 * digit - 9 : 2 * digit);
    if (++digits >= 13 && digits <= 19 && once % 10 == 0 && may_end(found, i + 1)) size = i + 1;
  }
  return size;
}

// ISO 13616: the first four characters stand last, letters are numbers from 10 on, and all of it is 1 modulo 97.
bool is_iban(std::string_view plain) {
  if (plain.size() < 15 || plain.size() > 34) return false;
  int rest = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    const char c = plain[(i + 4) % plain.size()];
    rest = is_digit(c) ? (rest * 10 + (c - '0')) % 97 : (rest * 100 + (c - 'A' + 10)) % 97;
  }
  return rest == 1;
}

size_t iban_size(std::string_view found) {
  std::string plain;
  size_t size = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] == ' ') continue;
    plain += found[i];
    if (may_end(found, i + 1) && is_iban(plain)) size = i + 1;
  }
  return size;
}

size_t phone_size(std::string_view found) {
  const auto digits = std::count_if(found.begin(), found.end(), is_digit);
  return digits >= 8 && digits <= 15 ? found.size() : 0;
}

size_t all_of(std::string_view found) {
  return found.size();
}

struct Kind {
  std::string_view name;
  const char* expression;
  Measure measure;
};

// In the order they are looked for: what is longer and surer first.
constexpr std::array<Kind, 5> kKinds = {{
    {"email", R"([\pL\pM\pN._%+\-]+@[\pL\pM\pN\-]+(?:\.[\pL\pM\pN\-]+)+)", all_of},
    {"iban", R"(\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b)", iban_size},
    {"card", R"(\b[0-9](?:[ \-]?[0-9]){12,18}\b)", card_size},
    {"ip",
     R"(\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\b)"
     R"(|\b(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\b|\b(?:[0-9A-Fa-f]{1,4}:)+:(?:[0-9A-Fa-f]{1,4}:?)*)"
     // "::ffff:10.0.0.1", "::1"; the last of the latter has a digit, for "::add" is a name in programs.
     R"(|\B::(?:[0-9A-Fa-f]{1,4}:){0,6}(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b)"
     R"(|\B::(?:[0-9A-Fa-f]{1,4}:){0,6}(?:[A-Fa-f]{0,3}[0-9]|[A-Fa-f]{0,2}[0-9][0-9A-Fa-f])"
     R"(|[A-Fa-f]?[0-9][0-9A-Fa-f]{2}|[0-9][0-9A-Fa-f]{3})\b)",
     all_of},
    {"phone", R"(\+[0-9](?:[ ./\-]?\(?[0-9]\)?){7,14}|\b0[0-9](?:[ ./\-]?\(?[0-9]\)?){6,13}\b)", phone_size},
}};

re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(re2::RE2::Options::EncodingUTF8);
  return options;
}

}  // namespace

struct Redaction::Rule {
  Rule(const std::string& name, const std::string& expression, Measure the_measure)
      : mark("[" + name + "]"), finds(expression, options()), measure(the_measure) {}
  const std::string mark;
  const re2::RE2 finds;
  const Measure measure;

  std::string apply(const std::string& text) const;
  // The next such thing that begins from `at` on: where, and its end.
  std::optional<std::pair<size_t, size_t>> next(const std::string& text, size_t at) const;
};

std::optional<std::pair<size_t, size_t>> Redaction::Rule::next(const std::string& text, size_t at) const {
  const re2::StringPiece whole(text);
  re2::StringPiece found;
  while (at <= text.size() && finds.Match(whole, at, text.size(), re2::RE2::UNANCHORED, &found, 1)) {
    const auto begin = static_cast<size_t>(found.data() - text.data());
    const size_t size = measure({found.data(), found.size()});
    if (size > 0) return std::pair(begin, begin + size);
    at = begin + 1;  // it may begin at the next place
  }
  return std::nullopt;
}

// What only by chance has the form may begin before what is meant, and end within it: both go.
std::string Redaction::Rule::apply(const std::string& text) const {
  std::string out;
  size_t done = 0;
  for (auto found = next(text, 0); found;) {
    auto [begin, end] = *found;
    for (found = next(text, measure == all_of ? end : begin + 1); found && found->first < end;
         found = next(text, found->first + 1)) {
      end = std::max(end, found->second);
    }
    out.append(text, done, begin - done);
    out += mark;
    done = end;
  }
  if (done == 0) return text;
  return out.append(text, done, std::string::npos);
}

namespace {

// Somewhere in a text of words, spaces, digits, signs and lines: it would be tried at every place of every text,
// and hides nothing there.
bool finds_nothing(const re2::RE2& expression) {
  const re2::StringPiece text("a_B -1.\n\n'c' ");
  for (size_t at = 0; at <= text.size(); ++at) {
    if (expression.Match(text, at, at, re2::RE2::ANCHOR_BOTH, nullptr, 0)) return true;
  }
  return expression.Match("", 0, 0, re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

}  // namespace

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
    auto rule = std::make_unique<const Rule>(name, expression, all_of);
    if (!rule->finds.ok()) {
      return fail(ErrorCode::kInvalidConfig,
                  "the expression of redaction '" + name + "' cannot be read: " + rule->finds.error());
    }
    if (finds_nothing(rule->finds)) {
      return fail(ErrorCode::kInvalidConfig, "the expression of redaction '" + name +
                                                 "' also matches the empty text, between any two characters; "
                                                 "write it so that it takes one at least");
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
        std::make_unique<const Rule>(std::string(kind.name), kind.expression, kind.measure));
    ASSERT(redaction->rules_.back()->finds.ok());
  }
  return std::shared_ptr<const Redaction>(redaction);
}

std::string Redaction::operator()(std::string text) const {
  for (const auto& rule : rules_) text = rule->apply(text);
  return text;
}

namespace {

using Redact = std::function<std::string(std::string)>;

bool is_structure(const json::ValueView& value) {
  return value.type() == TokenType::kObject || value.type() == TokenType::kArray;
}

// Rewrites a value of which something is redacted: strings as they are meant, whatever escapes they have, and what
// else is redacted (a number) becomes a string. `keys`: those of objects, too.
class JsonRedaction {
 public:
  JsonRedaction(const Redact& redact, bool keys) : redact_(redact), keys_(keys) {}

  // Nothing, if nothing of it is redacted.
  std::optional<std::string> operator()(const json::ValueView& root) {
    value(root);
    if (!changed_) return std::nullopt;
    return std::string(bytes_.begin(), bytes_.end());
  }

 private:
  void value(const json::ValueView& value) {
    if (value.type() == TokenType::kObject) {
      out_.begin_object();
      for (json::ValueView key = value.first_child(); !key.at_end_of(value); key = key.next().next()) {
        member(key);
      }
      out_.end_object();
    } else if (value.type() == TokenType::kArray) {
      out_.begin_array();
      for (json::ValueView item = value.first_child(); !item.at_end_of(value); item = item.next()) {
        this->value(item);
      }
      out_.end_array();
    } else {
      scalar(value);
    }
  }
  void member(const json::ValueView& key) {
    const std::optional<std::string> made = keys_ ? redacted(key) : std::nullopt;
    if (made) {
      out_.key(*made);
    } else {
      out_.raw_key(key);
    }
    value(key.next());
  }
  void scalar(const json::ValueView& value) {
    const std::optional<std::string> made = redacted(value);
    if (made) {
      out_.string(*made);
    } else {
      out_.raw(value);
    }
  }
  std::optional<std::string> redacted(const json::ValueView& text) {
    std::string scratch;
    const bool is_text = text.type() == TokenType::kString || text.type() == TokenType::kKey;
    const std::string before(is_text ? text.string(scratch) : text.raw());
    std::string after = redact_(before);
    if (after == before) return std::nullopt;
    changed_ = true;
    return after;
  }

  const Redact& redact_;
  const bool keys_;
  std::vector<char> bytes_;
  json::Writer out_{bytes_, nullptr};
  bool changed_ = false;
};

// Those of the web and of storage, in any case; not "data:…".
void redact_url(std::string& url, const Redact& redact) {
  constexpr std::string_view kData = "data:";
  const bool is_data = url.size() >= kData.size() &&
                       std::equal(kData.begin(), kData.end(), url.begin(),
                                  [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  if (!is_data) url = redact(std::move(url));
}

// What is JSON stays JSON; what is none is redacted as a text.
void redact_json(std::string& text, const Redact& redact, bool keys) {
  if (text.empty()) return;
  const auto document = json::parse(text, "");
  if (!document) return void(text = redact(std::move(text)));
  const json::ValueView root(document->text.data(), document->tape.data(), 0);
  if (auto made = JsonRedaction(redact, keys)(root)) text = std::move(*made);
}

// A text that is JSON, as results of tools and events are, may say with an escape what must not leave. An
// expression may also be about the JSON itself.
void redact_text(std::string& text, const Redact& redact) {
  if (text.find('\\') != std::string::npos) {
    const auto document = json::parse(text, "");
    if (document) {
      const json::ValueView root(document->text.data(), document->tape.data(), 0);
      if (is_structure(root)) {
        if (auto made = JsonRedaction(redact, true)(root)) text = std::move(*made);
      }
    }
  }
  text = redact(std::move(text));
}

// An expression about the JSON itself may leave what is no JSON, which is then the text of an object.
void redact_arguments(std::string& arguments, const Redact& redact) {
  redact_json(arguments, redact, true);
  std::string as_text = redact(arguments);
  if (as_text == arguments) return;
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  write_arguments(out, as_text);
  arguments.assign(bytes.begin(), bytes.end());
}

}  // namespace

void redact_texts(AiRequest& request, const std::function<std::string(std::string)>& redact) {
  for (AiMessage& message : request.messages) {
    for (AiPart& part : message.parts) {
      if (auto* text = std::get_if<AiText>(&part)) redact_text(text->text, redact);
      if (auto* image = std::get_if<AiImage>(&part)) redact_url(image->url, redact);
      if (auto* call = std::get_if<AiToolCall>(&part)) redact_arguments(call->arguments, redact);
      if (auto* result = std::get_if<AiToolResult>(&part)) redact_text(result->content, redact);
    }
  }
  for (std::string& input : request.inputs) redact_text(input, redact);
  for (std::string& stop : request.parameters.stop) redact_text(stop, redact);
  // Of these the keys have a meaning.
  for (AiTool& tool : request.tools) {
    redact_text(tool.description, redact);
    redact_json(tool.parameters, redact, false);
  }
  if (request.output_schema) redact_json(*request.output_schema, redact, false);
  redact_text(request.schema_terms.description, redact);
  redact_json(request.parameters.extra, redact, false);
}

}  // namespace colloquium::ai
