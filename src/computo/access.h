// Access: one way to look into values, whether built or viewed on a tape.
//
// Whatever has to be made on the way (decoded strings, sorted members) is taken from the machine's arena; a
// function that can run out of it returns false and has told the machine why.
// Thread safety: as the machine's.
#pragma once

#include <cstdint>
#include <string_view>

#include "computo/code.h"
#include "computo/machine.h"
#include "computo/value.h"

namespace colloquium::computo {

bool is_truthy(const Value& v);

// REQUIRES: an array.
uint32_t array_size(const Value& v);

// Visits the elements of an array in order. REQUIRES: an array; at most array_size calls of next().
class Elements {
 public:
  explicit Elements(const Value& array) : array_(array), at_(array.kind == Kind::kView ? array.size + 1 : 0) {
    ASSERT(type_of(array) == Type::kArray);
  }
  Value next() {
    if (array_.kind == Kind::kArray) return array_.items[at_++];
    const Value element = view_value(array_.source, at_);
    at_ = element.token().next;
    return element;
  }

 private:
  Value array_;
  uint32_t at_;  // of the next: an index, or a token
};

// The text of a string. REQUIRES: a string.
bool text_of(Machine& machine, const Value& v, std::string_view& out);

// The text of a key on a tape.
bool key_of(Machine& machine, const json::ValueView& key, Key& out);

// The members of an object, sorted and distinct. REQUIRES: an object.
bool members_of(Machine& machine, const Value& v, Object& out, uint32_t& count);

// The member of an object, the last of duplicates; false if there is none.
bool find_member(const Value& object, std::string_view key, Value& out);

// Replaces `v` by the part of it that the steps address. If a step leads nowhere: false, with `failed` that
// step and `v` the value it was tried on. Finding a member or element on a tape means passing those before it:
// `passed` grows by a bound of how many.
bool follow(Value& v, const Steps& steps, size_t& failed, uint64_t& passed);

// Collects members in any order and makes an object of them; of equal keys the last added wins.
class ObjectBuilder {
 public:
  // For at most `capacity` members. valid() is false if memory ran out.
  ObjectBuilder(Machine& machine, uint32_t capacity);
  ~ObjectBuilder();
  ObjectBuilder(const ObjectBuilder&) = delete;
  ObjectBuilder& operator=(const ObjectBuilder&) = delete;
  bool valid() const { return entries_ != nullptr; }
  void add(const Key& key, const Value& value);
  bool finish(Value& out);

 private:
  struct Entry {
    Key key;
    Value value;
    uint32_t order;
  };
  uint32_t sort_distinct();

  Machine& machine_;
  Arena::Mark mark_;
  Entry* entries_;
  uint32_t count_ = 0;
  uint32_t capacity_;
  bool ascending_ = true;
};

}  // namespace colloquium::computo
