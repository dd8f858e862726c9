#include "computo/render.h"

#include <string>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/number.h"
#include "computo/shown.h"
#include "computo/text.h"

namespace colloquium::computo {

namespace {

class Renderer {
 public:
  Renderer(Machine& machine, Output& output, RenderAs as)
      : machine_(machine),
        output_(output),
        canonical_(as != RenderAs::kResult),
        masked_(as == RenderAs::kMaskedText) {}

  // A view goes out as it is, whatever its depth; what was built is visited.
  bool value(const Value& v, uint32_t depth) {
    if (output_.size() > machine_.limits().output_bytes) return fail_size();
    if (masked_ && stands_under_secret(v, Around::kNearest)) {
      string(kMasked);
      return true;
    }
    if (v.kind == Kind::kView && !canonical_) {
      raw(v);
      return true;
    }
    switch (type_of(v)) {
      case Type::kNull:
        literal(TokenType::kNull, "null");
        return true;
      case Type::kBoolean:
        boolean(is_truthy(v));
        return true;
      case Type::kNumber:
        number(v);
        return true;
      case Type::kString: {
        std::string_view text;
        if (!text_of(machine_, v, text)) return false;
        string(text);
        return true;
      }
      case Type::kArray:
        return array(v, depth + 1);
      case Type::kObject:
        return object(v, depth + 1);
      case Type::kFunction:
        return function(v, depth + 1);
    }
    ASSERT_WHY(false, "every type is listed");
    return false;
  }

  bool fail_size() {
    return machine_.fail(Category::kLimit,
                         "more than " + std::to_string(machine_.limits().output_bytes) + " bytes of output");
  }

 private:
  // Literals of the script are views too; their numbers are retyped by their spelling (text.h, number_token).
  void raw(const Value& v) {
    const json::ValueView view = v.view();
    const size_t offset = output_.size();
    output_.put(view.raw());
    ASSERT(output_.size() > offset);
    output_.copy_tokens(view, offset, v.source == &machine_.program().literals);
  }

  void literal(TokenType type, std::string_view text) {
    const size_t offset = output_.size();
    output_.put(text);
    ASSERT(!text.empty());
    output_.leaf(type, offset, 0);
  }

  void boolean(bool b) {
    if (b) return literal(TokenType::kTrue, "true");
    literal(TokenType::kFalse, "false");
  }

  void number(const Value& v) {
    const size_t offset = output_.size();
    const Value decoded = decode_number(v);
    output_.commit(write_number(decoded, output_.room(kNumberBound)));
    ASSERT(output_.size() > offset);
    if (decoded.kind == Kind::kInt) return output_.leaf(TokenType::kInteger, offset, 0);
    const NumberToken token = number_token(output_.text().substr(offset));
    output_.leaf(token.type, offset, token.flags);
  }

  void string(std::string_view text) {
    const size_t offset = output_.size();
    bool escaped = false;
    output_.commit(write_string(text, output_.room(escaped_bound(text.size())), escaped));
    ASSERT(output_.size() >= offset + 2);
    output_.leaf(TokenType::kString, offset, escaped ? kTokenEscaped : 0);
  }

  void key(const Key& key) {
    const size_t offset = output_.size();
    if (key.rendered != nullptr) {
      // Only a key that needed no escape is as long as its text.
      const bool escaped = key.rendered_size != key.size + 3;
      output_.put({key.rendered, key.rendered_size - 1});
      output_.leaf(TokenType::kKey, offset, escaped ? kTokenEscaped : 0);
    } else {
      bool escaped = false;
      output_.commit(write_string(key.view(), output_.room(escaped_bound(key.size)), escaped));
      output_.leaf(TokenType::kKey, offset, escaped ? kTokenEscaped : 0);
    }
    output_.put(':');
    ASSERT(output_.size() > offset + 2);
  }

  bool enter(uint32_t depth, uint32_t members) {
    ASSERT(depth > 0);
    return (depth <= kMostNesting || machine_.fail_nesting()) && machine_.charge(members);
  }

  bool array(const Value& v, uint32_t depth) {
    const uint32_t count = array_size(v);
    if (!enter(depth, count)) return false;
    const size_t opened = output_.open(TokenType::kArray);
    Elements elements(v);
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) output_.put(',');
      if (!value(elements.next(), depth)) return false;
    }
    ASSERT(depth <= kMostNesting);
    output_.put(']');
    output_.close(opened, count);
    return true;
  }

  bool object(const Value& v, uint32_t depth) {
    Object object;
    uint32_t count = 0;
    if (!members_of(machine_, v, object, count) || !enter(depth, count)) return false;
    const size_t opened = output_.open(TokenType::kObject);
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) output_.put(',');
      key(object.keys[i]);
      if (masked_ && looks_secret(object.keys[i].view())) {
        string(kMasked);
      } else if (!value(object.values[i], depth)) {
        return false;
      }
    }
    ASSERT(depth <= kMostNesting);
    output_.put('}');
    output_.close(opened, count);
    return true;
  }

  // The script's own expression is data here, so it is rendered as data is.
  bool function(const Value& v, uint32_t depth) {
    if (canonical_) return machine_.fail(Category::kType, "expected data, got function: it has no text");
    const Program& program = machine_.program();
    const Source source{program.text.data(), program.tape.data()};
    const json::ValueView lambda = program.expression(v.closure->function->site);
    const json::ValueView names = lambda.first_child().next();
    ASSERT(lambda.type() == TokenType::kArray);
    const size_t opened = output_.open(TokenType::kArray);
    canonical_ = true;
    const bool named = value(view_value(&source, names.index()), depth);
    output_.put(',');
    const bool done = named && value(view_value(&source, names.next().index()), depth);
    canonical_ = false;
    output_.put(']');
    output_.close(opened, 2);
    return done;
  }

  Machine& machine_;
  Output& output_;
  bool canonical_;
  const bool masked_;
};

}  // namespace

bool render(Machine& machine, Output& output, RenderAs as, const Value& value) {
  ASSERT(!machine.failed());
  Renderer renderer(machine, output, as);
  if (!renderer.value(value, 0)) return false;
  return output.size() <= machine.limits().output_bytes || renderer.fail_size();
}

}  // namespace colloquium::computo
