#include "computo/sugar.h"

#include <utility>

#include "base/assert.h"
#include "json/escape.h"

namespace colloquium::computo {

namespace {

// Writes a tree as JSON text. The recursion is as deep as the tree.
class Translator {
 public:
  Translator(const SugarTree& tree, const CompileOptions& options)
      : tree_(tree), array_key_(options.array_key), places_(tree.text, options) {
    // A script and its JSON are of a size, calls of operators aside.
    out_.json.reserve(tree.text.size() * 2);
    out_.positions.reserve(tree.nodes.size());
  }

  SugarScript run() && {
    expression(tree_.root);
    ASSERT(!out_.positions.empty());
    return std::move(out_);
  }

 private:
  const SugarNode& at(uint32_t i) const { return tree_.at(i); }
  // Never inlined: what sanitizers put around each append would make the frames of the recursion kilobytes large.
  [[gnu::noinline]] void put(std::string_view text) { out_.json += text; }
  void quoted(std::string_view text) { json::append_quoted(text, out_.json); }

  [[gnu::noinline]] void place(const SugarNode& node) {
    TextPosition position = places_.at(node.begin);
    position.byte = static_cast<uint32_t>(out_.json.size());
    out_.positions.push_back(position);
  }

  void expression(uint32_t i);
  void loose(const SugarNode& node);
  void call(std::string_view name, uint32_t operands);
  void operands(uint32_t first, bool comma);
  void callee(uint32_t i);
  void pointer(uint32_t i);
  void list(const SugarNode& node);
  void object(const SugarNode& node);
  void key(uint32_t i);
  void let(const SugarNode& node);
  void lambda(const SugarNode& node);

