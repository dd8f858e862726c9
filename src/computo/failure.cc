#include "computo/failure.h"

#include <algorithm>
#include <cctype>

#include "base/assert.h"
#include "computo/imports.h"
#include "computo/number.h"
#include "computo/operators.h"
#include "computo/pointer.h"
#include "computo/shown.h"
#include "json/writer.h"

namespace colloquium::computo {

std::string_view to_string(Category category) {
  switch (category) {
    case Category::kParse:
      return "parse";
    case Category::kSyntax:
      return "syntax";
    case Category::kUnknownOperator:
      return "unknown_operator";
    case Category::kUnknownVariable:
      return "unknown_variable";
    case Category::kArity:
      return "arity";
    case Category::kType:
      return "type";
    case Category::kLambda:
      return "lambda";
    case Category::kPointer:
      return "pointer";
    case Category::kValue:
      return "value";
    case Category::kDivisionByZero:
      return "division_by_zero";
    case Category::kEmptyArray:
      return "empty_array";
    case Category::kNumber:
      return "number";
    case Category::kPatch:
      return "patch";
    case Category::kLimit:
      return "limit";
    case Category::kUser:
      return "user";
    case Category::kUnrepresentable:
      return "unrepresentable";
  }
  return "type";
}

std::string_view to_string(Type type) {
  switch (type) {
    case Type::kNull:
      return "null";
    case Type::kNumber:
      return "number";
    case Type::kString:
      return "string";
    case Type::kBoolean:
      return "boolean";
    case Type::kArray:
      return "array";
    case Type::kObject:
      return "object";
    case Type::kFunction:
      return "function";
  }
  return "null";
}

std::string ScriptError::message() const {
  std::string text = "Error at " + (path.empty() ? std::string("/") : path) + ": " + problem + ".";
  if (!hint.empty()) text += " Did you mean '" + hint + "'?";
  if (advice.empty()) return text;
  const size_t first = text.size() + 1;
  text += ' ' + advice + '.';
  text[first] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[first])));
  return text;
}

std::string ScriptError::argument_list() const {
  std::string text;
  for (const std::string& argument : arguments) text += (text.empty() ? "" : ", ") + argument;
  return text;
}

std::string ScriptError::describe(std::string_view script) const {
  std::string text(origin.empty() ? script : std::string_view(origin));
  if (line > 0) {
    if (!text.empty()) text += ':';
    text += std::to_string(line) + ':' + std::to_string(column);
  }
  if (!text.empty()) text += ": ";
  text += "error[";
  text += to_string(category);
  text += "]: " + message();
  if (arguments.empty()) return text;
  return text + (first_argument == 0 ? " Arguments: " : " Argument " + std::to_string(first_argument + 1) + ": ") +
         argument_list() + ".";
}

namespace {

// Walks from the root of the script to one token and notes the steps of section 7.2 on the way.
class PathFinder {
 public:
  PathFinder(const Program& program, uint32_t target) : program_(program), target_(target) {}

  // Each step goes to a token further on, so this ends.
  std::string find() {
    uint32_t at = module_of_token(program_, target_).root;
    while (at != target_) {
      const uint32_t next = step(at);
      if (next <= at) break;  // the target is not an expression of its own
      at = next;
    }
    return path_.empty() ? "/" : path_;
  }

 private:
  const TapeToken& token(uint32_t i) const { return program_.tape[i]; }

  void segment(std::string_view text) {
    path_.push_back('/');
    append_token(text, path_);
  }

  // The child of `at` that holds the target, and which one it is.
  uint32_t child(uint32_t at, uint32_t& ordinal) const {
    ASSERT(at < target_ && target_ < token(at).next);
    uint32_t i = first_child(at);
    for (ordinal = 0; token(i).next <= target_; ++ordinal) i = token(i).next;
    return i;
  }

  // Notes the segments of one step and gives where it leads; 0 if the target is not below an expression.
  uint32_t step(uint32_t at) {
    if (token(at).type() != TokenType::kArray || target_ < at || target_ >= token(at).next) return 0;
    uint32_t ordinal = 0;
    const uint32_t next = child(at, ordinal);
    const json::ValueView head = program_.expression(first_child(at));
    if (head.type() != TokenType::kString) {
      segment(std::to_string(ordinal));
      return next;
    }
    std::string scratch;
    const std::string_view name = head.string(scratch);
    segment(name);
    if (ordinal == 0) return 0;
    return argument(name, ordinal - 1, next);
  }

  // An argument by its role, where it has one.
  uint32_t argument(std::string_view name, uint32_t index, uint32_t next) {
    static constexpr std::string_view kBranches[] = {"condition", "then", "else"};
    if (name == "if" && index < 3) {
      segment(kBranches[index]);
    } else if (name == "let" && index == 0) {
      return binding(next);
    } else if ((name == "let" || name == "lambda") && index == 1) {
      segment("body");
    } else if (index == 1 && calls_function(name) && is_call_of(program_, next, "lambda")) {
      // A function written where it is used is one step, "map/lambda".
      if (next == target_) segment("lambda");
    } else {
      segment(std::to_string(index));
    }
    return next;
  }

  // A binding by its name, in either form of `let`; a malformed pair by its number.
  uint32_t binding(uint32_t bindings) {
    segment("bindings");
    if (bindings == target_ || token(bindings).next == bindings + 1) return bindings;
    uint32_t ordinal = 0;
    const uint32_t inner = child(bindings, ordinal);
    std::string scratch;
    if (token(bindings).type() == TokenType::kObject) {
      const uint32_t key = ordinal % 2 == 0 ? inner : inner - 1;
      segment(program_.expression(key).string(scratch));
      return ordinal % 2 == 0 ? target_ : inner;
    }
    const bool named = token(inner).type() == TokenType::kArray && token(inner).next > inner + 2 &&
                       token(inner + 1).type() == TokenType::kString;
    if (!named) {
      segment(std::to_string(ordinal));
      return target_;
    }
    segment(program_.expression(inner + 1).string(scratch));
    return target_ > inner + 1 ? inner + 2 : target_;
  }

