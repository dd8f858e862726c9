#include "computo/migrate_script.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "computo/failure.h"
#include "computo/operators.h"
#include "json/escape.h"

namespace colloquium::computo {

namespace {

constexpr size_t kNowhere = std::string::npos;

// What gives the reference's wrapped array.
constexpr std::array<std::string_view, 12> kArrayMakers = {"map",    "filter",       "sort", "reverse",
                                                           "unique", "uniqueSorted", "zip",  "keys",
                                                           "values", "cdr",          "cons", "append"};
constexpr std::array<std::string_view, 5> kObjectTakers = {"keys", "values", "merge", "pick", "omit"};
constexpr std::array<std::string_view, 6> kTruthTakers = {"and", "or", "not", "==", "!=", "&&"};

struct FunctionPlace {
  std::string_view name;
  size_t argument;  // from 0
};
constexpr std::array<FunctionPlace, 10> kFunctionPlaces = {{{"map", 1},
                                                            {"filter", 1},
                                                            {"reduce", 1},
                                                            {"find", 1},
                                                            {"some", 1},
                                                            {"every", 1},
                                                            {"flatMap", 1},
                                                            {"partition", 1},
                                                            {"mapWithIndex", 1},
                                                            {"zipWith", 2}}};

template <size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "/a/b" is "a" and "/b".
std::pair<std::string, std::string> split_pointer(const std::string& pointer) {
  const size_t end = std::min(pointer.find('/', 1), pointer.size());
  return {pointer.substr(1, end - 1), pointer.substr(end)};
}

}  // namespace

void MigrateScript::run() {
  ASSERT(!program_.tape.empty());
  look(0);
  std::stable_sort(notes_.begin(), notes_.end(), [](const MigrationNote& a, const MigrationNote& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
}

std::string MigrateScript::edited() const {
  std::vector<Edit> edits = edits_;
  std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
  std::string out;
  uint32_t done = 0;
  for (const Edit& change : edits) {
    ASSERT(change.begin >= done && change.begin <= change.end);
    out.append(program_.text, done, change.begin - done);
    out += change.text;
    done = change.end;
  }
  return out.append(program_.text, done, program_.modules.front().text_end - done);
}

void MigrateScript::note(uint32_t token, std::string code, std::string text) {
  ScriptError place;
  locate(program_, begin_of(token), place);
  notes_.push_back({place.line, place.column, false, std::move(code), std::move(text)});
}

void MigrateScript::rewritten(uint32_t token, std::string code, std::string text) {
  note(token, std::move(code), std::move(text));
  notes_.back().rewritten = rewrite_;
}

void MigrateScript::edit(uint32_t begin, uint32_t end, std::string text) {
  if (rewrite_) edits_.push_back({begin, end, std::move(text)});
}

MigrateScript::Tokens MigrateScript::children(uint32_t token) const {
  Tokens out;
  const uint32_t end = program_.tape[token].next;
  for (uint32_t i = first_child(token); i < end; i = program_.tape[i].next) out.push_back(i);
  return out;
}

std::string MigrateScript::text_of(uint32_t token) const {
  std::string scratch;
  return std::string(program_.expression(token).string(scratch));
}

bool MigrateScript::is_string(uint32_t token) const {
  return program_.tape[token].type() == TokenType::kString;
}

bool MigrateScript::is_array(uint32_t token) const {
  return program_.tape[token].type() == TokenType::kArray;
}

std::string MigrateScript::call_name(uint32_t token) const {
  const bool call = is_array(token) && program_.tape[token].next > token + 1 && is_string(first_child(token));
  return call ? text_of(first_child(token)) : std::string();
}

bool MigrateScript::is_call_named(uint32_t token, std::string_view name) const {
  return is_array(token) && program_.tape[token].next > token + 1 && call_name(token) == name;
}

// [[name…], body], which is how functions were written for some weeks.
bool MigrateScript::is_bare_function(uint32_t token) const {
  if (!is_array(token)) return false;
  const Tokens items = children(token);
  if (items.size() != 2 || !is_array(items[0])) return false;
  const Tokens names = children(items[0]);
  return std::all_of(names.begin(), names.end(), [&](uint32_t name) { return is_string(name); });
}

bool MigrateScript::gives_array(uint32_t token) const {
  const std::string name = call_name(token);
  if (name.empty()) return false;
  if (contains(kArrayMakers, name)) return true;
  const Tokens items = children(token);
  if (name == "if" && items.size() == 4) return gives_array(items[2]) || gives_array(items[3]);
  if (name == "let" && items.size() == 3) return gives_array(items[2]);
  if (name != "$" || items.size() != 2 || !is_string(items[1])) return false;
  const std::string pointer = text_of(items[1]);
  const size_t found = pointer.starts_with('/') ? find(std::string_view(pointer).substr(1)) : kNowhere;
  return found != kNowhere && scope_[found].array;
}

size_t MigrateScript::find(std::string_view name) const {
  for (size_t i = scope_.size(); i > 0; --i) {
    if (scope_[i - 1].name == name) return i - 1;
  }
  return kNowhere;
}

void MigrateScript::bind(std::string name, bool array) {
  scope_.push_back({std::move(name), array, {}});
}

// Names that an expression reads and does not bind itself.
void MigrateScript::free_names(uint32_t token, Names& bound, Names& out) const {
  if (!is_array(token)) return;
  const std::string name = call_name(token);
  const Tokens items = children(token);
  if (name == "$" && items.size() == 2 && is_string(items[1])) {
    const std::string pointer = text_of(items[1]);
    const std::string variable = pointer.starts_with('/') ? split_pointer(pointer).first : std::string();
    if (!variable.empty() && !bound.contains(variable)) out.insert(variable);
    return;
  }
  Names inner = bound;
  if (name == "lambda" && items.size() == 3 && is_array(items[1])) {
    for (const uint32_t parameter : children(items[1])) {
      if (is_string(parameter)) inner.insert(text_of(parameter));
    }
    return free_names(items[2], inner, out);
  }
  if (name == "let" && items.size() == 3) {
    for (const uint32_t pair : children(items[1])) {
      const bool named = is_array(pair) && !call_name(pair).empty();
      free_names(named ? children(pair).back() : pair, bound, out);
      if (named) inner.insert(call_name(pair));
      if (program_.tape[pair].type() == TokenType::kKey) inner.insert(text_of(pair));
    }
    return free_names(items[2], inner, out);
  }
  for (const uint32_t item : items) free_names(item, bound, out);
}

// Where the free names of a function lead now; there they are looked up anew at each call.
void MigrateScript::capture(Bound& bound, uint32_t token) {
  Names none, names;
  free_names(token, none, names);
  for (const std::string& name : names) bound.free[name] = find(name);
}

void MigrateScript::look(uint32_t token) {
  switch (program_.tape[token].type()) {
    case TokenType::kArray:
      if (program_.tape[token].next == token + 1) return;
      return is_string(first_child(token)) ? call(token) : list(token);
    case TokenType::kObject:
      return data(token);
    default:
      return scalar(token);
  }
}

void MigrateScript::rest(const Tokens& items, size_t from) {
  for (size_t i = from; i < items.size(); ++i) look(items[i]);
}

void MigrateScript::scalar(uint32_t token) {
  const json::ValueView value = program_.expression(token);
  if (value.type() == TokenType::kInteger) {
    const std::string_view digits = value.raw();
    constexpr size_t kSafeDigits = 15;
    if (digits.size() > kSafeDigits + (digits[0] == '-' ? 1 : 0)) {
      note(token, "D-INT", "integers are exact here; there this one was rounded to a double when calculated with");
    }
  }
  if (value.type() == TokenType::kString && value.raw().find("\\u") != std::string_view::npos) {
    note(token, "D-UNICODE-ESC", "the escapes \\uXXXX are decoded here; there they stayed as they are written");
  }
}

// What is not evaluated; only its strings and numbers may differ.
void MigrateScript::data(uint32_t token) {
  const uint32_t end = program_.tape[token].next;
  for (uint32_t i = token + 1; i < end; ++i) {
    if (program_.tape[i].type() == TokenType::kArray) {
      const std::string name = call_name(i);
      if (!name.empty() && find_operator(name).has_value()) {
        note(i, "V-ARRAY",
             "this is data and not evaluated; the first version evaluated it: write [\"list\", …] or "
             "[\"obj\", …] around it if that is meant");
      }
    }
    if (program_.tape[i].type() != TokenType::kKey) scalar(i);
  }
}

void MigrateScript::list(uint32_t token) {
  const Tokens items = children(token);
  for (const uint32_t item : items) {
    if (is_call_named(item, "if") || is_call_named(item, "let")) {
      note(item, "D-LITTAIL", "this element is evaluated here; there an if or let in a list gave null");
    }
    look(item);
  }
}

void MigrateScript::call(uint32_t token) {
  const std::string name = call_name(token);
  const Tokens items = children(token);
  rename(items[0], name);
  if (name == "$") return variable(token, items);
  if (name == "let" && items.size() == 3) return let(token, items);
  if (name == "lambda" && items.size() == 3) return lambda(token, items);
  functions(name, items);
  conditions(name, items);
  if (name == "obj") return object(token, items);
  if (name == "sort") sort(items);
  texts(name, items);
  rest(items, 1);
}

// The first versions spelled two operators as C does.
void MigrateScript::rename(uint32_t token, std::string_view name) {
  const std::string_view now = name == "&&" ? "and" : name == "||" ? "or" : "";
  if (now.empty()) return;
  edit(begin_of(token), end_of(token), json::quoted(now));
  rewritten(token, "V-LOGIC", "\"" + std::string(name) + "\" is called \"" + std::string(now) + "\"");
}

void MigrateScript::variable(uint32_t token, const Tokens& items) {
  if (items.size() != 2 || !is_string(items[1])) return rest(items, 1);
  const std::string pointer = text_of(items[1]);
  if (!pointer.starts_with('/')) return;
  const auto [name, path] = split_pointer(pointer);
  if (name.find('~') != std::string::npos) {
    std::string escaped = "/";
    for (const char c : name) escaped += c == '~' ? std::string("~0") : std::string(1, c);
    edit(begin_of(items[1]), end_of(items[1]), json::quoted(escaped + path));
    rewritten(token, "D-VARNAME", "the name is unescaped here as the rest of a pointer is: ~ is written ~0");
    return;
  }
  const size_t found = find(name);
  if (found == kNowhere) return;
  for (const auto& [free, where] : scope_[found].free) {
    if (find(free) == where) continue;
    note(token, "D-SCOPE",
         "the function '" + name + "' reads the '" + free +
             "' of where it was written; there it read that "
             "of where it is called");
  }
  variable_part(items[1], path, scope_[found]);
}

// Paths into a wrapped array had to go through its wrapper.
void MigrateScript::variable_part(uint32_t pointer, std::string_view path, const Bound& bound) {
  constexpr std::string_view kWrapper = "/array";
  if (!path.starts_with(kWrapper)) return;
  const std::string_view behind = path.substr(kWrapper.size());
  if (!behind.empty() && behind[0] != '/') return;
  if (!bound.array) {
    note(pointer, "D-ARRAY", "arrays have no wrapper here: if this is a computed array, leave out '/array'");
    return;
  }
  edit(begin_of(pointer), end_of(pointer), json::quoted("/" + bound.name + std::string(behind)));
  rewritten(pointer, "D-ARRAY", "computed arrays have no wrapper, so the path does not go through '/array'");
}

void MigrateScript::let(uint32_t token, const Tokens& items) {
  const Tokens bindings = children(items[1]);
  const bool pairs = is_array(items[1]);
  std::vector<std::string> names;
  Tokens expressions;
  for (size_t i = 0; i < bindings.size(); ++i) {
    const bool key = program_.tape[bindings[i]].type() == TokenType::kKey;
    const Tokens pair = pairs && is_array(bindings[i]) ? children(bindings[i]) : Tokens();
    if (pairs && (pair.size() != 2 || !is_string(pair[0]))) return rest(items, 2);
    if (!pairs && !key) continue;
    names.push_back(text_of(pairs ? pair[0] : bindings[i]));
    expressions.push_back(pairs ? pair[1] : bindings[++i]);
  }
  if (pairs) parallel_let(items[1], bindings, names);
  const size_t outside = scope_.size();
  std::vector<Bound> made;
  for (size_t i = 0; i < names.size(); ++i) {
    if (is_bare_function(expressions[i])) bare_function(expressions[i]);
    made.push_back({names[i], gives_array(expressions[i]), {}});
    if (!is_call_named(expressions[i], "lambda")) look(expressions[i]);
  }
  scope_.insert(scope_.end(), made.begin(), made.end());
  for (size_t i = 0; i < names.size(); ++i) {
    if (!is_call_named(expressions[i], "lambda")) continue;
    capture(scope_[outside + i], expressions[i]);
    look(expressions[i]);
  }
  look(items[2]);
  scope_.resize(outside);
  ASSERT(program_.tape[token].next > token);
}

// Where a binding reads a name that an earlier one of the same let hides, there it read the one outside. The
// object form still means that.
void MigrateScript::parallel_let(uint32_t token, const Tokens& pairs, const std::vector<std::string>& names) {
  Names before;
  bool differs = false;
  bool repeated = false;
  for (size_t i = 0; i < pairs.size(); ++i) {
    Names none, used;
    const uint32_t expression = children(pairs[i]).back();
    if (!is_call_named(expression, "lambda")) free_names(expression, none, used);
    for (const std::string& name : used) differs = differs || (before.contains(name) && find(name) != kNowhere);
    repeated = repeated || before.contains(names[i]);
    before.insert(names[i]);
  }
  const std::string what = "bindings see those before them here; there they saw only what is outside the let";
  if (!differs) return;
  if (repeated) return note(token, "D-LET", what + ": rename what is bound twice");
  edit(begin_of(token), begin_of(token) + 1, "{");
  edit(end_of(token) - 1, end_of(token), "}");
  for (const uint32_t pair : pairs) {
    const Tokens parts = children(pair);
    edit(begin_of(pair), begin_of(parts[0]), "");
    edit(end_of(parts[0]), begin_of(parts[1]), ": ");
    edit(end_of(parts[1]), end_of(pair), "");
  }
  rewritten(token, "D-LET", what + ", as those of the object form do");
}

void MigrateScript::lambda(uint32_t token, const Tokens& items) {
  const size_t outside = scope_.size();
  Names parameters;
  for (const uint32_t parameter : is_array(items[1]) ? children(items[1]) : Tokens()) {
    if (!is_string(parameter)) continue;
    parameters.insert(text_of(parameter));
    bind(text_of(parameter), false);
  }
  Names none, used;
  if (is_call_named(items[2], "lambda")) free_names(items[2], none, used);
  for (const std::string& name : used) {
    if (!parameters.contains(name)) continue;
    note(items[2], "D-SCOPE", "the inner function keeps '" + name + "' of the outer one; there it lost it");
  }
  look(items[2]);
  scope_.resize(outside);
  ASSERT(program_.tape[token].next > token);
}

void MigrateScript::functions(std::string_view name, const Tokens& items) {
  for (const FunctionPlace& place : kFunctionPlaces) {
    const size_t at = place.argument + 1;
    if (place.name != name || at >= items.size()) continue;
    if (is_bare_function(items[at])) bare_function(items[at]);
    if (is_call_named(items[at], "$input") || is_call_named(items[at], "$inputs")) {
      note(items[at], "D-CALLABLE", "what comes in as data is never a function here");
    }
  }
}

void MigrateScript::bare_function(uint32_t token) {
  const Tokens items = children(token);
  edit(begin_of(items[0]), begin_of(items[0]), "\"lambda\", ");
  rewritten(token, "D-CALLABLE", "a function is written [\"lambda\", names, body]");
}

void MigrateScript::conditions(std::string_view name, const Tokens& items) {
  if (name == "if" && items.size() > 1 && gives_array(items[1])) {
    note(items[1], "D-ARRAY", "an empty array is false here; there a computed one was always true");
  }
  for (size_t i = 1; i < items.size(); ++i) {
    if (!gives_array(items[i])) continue;
    if (contains(kTruthTakers, name) || name == "||") {
      note(items[i], "D-ARRAY", "a computed array is a plain one here, with the truth and equality of one");
    } else if (contains(kObjectTakers, name)) {
      note(items[i], "D-ARRAY", "a computed array is no object here; there it was one with the member 'array'");
    }
  }
}

// Members as pairs, as in the first version: ["obj", ["a", x], ["b", y]].
void MigrateScript::object(uint32_t token, const Tokens& items) {
  const auto pair = [&](uint32_t item) {
    return is_array(item) && children(item).size() == 2 && is_string(first_child(item));
  };
  const bool pairs = items.size() > 1 && std::all_of(items.begin() + 1, items.end(), pair);
  const bool known = pairs && std::any_of(items.begin() + 1, items.end(), [&](uint32_t item) {
                       return find_operator(call_name(item)).has_value();
                     });
  if (pairs && known) {
    note(token, "D-OBJ-FORM", "if these are [key, value] pairs: keys and values stand one after the other here");
  } else if (pairs) {
    for (size_t i = 1; i < items.size(); ++i) {
      edit(begin_of(items[i]), begin_of(items[i]) + 1, "");
      edit(end_of(items[i]) - 1, end_of(items[i]), "");
      look(children(items[i])[1]);
    }
    rewritten(token, "D-OBJ-FORM", "keys and values stand one after the other, not in pairs");
    return;
  }
  for (size_t i = 2; i < items.size(); i += 2) {
    if (gives_array(items[i])) {
      note(items[i], "D-ARRAY", "the member is a plain array here; there it was {\"array\": …} in what comes out");
    }
  }
  rest(items, 1);
}

void MigrateScript::sort(const Tokens& items) {
  for (size_t i = 2; i < items.size(); ++i) {
    const std::string field = is_string(items[i]) ? text_of(items[i]) : std::string();
    const bool direction = field == "asc" || field == "desc";
    if (is_string(items[i]) && !field.empty() && field[0] != '/' && !(direction && items.size() == 3)) {
      note(items[i], "D-SORT-ARGS",
           "this is an error here; there it was taken as a field that nobody has. Write [\"/field\", "
           "\"desc\"] for a direction");
    }
    if (is_array(items[i]) && children(items[i]).size() > 2) {
      note(items[i], "D-SORT-ARGS", "a field is a pointer and perhaps a direction; more is an error here");
    }
  }
}

void MigrateScript::texts(std::string_view name, const Tokens& items) {
  if (name == "split" && items.size() == 3 && is_string(items[2]) && text_of(items[2]).empty()) {
    note(items[2], "D-SPLIT-UTF8", "\"\" splits into characters here, there into bytes");
  }
  if (name != "strConcat" && name != "join") return;
  for (size_t i = 1; i < items.size(); ++i) {
    const json::ValueView value = program_.expression(items[i]);
    const bool computed = is_call_named(items[i], "/") || is_call_named(items[i], "*");
    if (computed || value.type() == TokenType::kDouble) {
      note(items[i], "D-NUMTEXT",
           "numbers with a fraction are written with all their digits here, there with six of those "
           "that were computed, and as spelled if they were not");
    }
  }
}

}  // namespace colloquium::computo
