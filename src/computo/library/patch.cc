#include "base/assert.h"
#include "computo/access.h"
#include "computo/compare.h"
#include "computo/failure.h"
#include "computo/library/patches.h"
#include "computo/library/places.h"
#include "computo/shown.h"

namespace colloquium::computo::ops {

namespace {

// Applies one operation after the other to a value of its own.
class Patcher {
 public:
  Patcher(Machine& machine, const Value& value) : machine_(machine), value_(value) {}

  const Value& value() const { return value_; }

  bool apply(const Value& operation) {
    ++number_;
    if (type_of(operation) != Type::kObject) return fail("expected an object, got " + describe(operation));
    std::string_view name;
    Place path;
    if (!text_member(operation, "op", name) || !place_member(operation, "path", path)) return false;
    ASSERT(!machine_.failed());
    if (name == "add") return with_value(operation, path, Change::kAdd);
    if (name == "replace") return with_value(operation, path, Change::kReplace);
    if (name == "remove") return path.size > 0 ? change(path, Change::kRemove, null_value()) : fail_root();
    if (name == "move") return move(operation, path);
    if (name == "copy") return copy(operation, path);
    if (name == "test") return test(operation, path);
    return fail("unknown op; there are add, remove, replace, move, copy and test");
  }

 private:
  bool fail(const std::string& problem) {
    ASSERT(number_ > 0);
    return machine_.fail_argument(1, Category::kPatch, "operation " + std::to_string(number_) + ": " + problem);
  }
  bool fail_root() { return fail("the whole value cannot be removed"); }

  bool member(const Value& operation, std::string_view name, Value& out) {
    ASSERT(!name.empty());
    if (find_member(operation, name, out)) return true;
    return fail("has no \"" + std::string(name) + "\"");
  }

  bool text_member(const Value& operation, std::string_view name, std::string_view& out) {
    Value v;
    if (!member(operation, name, v)) return false;
    ASSERT(!machine_.failed());
    if (type_of(v) == Type::kString) return text_of(machine_, v, out);
    return fail("expected a string as \"" + std::string(name) + "\", got " + describe(v));
  }

  bool place_member(const Value& operation, std::string_view name, Place& out) {
    std::string_view text;
    if (!text_member(operation, name, text)) return false;
    ASSERT(!machine_.failed());
    const Outcome outcome = read_place(machine_, text, out);
    if (outcome != Outcome::kNowhere) return outcome == Outcome::kDone;
    return fail("expected a JSON Pointer as \"" + std::string(name) + "\"");
  }

  bool change(const Place& place, Change change, const Value& value) {
    Value changed;
    const Outcome outcome = change_place(machine_, value_, place, change, value, changed);
    if (outcome == Outcome::kNowhere) return fail("there is no such place");
    ASSERT((outcome == Outcome::kFailed) == machine_.failed());
    if (outcome == Outcome::kDone) value_ = changed;
    return outcome == Outcome::kDone;
  }

  // What stands at a place; its absence is an error.
  bool look(const Place& place, Value& out) {
    out = value_;
    const Outcome outcome = find_place(machine_, place, out);
    ASSERT(outcome == Outcome::kDone || place.size > 0 || machine_.failed());
    return outcome == Outcome::kNowhere ? fail("nothing stands there") : outcome == Outcome::kDone;
  }

  bool with_value(const Value& operation, const Place& path, Change kind) {
    Value value;
    ASSERT(kind == Change::kAdd || kind == Change::kReplace);
    return member(operation, "value", value) && change(path, kind, value);
  }

  bool move(const Value& operation, const Place& path) {
    Place from;
    Value value;
    if (!place_member(operation, "from", from) || !look(from, value)) return false;
    bool inside = from.size <= path.size;
    for (uint32_t i = 0; inside && i < from.size; ++i) inside = from.steps[i].key == path.steps[i].key;
    if (inside && from.size == path.size) return true;
    if (inside) return fail("a value cannot be moved into itself");
    ASSERT(from.size > 0);
    return change(from, Change::kRemove, null_value()) && change(path, Change::kAdd, value);
  }

  bool copy(const Value& operation, const Place& path) {
    Place from;
    Value value;
    ASSERT(!machine_.failed());
    return place_member(operation, "from", from) && look(from, value) && change(path, Change::kAdd, value);
  }

  bool test(const Value& operation, const Place& path) {
    Value expected;
    Value found;
    if (!member(operation, "value", expected) || !look(path, found)) return false;
    const bool same = equal(machine_, expected, found);
    ASSERT(!same || type_of(expected) == type_of(found) || machine_.failed());
    if (same || machine_.failed()) return same && !machine_.failed();
    const bool secret = stands_under_secret(found, Around::kNearest);
    const std::string wanted = secret ? std::string(kMasked) : describe(expected);
    return fail("tested for " + wanted + ", found " + describe(found));
  }

  Machine& machine_;
  Value value_;
  uint32_t number_ = 0;
};

}  // namespace

bool patch(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  Patcher patcher(machine, arguments[0]);
  const uint32_t size = array_size(arguments[1]);
  if (!machine.charge(size)) return false;
  Elements operations(arguments[1]);
  for (uint32_t i = 0; i < size; ++i) {
    if (!patcher.apply(operations.next())) return false;
  }
  out = patcher.value();
  return true;
}

}  // namespace colloquium::computo::ops
