#include "computo/sugar_writer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "computo/code.h"
#include "computo/number.h"
#include "computo/sugar_lexer.h"
#include "computo/text.h"
#include "json/escape.h"

namespace colloquium::computo {

namespace {

enum class Form { kLiteral, kLiveList, kLiveObject, kAccess, kCall, kInfix, kMinus, kNot, kIf, kLet, kLambda };

// How an expression is written, and how tightly that binds.
struct Shape {
  Form form = Form::kLiteral;
  int level = kSugarPrimaryLevel;
  std::string name;  // of a call
};

struct Member {
  std::string name;
  uint32_t value;
};

// Segments of letters, digits and '_' only; a variable's name must be one that sugar has.
bool is_path(std::string_view pointer, bool variable) {
  if (!pointer.starts_with('/') || pointer.ends_with('/')) return false;
  if (pointer.find("//") != std::string_view::npos) return false;
  const std::string_view name = pointer.substr(1, pointer.find('/', 1) - 1);
  return std::all_of(pointer.begin(), pointer.end(), [](char c) { return c == '/' || is_name_part(c); }) &&
         (!variable || is_free_name(name));
}

bool is_dotted_name(std::string_view name) {
  while (true) {
    const size_t dot = name.find('.');
    if (!is_free_name(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

class SugarWriter {
 public:
  SugarWriter(const json::ValueView& script, std::string_view array_key, std::string& out, Unrepresentable& error)
      : source_{script.text(), script.root()}, array_key_(array_key), out_(out), error_(error) {
    ASSERT(script.index() == 0);
    find_constants();
  }

  bool expression(uint32_t token);

 private:
  TokenType type(uint32_t token) const { return source_.root[token].type(); }
  uint32_t end_of(uint32_t token) const { return source_.root[token].next; }
  json::ValueView view(uint32_t token) const { return {source_.text, source_.root, token}; }
  std::string string(uint32_t token) const {
    std::string scratch;
    return std::string(view(token).string(scratch));
  }
  bool is_string(uint32_t token) const { return type(token) == TokenType::kString; }

  void find_constants();
  bool constant_array(uint32_t token) const;
  uint32_t wrapped(uint32_t object, bool& malformed) const;
  std::vector<uint32_t> arguments(uint32_t call) const;
  std::vector<Member> members(uint32_t object) const;

  bool shape(uint32_t token, Shape& out);
  Shape shape_of_call(const std::string& name, const std::vector<uint32_t>& operands) const;
  bool is_literal(uint32_t token) const;
  bool is_access(const std::string& name, const std::vector<uint32_t>& operands) const;
  bool has_live_entries(const std::vector<uint32_t>& operands) const;

  bool write(uint32_t token, const Shape& shape);
  bool operand(uint32_t token, int least, bool product = false, std::string_view run = {});
  bool infix(const Shape& shape, const std::vector<uint32_t>& operands);
  bool minus(uint32_t token);
  bool live_object(const std::vector<uint32_t>& operands);
  bool call(const std::string& name, const std::vector<uint32_t>& operands);
  bool items(const std::vector<uint32_t>& expressions);
  bool if_else(const std::vector<uint32_t>& operands);
  bool let(uint32_t token, const std::vector<uint32_t>& operands);
  std::set<std::string> names_read(uint32_t token) const;
  bool order_bindings(std::vector<Member>& bindings) const;
  bool is_lambda(uint32_t token) const;
  bool read_bindings(uint32_t token, std::vector<Member>& out);
  bool lambda(uint32_t token, const std::vector<uint32_t>& operands);
  void access(const std::string& name, const std::vector<uint32_t>& operands);
  void number(uint32_t token);
  void data(uint32_t token);
  void data_list(uint32_t token);
  void key(const std::string& name);

  void put(std::string_view text) { out_ += text; }
  void quoted(std::string_view text) { json::append_quoted(text, out_); }
  void new_line() {
    put("\n");
    out_.append(2 * let_depth_, ' ');
  }
  bool fail(uint32_t token, std::string problem) {
    error_ = {token, std::move(problem)};
    return false;
  }

  const Source source_;
  const std::string_view array_key_;
  std::string& out_;
  Unrepresentable& error_;
  std::vector<bool> constant_;  // by token, of lists: whether evaluating it gives its data
  size_t let_depth_ = 0;
};

// Children stand behind their containers, so from the back each is known before it is asked for.
void SugarWriter::find_constants() {
  const uint32_t size = end_of(0);
  constant_.assign(size, true);
  for (uint32_t i = size; i-- > 0;) {
    bool malformed = false;
    if (type(i) == TokenType::kArray) constant_[i] = constant_array(i);
    if (type(i) == TokenType::kObject) wrapped(i, malformed);
    if (malformed) constant_[i] = false;
  }
}

bool SugarWriter::constant_array(uint32_t token) const {
  uint32_t child = first_child(token);
  if (child != end_of(token) && is_string(child)) return false;
  for (; child != end_of(token); child = end_of(child)) {
    if (!constant_[child]) return false;
  }
  return true;
}

// The array of an object that has the array key alone, else 0. Of duplicate keys the last counts.
uint32_t SugarWriter::wrapped(uint32_t object, bool& malformed) const {
  ASSERT(type(object) == TokenType::kObject);
  malformed = false;
  uint32_t last = 0;
  for (uint32_t name = first_child(object); name != end_of(object); name = end_of(name + 1)) {
    if (string(name) != array_key_) return 0;
    last = name + 1;
  }
  if (last == 0) return 0;
  malformed = type(last) != TokenType::kArray;
  return malformed ? 0 : last;
}

// What stands behind an array's first element.
std::vector<uint32_t> SugarWriter::arguments(uint32_t call) const {
  std::vector<uint32_t> all;
  for (uint32_t i = end_of(first_child(call)); i != end_of(call); i = end_of(i)) all.push_back(i);
  return all;
}

// By name, of duplicates the last.
std::vector<Member> SugarWriter::members(uint32_t object) const {
  std::vector<Member> all;
  for (uint32_t name = first_child(object); name != end_of(object); name = end_of(name + 1)) {
    all.push_back({string(name), name + 1});
  }
  std::stable_sort(all.begin(), all.end(), [](const Member& a, const Member& b) { return a.name < b.name; });
  std::vector<Member> distinct;
  for (Member& member : all) {
    if (!distinct.empty() && distinct.back().name == member.name) distinct.pop_back();
    distinct.push_back(std::move(member));
  }
  ASSERT(distinct.size() <= all.size());
  return distinct;
}

// Whether sugar reads what is written for the expression as a literal.
bool SugarWriter::is_literal(uint32_t token) const {
  if (type(token) != TokenType::kArray) return true;
  return constant_[token];
}

bool SugarWriter::is_access(const std::string& name, const std::vector<uint32_t>& operands) const {
  if (name == "$") return operands.size() == 1 && is_string(operands[0]);
  if (name != "$input" && name != "$inputs") return false;
  return operands.empty() || (operands.size() == 1 && is_string(operands[0]));
}

// An `obj` that `{…}` stands for: its keys are text, and something in it is to be evaluated.
bool SugarWriter::has_live_entries(const std::vector<uint32_t>& operands) const {
  bool live = false;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (i % 2 == 0 && !is_string(operands[i])) return false;
    if (i % 2 == 1 && !is_literal(operands[i])) live = true;
  }
  return live && operands.size() % 2 == 0;
}

Shape SugarWriter::shape_of_call(const std::string& name, const std::vector<uint32_t>& operands) const {
  const size_t count = operands.size();
  const auto token = token_spelled(name);
  const int level = token ? sugar_level(*token) : 0;
  if (level > 0 && count >= 2) return {Form::kInfix, level, name};
  if (name == "-" && count == 1) return {Form::kMinus, kSugarMinusLevel, name};
  if (name == "not" && count == 1) return {Form::kNot, kSugarNotLevel, name};
  if (name == "if" && count == 3) return {Form::kIf, kSugarLooseLevel, name};
  if (name == "let" && count == 2) return {Form::kLet, kSugarLooseLevel, name};
  if (name == "lambda" && count == 2) return {Form::kLambda, kSugarLooseLevel, name};
  const bool live = std::any_of(operands.begin(), operands.end(), [this](uint32_t i) { return !is_literal(i); });
  if (name == "list" && live) return {Form::kLiveList, kSugarPrimaryLevel, name};
  if (name == "obj" && has_live_entries(operands)) return {Form::kLiveObject, kSugarPrimaryLevel, name};
  return {is_access(name, operands) ? Form::kAccess : Form::kCall, kSugarPrimaryLevel, name};
}

bool SugarWriter::shape(uint32_t token, Shape& out) {
  out = {};
  if (is_literal(token)) return true;
  const uint32_t head = first_child(token);
  ASSERT(head != end_of(token));
  if (!is_string(head)) return fail(token, "a list whose elements are evaluated has no sugar form");
  out = shape_of_call(string(head), arguments(token));
  return true;
}

bool SugarWriter::expression(uint32_t token) {
  Shape shape;
  return this->shape(token, shape) && write(token, shape);
}

bool SugarWriter::write(uint32_t token, const Shape& shape) {
  if (shape.form == Form::kLiteral) {
    data(token);
    return true;
  }
  const std::vector<uint32_t> operands = arguments(token);
  switch (shape.form) {
    case Form::kInfix:
      return infix(shape, operands);
    case Form::kMinus:
      return minus(operands[0]);
    case Form::kNot:
      put("not ");
      return operand(operands[0], kSugarNotLevel);
    case Form::kIf:
      return if_else(operands);
    case Form::kLet:
      return let(token, operands);
    case Form::kLambda:
      return lambda(token, operands);
    case Form::kLiveList: {
      put("[");
      const bool done = items(operands);
      put("]");
      return done;
    }
    case Form::kLiveObject:
      return live_object(operands);
    case Form::kAccess:
      access(shape.name, operands);
      return true;
    default:
      return call(shape.name, operands);
  }
}

// In parentheses if it binds less tightly than `least`, continues a run on the left, or is a negation in a
// product.
bool SugarWriter::operand(uint32_t token, int least, bool product, std::string_view run) {
  Shape shape;
  if (!this->shape(token, shape)) return false;
  const bool enclosed = shape.level < least || (product && shape.form == Form::kMinus) ||
                        (shape.form == Form::kInfix && shape.name == run);
  if (enclosed) put("(");
  if (!write(token, shape)) return false;
  if (enclosed) put(")");
  return true;
}

bool SugarWriter::infix(const Shape& shape, const std::vector<uint32_t>& operands) {
  ASSERT(operands.size() >= 2);
  const bool product = shape.level == kSugarProductLevel;
  if (!operand(operands[0], shape.level, product, shape.name)) return false;
  for (size_t i = 1; i < operands.size(); ++i) {
    put(" ");
    put(shape.name);
    put(" ");
    if (!operand(operands[i], shape.level + 1, product)) return false;
  }
  return true;
}

// A number behind it would become a negative number.
bool SugarWriter::minus(uint32_t token) {
  put("-");
  const bool number = type(token) == TokenType::kInteger || type(token) == TokenType::kDouble;
  return operand(token, kSugarPrimaryLevel + (number ? 1 : 0));
}

bool SugarWriter::items(const std::vector<uint32_t>& expressions) {
  for (size_t i = 0; i < expressions.size(); ++i) {
    if (i > 0) put(", ");
    if (!expression(expressions[i])) return false;
  }
  return true;
}

bool SugarWriter::live_object(const std::vector<uint32_t>& operands) {
  ASSERT(operands.size() % 2 == 0);
  for (size_t i = 0; i < operands.size(); i += 2) {
    put(i == 0 ? "{" : ", ");
    key(string(operands[i]));
    put(": ");
    if (!expression(operands[i + 1])) return false;
  }
  put("}");
  return true;
}

bool SugarWriter::call(const std::string& name, const std::vector<uint32_t>& operands) {
  if (is_dotted_name(name)) {
    put(name);
  } else {
    quoted(name);
  }
  put("(");
  if (!items(operands)) return false;
  put(")");
  return true;
}

bool SugarWriter::if_else(const std::vector<uint32_t>& operands) {
  ASSERT(operands.size() == 3);
  put("if ");
  if (!expression(operands[0])) return false;
  put(" then ");
  if (!expression(operands[1])) return false;
  put(" else ");
  return expression(operands[2]);
}

// The names that accesses in the expression begin with; those that are bound within count as well.
std::set<std::string> SugarWriter::names_read(uint32_t token) const {
  std::set<std::string> names;
  const uint32_t end = end_of(token);
  for (uint32_t i = token; i < end; ++i) {
    if (type(i) != TokenType::kArray || first_child(i) == end_of(i)) continue;
    const uint32_t head = first_child(i);
    if (!is_string(head) || string(head) != "$" || end_of(head) == end_of(i) || !is_string(end_of(head))) continue;
    const std::string pointer = string(end_of(head));
    if (pointer.starts_with('/'))
      names.insert(pointer.substr(1, std::min(pointer.find('/', 1), pointer.size()) - 1));
  }
  return names;
}

// In the object form a binding never sees another one, as a pair sees those before it: whoever reads a name comes
// before the binding that would hide it, else the order of the keys stays. Functions see all names in either form.
// False if that goes in a circle.
bool SugarWriter::order_bindings(std::vector<Member>& bindings) const {
  std::map<std::string_view, size_t> places;
  for (size_t i = 0; i < bindings.size(); ++i) places.emplace(bindings[i].name, i);
  std::vector<std::vector<size_t>> hidden(bindings.size());  // what must come behind each
  std::vector<size_t> readers(bindings.size());              // how many must come before each
  for (size_t i = 0; i < bindings.size(); ++i) {
    if (is_lambda(bindings[i].value)) continue;
    for (const std::string& name : names_read(bindings[i].value)) {
      const auto found = places.find(name);
      if (found == places.end() || found->second == i) continue;
      hidden[i].push_back(found->second);
      ++readers[found->second];
    }
  }
  std::set<size_t> free;
  for (size_t i = 0; i < bindings.size(); ++i) {
    if (readers[i] == 0) free.insert(i);
  }
  std::vector<Member> ordered;
  while (!free.empty()) {
    const size_t next = *free.begin();
    free.erase(free.begin());
    ordered.push_back(bindings[next]);
    for (const size_t other : hidden[next]) {
      if (--readers[other] == 0) free.insert(other);
    }
  }
  if (ordered.size() != bindings.size()) return false;
  bindings = std::move(ordered);
  return true;
}

bool SugarWriter::is_lambda(uint32_t token) const {
  if (type(token) != TokenType::kArray) return false;
  const uint32_t head = first_child(token);
  return head != end_of(token) && is_string(head) && string(head) == "lambda";
}

bool SugarWriter::read_bindings(uint32_t token, std::vector<Member>& out) {
  if (type(token) == TokenType::kObject) {
    out = members(token);
    if (!order_bindings(out)) return fail(token, "bindings that read each other's outer names have no sugar form");
  } else if (type(token) == TokenType::kArray) {
    for (uint32_t pair = first_child(token); pair != end_of(token); pair = end_of(pair)) {
      const uint32_t name = first_child(pair);
      const bool good = type(pair) == TokenType::kArray && name != end_of(pair) && is_string(name) &&
                        name + 1 != end_of(pair) && end_of(name + 1) == end_of(pair);
      if (!good) return fail(pair, "a binding that is no pair of name and expression has no sugar form");
      out.push_back({string(name), name + 1});
    }
  } else {
    return fail(token, "bindings that are neither an object nor an array have no sugar form");
  }
  for (const Member& binding : out) {
    if (!is_free_name(binding.name)) {
      return fail(binding.value - 1, "sugar has no variable of the name \"" + binding.name + "\"");
    }
  }
  return true;
}

bool SugarWriter::let(uint32_t token, const std::vector<uint32_t>& operands) {
  ASSERT(operands.size() == 2 && token < operands[0]);
  std::vector<Member> bindings;
  if (!read_bindings(operands[0], bindings)) return false;
  put("let");
  ++let_depth_;
  for (const Member& binding : bindings) {
    new_line();
    put(binding.name);
    put(" = ");
    if (!expression(binding.value)) return false;
  }
  --let_depth_;
  new_line();
  put("in");
  ++let_depth_;
  new_line();
  if (!expression(operands[1])) return false;
  --let_depth_;
  return true;
}

bool SugarWriter::lambda(uint32_t token, const std::vector<uint32_t>& operands) {
  ASSERT(operands.size() == 2);
  const uint32_t list = operands[0];
  if (type(list) != TokenType::kArray) return fail(token, "parameters that are no array have no sugar form");
  put("(");
  for (uint32_t i = first_child(list); i != end_of(list); i = end_of(i)) {
    if (!is_string(i) || !is_free_name(string(i))) return fail(i, "this parameter has no sugar form");
    if (i != first_child(list)) put(", ");
    put(string(i));
  }
  put(") => ");
  return expression(operands[1]);
}

void SugarWriter::access(const std::string& name, const std::vector<uint32_t>& operands) {
  const bool variable = name == "$";
  ASSERT(!variable || !operands.empty());
  if (operands.empty()) return put(name);
  const std::string pointer = string(operands[0]);
  if (is_path(pointer, variable)) {
    if (!variable) put(name);
    return put(std::string_view(pointer).substr(variable ? 1 : 0));
  }
  put(name);
  put("(");
  quoted(pointer);
  put(")");
}

void SugarWriter::number(uint32_t token) {
  char digits[kNumberBound];
  const char* end = write_number(decode_number(view_value(&source_, token)), digits);
  put({digits, static_cast<size_t>(end - digits)});
}

// What is inside a literal is data, whatever it looks like.
void SugarWriter::data(uint32_t token) {
  switch (type(token)) {
    case TokenType::kInteger:
    case TokenType::kDouble:
      return number(token);
    case TokenType::kString:
      return quoted(string(token));
    case TokenType::kArray:
      return data_list(token);
    case TokenType::kObject:
      break;
    default:
      return put(view(token).raw());
  }
  bool malformed = false;
  const uint32_t array = wrapped(token, malformed);
  if (array != 0) return data_list(array);
  put("{");
  bool comma = false;
  for (const Member& member : members(token)) {
    if (comma) put(", ");
    comma = true;
    key(member.name);
    put(": ");
    data(member.value);
  }
  put("}");
}

void SugarWriter::data_list(uint32_t token) {
  ASSERT(type(token) == TokenType::kArray);
  put("[");
  for (uint32_t i = first_child(token); i != end_of(token); i = end_of(i)) {
    if (i != first_child(token)) put(", ");
    data(i);
  }
  put("]");
}

void SugarWriter::key(const std::string& name) {
  if (is_name_shaped(name)) return put(name);
  quoted(name);
}

}  // namespace

bool write_sugar(const json::ValueView& script, std::string_view array_key, std::string& out,
                 Unrepresentable& error) {
  ASSERT(!array_key.empty());
  return SugarWriter(script, array_key, out, error).expression(script.index());
}

}  // namespace colloquium::computo