  const Program& program_;
  const uint32_t target_;
  std::string path_;
};

// Characters, so that an editor's column agrees: continuation bytes do not count.
uint32_t count_characters(std::string_view text) {
  return static_cast<uint32_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Messages go to logs and dead letters: a long value is cut.
constexpr size_t kMostDescribed = 40;

// "expected number, got string "x"" without the "x", and whatever else is quoted.
// What a script raises is its own text, and all of it may be the value.
std::string without_value(Category category, const std::string& problem) {
  if (category == Category::kUser) return std::string(kMasked);
  constexpr std::string_view kGot = ", got ";
  const size_t got = problem.find(kGot);
  if (got == std::string::npos) {
    const size_t begin = problem.find('"');
    if (begin == std::string::npos) return problem;
    return problem.substr(0, begin) + std::string(kMasked) + problem.substr(problem.rfind('"') + 1);
  }
  std::string out = problem.substr(0, got + kGot.size());
  const std::string_view value = std::string_view(problem).substr(got + kGot.size());
  for (const std::string_view type : {"null", "number", "string", "boolean", "array", "object", "function"}) {
    if (value.starts_with(type)) out.append(type).append(" ");
  }
  return out + std::string(kMasked);
}

}  // namespace

// An argument is a child of the call, behind the operator's name.
uint32_t argument_token(const Program& program, uint32_t site, uint32_t argument) {
  const json::ValueView call = program.expression(site);
  if (argument == kNoArgument || call.type() != TokenType::kArray) return site;
  json::ValueView child = call.first_child();
  for (uint32_t i = 0; i <= argument && !child.at_end_of(call); ++i) child = child.next();
  return child.at_end_of(call) ? site : child.index();
}

const char* advice_for(std::string_view expected, Type got) {
  if (got == Type::kNull) return "use coalesce to put something in the place of null";
  if (expected == "number" && got == Type::kString) {
    return "use toNumber to make a number of it; strConcat joins text";
  }
  if (expected == "string" && (got == Type::kNumber || got == Type::kBoolean)) {
    return "use toString to make a string of it";
  }
  if (expected == "array" && got == Type::kString) return "use split to make an array of it";
  if (expected == "array" && got == Type::kObject) return "use values or entries to make an array of it";
  return nullptr;
}

void locate(const Program& program, uint64_t byte, ScriptError& error) {
  const Module& module = module_of_byte(program, byte);
  if (&module != &program.modules.front()) error.origin = module.origin;
  const std::vector<TextPosition>& positions = module.positions;
  if (!positions.empty()) {
    auto after = std::upper_bound(positions.begin(), positions.end(), byte,
                                  [](uint64_t b, const TextPosition& p) { return b < p.byte; });
    if (after != positions.begin()) --after;
    error.line = after->line;
    error.column = after->column;
    return;
  }
  const size_t end = std::min<uint64_t>(byte, module.text_end);
  const std::string_view before(program.text.data() + module.text_begin, end - module.text_begin);
  const size_t last = before.rfind('\n');
  error.line = module.first_line + static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n'));
  error.column = last == std::string_view::npos ? module.first_column + count_characters(before)
                                                : 1 + count_characters(before.substr(last + 1));
}

std::string path_of(const Program& program, uint32_t token) {
  ASSERT(token < program.tape.size());
  return PathFinder(program, token).find();
}

ScriptError explain(const Program& program, const Failure& failure) {
  ASSERT(failure.site < program.tape.size());
  const uint32_t token = argument_token(program, failure.site, failure.argument);
  ScriptError error;
  error.category = failure.category;
  error.path = PathFinder(program, token).find();
  error.problem = failure.secret || reads_secret(program, token) ? without_value(failure.category, failure.problem)
                                                                 : failure.problem;
  error.hint = failure.hint;
  if (failure.advice != nullptr && failure.hint.empty()) error.advice = failure.advice;
  error.arguments = failure.arguments;
  error.first_argument = failure.first_argument;
  locate(program, program.tape[token].offset, error);
  return error;
}

std::string describe(const Value& value) {
  const Type type = type_of(value);
  std::string text(to_string(type));
  if (stands_under_secret(value, Around::kNearest)) return text + " " + std::string(kMasked);
  switch (type) {
    case Type::kNumber: {
      if (value.kind == Kind::kView) return text + " " + shortened(value.view().raw(), kMostDescribed);
      char digits[32];
      const Value n = decode_number(value);
      if (n.kind == Kind::kInt) return text + " " + std::to_string(n.integer);
      if (n.kind == Kind::kUint) return text + " " + std::to_string(n.natural);
      return text + " " + std::string(digits, json::write_double(n.number, digits));
    }
    case Type::kString: {
      std::string scratch;
      const std::string_view s = value.kind == Kind::kView ? value.view().string(scratch) : value.string();
      return text + " \"" + shortened(s, kMostDescribed) + "\"";
    }
    case Type::kBoolean: {
      const bool truth =
          value.kind == Kind::kView ? value.token().type() == TokenType::kTrue : value.kind == Kind::kTrue;
      return text + (truth ? " true" : " false");
    }
    case Type::kArray:
    case Type::kObject: {
      const uint32_t size = value.kind == Kind::kView ? value.view().count() : value.size;
      return text + " of " + std::to_string(size);
    }
    default:
      return text;
  }
}

}  // namespace colloquium::computo
