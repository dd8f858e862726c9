// Places: JSON Pointers that a script computes, and values changed at one place.
//
// The compiler splits literal pointers once (pointer.h); these are split when they are known, in the machine's
// memory. A change rebuilds the containers from the root to the place; everything beside that path is shared.
// Thread safety: as the machine's.
#pragma once

#include <cstdint>
#include <string_view>

#include "computo/machine.h"
#include "computo/output.h"
#include "computo/value.h"

namespace colloquium::computo::ops {

struct PlaceStep {
  std::string_view key;  // unescaped
  uint64_t index;        // its value if it reads as an array index, else kNoIndex
};

struct Place {
  const PlaceStep* steps = nullptr;
  uint32_t size = 0;
};

// What may come of something that depends on data. kFailed: after Machine::fail.
enum class Outcome : uint8_t { kDone, kNowhere, kFailed };

// Splits a pointer; kNowhere if it is none. Texts with escapes are decoded in the machine's memory.
Outcome read_place(Machine& machine, std::string_view text, Place& out);

// The same for argument `i`, or an element of it: whatever is no pointer is an error of category pointer.
bool place_argument(Machine& machine, uint32_t i, const Value& pointer, Place& out);

// Replaces `v` by what is at the place in it.
Outcome find_place(Machine& machine, const Place& place, Value& v);

enum class Change : uint8_t {
  kSet,      // puts the value there; objects that are missing on the way are made, as is an array's next element
  kAdd,      // RFC 6902: a member is put, an element inserted before the index
  kReplace,  // what is there
  kRemove,   // what is there; of the root: null is left
};

// `out` is `root` with the change. kNowhere if there is no such place, or, for kSet, if the way to it leads
// through something that is neither container nor null.
Outcome change_place(Machine& machine, const Value& root, const Place& place, Change change, const Value& value,
                     Value& out);

// The pointer to a value that a visitor of data has come to, as text that grows and shrinks. Uses
// Machine::text_output().
class PathText {
 public:
  explicit PathText(Machine& machine) : machine_(machine), text_(machine.text_output()) { text_.start(false); }
  // Give what pop() needs.
  size_t push(std::string_view key);
  size_t push(uint32_t index);
  void pop(size_t before);
  bool value(Value& out) const;

 private:
  Machine& machine_;
  Output& text_;
};

// The object with the member put or replaced, or without it (`value` null). False after fail.
bool with_member(Machine& machine, const Value& object, std::string_view key, const Value* value, Value& out);

}  // namespace colloquium::computo::ops
