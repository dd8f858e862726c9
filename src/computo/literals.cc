#include "computo/literals.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "computo/number.h"
#include "computo/text.h"

namespace colloquium::computo {

Literals::Literals(Program& program, std::string_view array_key) : program_(program), array_key_(array_key) {
  ASSERT(!array_key.empty());
}

void Literals::prepare() {
  constant_.assign(program_.tape.size(), true);
  // Children stand behind their containers, so from the back each is known before it is asked for.
  for (size_t i = program_.tape.size(); i-- > 0;) {
    const auto token = static_cast<uint32_t>(i);
    if (program_.tape[i].type() == TokenType::kArray) constant_[i] = constant_array(token);
    if (program_.tape[i].type() == TokenType::kObject) constant_[i] = constant_object(token);
  }
}

// A list is one constant if it calls nothing and no element can fail.
bool Literals::constant_array(uint32_t token) const {
  ASSERT(token < program_.tape.size());
  const uint32_t end = program_.tape[token].next;
  uint32_t child = first_child(token);
  if (child == end) return true;
  if (program_.tape[child].type() == TokenType::kString) return false;  // a call
  for (; child != end; child = program_.tape[child].next) {
    if (!constant_[child]) return false;
  }
  return true;
}

// Any object is data; only a wrapper around something else than an array fails.
bool Literals::constant_object(uint32_t token) const {
  bool malformed = false;
  wrapped(token, malformed);
  return !malformed;
}

uint32_t Literals::wrapped(uint32_t object, bool& malformed) const {
  ASSERT(program_.tape[object].type() == TokenType::kObject);
  malformed = false;
  const uint32_t end = program_.tape[object].next;
  uint32_t last = 0;
  std::string scratch;
  for (uint32_t key = first_child(object); key != end; key = program_.tape[key + 1].next) {
    if (program_.expression(key).string(scratch) != array_key_) return 0;
    last = key + 1;  // of duplicate keys the last counts
  }
  if (last == 0) return 0;
  malformed = program_.tape[last].type() != TokenType::kArray;
  return malformed ? 0 : last;
}

std::string_view Literals::keep(std::string text) {
  program_.strings.push_back(std::move(text));
  ASSERT(!program_.strings.empty());
  return program_.strings.back();
}

std::string_view Literals::text_of(uint32_t token) {
  const json::ValueView view = program_.expression(token);
  ASSERT(view.type() == TokenType::kString || view.type() == TokenType::kKey);
  if (!view.is_escaped()) return view.raw_string();
  std::string decoded;
  json::unescape(view.raw_string(), decoded);
  return keep(std::move(decoded));
}

// Rendered now, so that writing a record copies its keys and escapes nothing.
Key Literals::key(std::string_view name) {
  std::string rendered(escaped_bound(name.size()), '\0');
  bool escaped = false;
  const char* end = write_string(name, rendered.data(), escaped);
  rendered.resize(static_cast<size_t>(end - rendered.data()));
  rendered.push_back(':');
  const std::string_view kept = keep(std::move(rendered));
  ASSERT(kept.size() >= 3);
  return {name.data(), kept.data(), static_cast<uint32_t>(name.size()), static_cast<uint32_t>(kept.size())};
}

Value Literals::value_of(uint32_t token) {
  const json::ValueView view = program_.expression(token);
  switch (view.type()) {
    case TokenType::kNull:
      return null_value();
    case TokenType::kFalse:
      return bool_value(false);
    case TokenType::kTrue:
      return bool_value(true);
    case TokenType::kInteger:
    case TokenType::kDouble: {
      const Source source{program_.text.data(), program_.tape.data()};
      return decode_number(view_value(&source, token));
    }
    case TokenType::kString:
      return string_value(text_of(token));
    default:
      break;
  }
  // Arrays and objects become text and tape, and are from then on what an input is: a view.
  ASSERT(is_constant(token));
  const auto index = static_cast<uint32_t>(program_.literal_tape.size());
  render(token, false);
  return view_value(&program_.literals, index);
}

void Literals::leaf(TokenType type, size_t offset, uint8_t flags) {
  ASSERT(offset <= program_.literal_text.size());
  TapeToken token{};
  token.offset = static_cast<uint32_t>(offset);
  token.length = static_cast<uint32_t>(program_.literal_text.size() - offset);
  token.next = static_cast<uint32_t>(program_.literal_tape.size() + 1);
  token.flags = flags & 63u;
  token.type_bits = static_cast<uint32_t>(type) & 63u;
  program_.literal_tape.push_back(token);
}

size_t Literals::open(TokenType type) {
  const size_t index = program_.literal_tape.size();
  leaf(type, program_.literal_text.size(), 0);
  program_.literal_text.push_back(type == TokenType::kArray ? '[' : '{');
  ASSERT(index + 1 == program_.literal_tape.size());
  return index;
}

void Literals::close(size_t opened, uint32_t count, char bracket) {
  constexpr uint32_t kMostCount = (1u << 20) - 1;
  program_.literal_text.push_back(bracket);
  TapeToken& token = program_.literal_tape[opened];
  ASSERT(token.offset < program_.literal_text.size());
  token.length = static_cast<uint32_t>(program_.literal_text.size() - token.offset);
  token.next = static_cast<uint32_t>(program_.literal_tape.size());
  token.count = std::min(count, kMostCount) & kMostCount;
}

// `data`: inside rule 2 or 3, where nothing is an expression.
void Literals::render(uint32_t token, bool data) {
  const TokenType type = program_.tape[token].type();
  if (type == TokenType::kArray) return render_array(token, data);
  if (type != TokenType::kObject) return render_scalar(program_.expression(token));
  bool malformed = false;
  const uint32_t array = wrapped(token, malformed);
  ASSERT(data || !malformed);
  if (array != 0) return render_array(array, true);
  render_object(token);
}

void Literals::render_scalar(const json::ValueView& value) {
  std::vector<char>& text = program_.literal_text;
  const size_t offset = text.size();
  const TokenType type = value.type();
  if (type == TokenType::kString) {
    std::string scratch;
    const std::string_view decoded = value.string(scratch);
    bool escaped = false;
    text.resize(offset + escaped_bound(decoded.size()));
    const char* end = write_string(decoded, text.data() + offset, escaped);
    text.resize(static_cast<size_t>(end - text.data()));
    return leaf(type, offset, escaped ? kTokenEscaped : 0);
  }
  if (type != TokenType::kInteger && type != TokenType::kDouble) {
    const std::string_view raw = value.raw();
    text.insert(text.end(), raw.begin(), raw.end());
    return leaf(type, offset, 0);
  }
  const Source source{value.text(), value.root()};
  const Value number = decode_number(view_value(&source, value.index()));
  char digits[kNumberBound];
  const char* end = write_number(number, digits);
  text.insert(text.end(), static_cast<const char*>(digits), end);
  // The token keeps the literal's own type: 1e17 stays a double for arithmetic, though it is spelled as digits.
  const bool integer = number.kind != Kind::kDouble;
  leaf(integer ? TokenType::kInteger : TokenType::kDouble, offset,
       number.kind == Kind::kUint ? kTokenBigInteger : 0);
  ASSERT(text.size() > offset);
}

void Literals::render_array(uint32_t token, bool data) {
  ASSERT(program_.tape[token].type() == TokenType::kArray);
  const size_t opened = open(TokenType::kArray);
  uint32_t count = 0;
  for (uint32_t i = first_child(token); i != program_.tape[token].next; i = program_.tape[i].next) {
    if (count++ > 0) program_.literal_text.push_back(',');
    render(i, data);
  }
  close(opened, count, ']');
}

std::vector<Literals::Member> Literals::members(uint32_t object) {
  std::vector<Member> all;
  const uint32_t end = program_.tape[object].next;
  for (uint32_t key = first_child(object); key != end; key = program_.tape[key + 1].next) {
    all.push_back({text_of(key), key + 1});
  }
  std::stable_sort(all.begin(), all.end(), [](const Member& a, const Member& b) { return a.name < b.name; });
  std::vector<Member> distinct;
  for (const Member& member : all) {
    if (!distinct.empty() && distinct.back().name == member.name) distinct.pop_back();
    distinct.push_back(member);
  }
  ASSERT(distinct.size() <= all.size());
  return distinct;
}

void Literals::render_object(uint32_t token) {
  std::vector<char>& text = program_.literal_text;
  const size_t opened = open(TokenType::kObject);
  uint32_t count = 0;
  for (const Member& member : members(token)) {
    if (count++ > 0) text.push_back(',');
    const size_t offset = text.size();
    bool escaped = false;
    text.resize(offset + escaped_bound(member.name.size()));
    const char* end = write_string(member.name, text.data() + offset, escaped);
    text.resize(static_cast<size_t>(end - text.data()));
    leaf(TokenType::kKey, offset, escaped ? kTokenEscaped : 0);
    text.push_back(':');
    render(member.value, true);
  }
  close(opened, count, '}');
}

}  // namespace colloquium::computo
