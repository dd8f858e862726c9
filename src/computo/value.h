// Value: what the machine computes with. 16 bytes, tagged, trivially copyable.
//
// A value that came from outside stays a view into its tape (kView) until an operator needs its content:
// this is how "an untouched value is written as its source bytes" holds without anybody keeping book.
// Everything a value points to belongs to the evaluation's arena, to the program, or to the caller's tapes.
// Invariant: a kView never denotes a key; kCell and kUnbound live in local slots only, never in data.
//
// Thread safety: plain data.
#pragma once

#include <cstdint>
#include <string_view>

#include "colloquium/tape.h"

#include "base/assert.h"
#include "json/view.h"

namespace colloquium::computo {

enum class Kind : uint8_t {
  kNull,
  kFalse,
  kTrue,
  kInt,       // in [-2^63, 2^63)
  kUint,      // in [2^63, 2^64): an unmodified integer
  kDouble,    // finite
  kString,    // decoded text
  kArray,     // built: `size` values
  kObject,    // built: `size` members, keys ascending and distinct
  kFunction,  // result of lambda
  kView,      // token `size` of `source`
  kCell,      // a local that a function of its own `let` may see before it is bound
  kUnbound,   // what a cell holds until then
};

// Where views point: one JSON text and its tape.
struct Source {
  const char* text = nullptr;
  const TapeToken* root = nullptr;
};

// A member's name. `rendered` is `"name":` ready for output if the compiler made it, else null.
struct Key {
  const char* text;
  const char* rendered;
  uint32_t size;
  uint32_t rendered_size;

  std::string_view view() const { return {text, size}; }
};

struct Value;

struct Object {
  const Key* keys;
  const Value* values;
};

struct Function;

struct Closure {
  const Function* function;
  const Value* captures;
};

struct Value {
  Kind kind;
  uint32_t size;  // bytes, elements or members; kView: index of the token
  union {
    int64_t integer;
    uint64_t natural;
    double number;
    const char* text;
    const Value* items;
    const Object* object;
    const Closure* closure;
    const Source* source;
    Value* cell;
  };

  std::string_view string() const { return {text, size}; }
  const TapeToken& token() const { return source->root[size]; }
  json::ValueView view() const { return {source->text, source->root, size}; }
};
static_assert(sizeof(Value) == 16);

inline Value null_value() {
  return {Kind::kNull, 0, {0}};
}
inline Value bool_value(bool b) {
  return {b ? Kind::kTrue : Kind::kFalse, 0, {0}};
}
inline Value int_value(int64_t i) {
  return {Kind::kInt, 0, {i}};
}
inline Value uint_value(uint64_t u) {
  Value v{Kind::kUint, 0, {0}};
  v.natural = u;
  return v;
}
inline Value double_value(double d) {
  Value v{Kind::kDouble, 0, {0}};
  v.number = d;
  return v;
}
inline Value string_value(std::string_view s) {
  ASSERT(s.size() <= UINT32_MAX);
  Value v{Kind::kString, static_cast<uint32_t>(s.size()), {0}};
  v.text = s.data();
  return v;
}
inline Value array_value(const Value* items, uint32_t size) {
  Value v{Kind::kArray, size, {0}};
  v.items = items;
  return v;
}
inline Value object_value(const Object* object, uint32_t size) {
  Value v{Kind::kObject, size, {0}};
  v.object = object;
  return v;
}
inline Value view_value(const Source* source, uint32_t index) {
  Value v{Kind::kView, index, {0}};
  v.source = source;
  return v;
}

// The language's types, in the order `sort` puts them (section 3); functions are not ordered.
enum class Type : uint8_t { kNull, kNumber, kString, kBoolean, kArray, kObject, kFunction };

inline Type type_of_token(TokenType type) {
  switch (type) {
    case TokenType::kNull:
      return Type::kNull;
    case TokenType::kFalse:
    case TokenType::kTrue:
      return Type::kBoolean;
    case TokenType::kInteger:
    case TokenType::kDouble:
      return Type::kNumber;
    case TokenType::kString:
    case TokenType::kKey:
      return Type::kString;
    case TokenType::kArray:
      return Type::kArray;
    case TokenType::kObject:
      return Type::kObject;
  }
  return Type::kNull;
}

inline Type type_of(const Value& v) {
  switch (v.kind) {
    case Kind::kNull:
      return Type::kNull;
    case Kind::kFalse:
    case Kind::kTrue:
      return Type::kBoolean;
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
      return Type::kNumber;
    case Kind::kString:
      return Type::kString;
    case Kind::kArray:
      return Type::kArray;
    case Kind::kObject:
      return Type::kObject;
    case Kind::kFunction:
      return Type::kFunction;
    case Kind::kView:
      return type_of_token(v.token().type());
    case Kind::kCell:
    case Kind::kUnbound:
      break;
  }
  ASSERT_WHY(false, "a slot marker is not a value");
}

std::string_view to_string(Type type);

}  // namespace colloquium::computo
