// What SchemaCheck's parts share. Private to schema_check*.cc.
//
// Thread safety: plain data and functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "computo/library/schema_check.h"
#include "computo/output.h"

namespace colloquium::computo::ops {

struct SchemaCheck::Instance {
  const Instance* parent;
  Value value;
  std::string_view key;  // in the parent, if that is an object
  uint32_t index;        // …an array
  bool listed = false;
  uint32_t count = 0;
  Object members = {};

  Type type() const { return type_of(value); }
};

struct SchemaCheck::Marks {
  bool* looked_at = nullptr;  // by index of the member or element
  uint32_t size = 0;

  void mark(uint32_t index) { looked_at[index] = true; }
  void merge(const Marks& other) {
    ASSERT(size == other.size);
    for (uint32_t i = 0; i < size; ++i) looked_at[i] = looked_at[i] || other.looked_at[i];
  }
};

struct SchemaCheck::Scope {
  const Scope* outer;
  uint32_t resource;
};

struct SchemaCheck::Visit {
  const SchemaNode& node;
  Instance& instance;
  Marks* marks;  // null: nobody asks
  const Scope* scope;
  uint32_t depth;
};

// Whether the number has no fraction, be it as large as it may. REQUIRES: decoded, here and below.
bool is_whole(const Value& number);
// Exactly, by the numbers as they are written.
bool is_multiple(const Value& number, const Value& of);

// Appends "string "…"", "number 5", "an array", for messages.
bool append_found(Machine& machine, Output& text, const Value& v);
void append_count(Output& text, uint64_t count);

}  // namespace colloquium::computo::ops