  const SugarTree& tree_;
  const std::string& array_key_;
  SugarPlaces places_;
  SugarScript out_;
};

void Translator::expression(uint32_t i) {
  while (at(i).kind == SugarKind::kGroup) i = at(i).first;
  const SugarNode& node = at(i);
  place(node);
  switch (node.kind) {
    case SugarKind::kNumber:
    case SugarKind::kString:
    case SugarKind::kWord:
      return put(tree_.text_of(i));
    case SugarKind::kAccess:
    case SugarKind::kPointer:
    case SugarKind::kPath:
      put("[");
      pointer(i);
      return put("]");
    case SugarKind::kList:
      return list(node);
    case SugarKind::kObject:
      return object(node);
    default:
      return loose(node);
  }
}

// What is always a call.
void Translator::loose(const SugarNode& node) {
  switch (node.kind) {
    case SugarKind::kCall:
      put("[");
      callee(node.first);
      operands(at(node.first).next, true);
      return put("]");
    case SugarKind::kChain:
      return call(spelling(node.op), node.first);
    case SugarKind::kNot:
      return call("not", node.first);
    case SugarKind::kIf:
      return call("if", node.first);
    case SugarKind::kMinus:
      if (!node.constant) return call("-", node.first);
      put("-");
      return put(tree_.text_of(node.first));
    case SugarKind::kLet:
      return let(node);
    case SugarKind::kLambda:
      return lambda(node);
    default:
      ASSERT_WHY(false, "every kind of expression is listed");
  }
}

void Translator::call(std::string_view name, uint32_t first) {
  put("[\"");
  put(name);
  put("\"");
  operands(first, true);
  put("]");
}

void Translator::operands(uint32_t first, bool comma) {
  for (uint32_t i = first; i != kNoSugarNode; i = at(i).next) {
    if (comma) put(",");
    comma = true;
    expression(i);
  }
}

// Strings stand in sugar as they do in JSON.
void Translator::callee(uint32_t i) {
  const SugarNode& node = at(i);
  if (node.kind == SugarKind::kString) return put(tree_.text_of(i));
  put("\"");
  if (node.kind == SugarKind::kName) {
    put(tree_.text_of(i));
  } else {
    ASSERT(node.kind == SugarKind::kDotted);
    for (uint32_t part = node.first; part != kNoSugarNode; part = at(part).next) {
      if (part != node.first) put(".");
      put(tree_.text_of(part));
    }
  }
  put("\"");
}

// The operator and its pointer, if it has one: "$input","/a". What a path begins with ends in a string that the
// segments go on with.
void Translator::pointer(uint32_t i) {
  const SugarNode& node = at(i);
  const std::string_view text = tree_.text_of(i);
  if (node.kind == SugarKind::kGroup) return pointer(node.first);
  if (node.kind == SugarKind::kAccess && node.op == SugarToken::kName) {
    put("\"$\",\"/");
    put(text);
    return put("\"");
  }
  if (node.kind != SugarKind::kPath) {
    put("\"");
    put(spelling(node.op));
    put("\"");
    if (node.kind == SugarKind::kPointer) return operands(node.first, true);
    const std::string_view path = text.substr(spelling(node.op).size());
    if (path.empty()) return;
    put(",\"");
    put(path);
    return put("\"");
  }
  const size_t before = out_.json.size();
  pointer(node.first);
  const std::string_view inner = std::string_view(out_.json).substr(before);
  // "$input" alone has no pointer yet.
  if (inner == "\"$input\"" || inner == "\"$inputs\"") {
    put(",\"");
  } else {
    out_.json.pop_back();
  }
  const uint32_t end = at(node.first).end;
  put(tree_.text.substr(end, node.end - end));
  put("\"");
}

void Translator::list(const SugarNode& node) {
  if (!node.constant) return call("list", node.first);
  put("{");
  quoted(array_key_);
  put(":[");
  operands(node.first, false);
  put("]}");
}

void Translator::key(uint32_t i) {
  if (at(i).kind == SugarKind::kString) return put(tree_.text_of(i));
  ASSERT(at(i).kind == SugarKind::kName);
  put("\"");
  put(tree_.text_of(i));
  put("\"");
}

void Translator::object(const SugarNode& node) {
  put(node.constant ? "{" : "[\"obj\"");
  bool comma = !node.constant;
  for (uint32_t entry = node.first; entry != kNoSugarNode; entry = at(entry).next) {
    if (comma) put(",");
    comma = true;
    const uint32_t name = at(entry).first;
    if (!node.constant) place(at(name));
    key(name);
    put(node.constant ? ":" : ",");
    expression(at(name).next);
  }
  put(node.constant ? "}" : "]");
}

void Translator::let(const SugarNode& node) {
  put("[\"let\",[");
  uint32_t i = node.first;
  for (; at(i).kind == SugarKind::kBinding; i = at(i).next) {
    if (i != node.first) put(",");
    place(at(i));
    put("[");
    key(at(i).first);
    operands(at(at(i).first).next, true);
    put("]");
  }
  ASSERT(at(i).next == kNoSugarNode);
  put("],");
  expression(i);
  put("]");
}

void Translator::lambda(const SugarNode& node) {
  put("[\"lambda\",[");
  uint32_t i = node.first;
  for (; at(i).next != kNoSugarNode; i = at(i).next) {
    if (i != node.first) put(",");
    key(i);
  }
  put("],");
  expression(i);
  put("]");
}

}  // namespace

SugarPlaces::SugarPlaces(std::string_view text, const CompileOptions& options)
    : text_(text), given_(options.positions), here_{0, options.first_line, options.first_column} {
  ASSERT(text.size() < UINT32_MAX);
}

TextPosition SugarPlaces::at(uint32_t byte) {
  ASSERT(here_.byte <= byte && byte <= text_.size());
  for (; next_given_ < given_.size() && given_[next_given_].byte <= byte; ++next_given_) {
    here_ = given_[next_given_];
  }
  for (; here_.byte < byte; ++here_.byte) {
    const char c = text_[here_.byte];
    if (c == '\n') {
      ++here_.line;
      here_.column = 1;
    } else if ((c & 0xC0) != 0x80) {
      ++here_.column;
    }
  }
  return here_;
}

ScriptError script_error(const SugarError& error, std::string_view text, const CompileOptions& options) {
  ScriptError out;
  out.category = error.category;
  out.problem = error.problem;
  out.hint = error.hint;
  SugarPlaces places(text, options);
  if (error.opened) {
    const TextPosition opened = places.at(*error.opened);
    const size_t size = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz", *error.opened) - *error.opened;
    out.problem += "; '" + std::string(text.substr(*error.opened, std::max<size_t>(size, 1))) + "' is at line " +
                   std::to_string(opened.line) + ", column " + std::to_string(opened.column);
  }
  const TextPosition place = places.at(error.byte);
  ASSERT(place.line > 0);
  out.line = place.line;
  out.column = place.column;
  return out;
}

std::optional<SugarScript> read_sugar(std::string_view text, const CompileOptions& options, ScriptError& error) {
  ASSERT(!options.array_key.empty());
  if (text.size() >= UINT32_MAX / 8) {
    error = {};
    error.category = Category::kLimit;
    error.problem = "the script is too long";
    return std::nullopt;
  }
  SugarError wrong;
  const auto tree = parse_sugar(text, wrong);
  if (!tree) {
    error = script_error(wrong, text, options);
    return std::nullopt;
  }
  return Translator(*tree, options).run();
}

}  // namespace colloquium::computo
