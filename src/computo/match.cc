#include "computo/match.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/code.h"
#include "computo/compare.h"
#include "computo/machine.h"

namespace colloquium::computo {

namespace {

// Recursion is as deep as the pattern's text, which the walk has bounded.
class Matcher {
 public:
  Matcher(Machine& machine, Value* slots) : machine_(machine), slots_(slots) {}

  bool holds(const Pattern& pattern, const Value& v) {
    switch (pattern.kind) {
      case Pattern::Kind::kAny:
        return true;
      case Pattern::Kind::kBind:
        slots_[pattern.slot] = v;
        return true;
      case Pattern::Kind::kEqual:
        return equal(machine_, machine_.program().constants[pattern.constant], v);
      case Pattern::Kind::kType:
        return type_of(v) == pattern.type;
      case Pattern::Kind::kObject:
        return object(pattern, v);
      case Pattern::Kind::kArray:
        return array(pattern, v);
      case Pattern::Kind::kEither:
        return std::any_of(pattern.parts.begin(), pattern.parts.end(),
                           [&](uint32_t part) { return holds(at(part), v); });
    }
    ASSERT_WHY(false, "every kind is listed");
    return false;
  }

 private:
  const Pattern& at(uint32_t index) const { return machine_.program().patterns[index]; }

  bool object(const Pattern& pattern, const Value& v) {
    if (type_of(v) != Type::kObject) return false;
    ASSERT(pattern.keys.size() == pattern.parts.size());
    for (size_t i = 0; i < pattern.keys.size(); ++i) {
      Value member = null_value();
      if (!find_member(v, pattern.keys[i], member) || !holds(at(pattern.parts[i]), member)) return false;
    }
    return true;
  }

  bool array(const Pattern& pattern, const Value& v) {
    if (type_of(v) != Type::kArray || array_size(v) != pattern.parts.size()) return false;
    Elements elements(v);
    return std::all_of(pattern.parts.begin(), pattern.parts.end(),
                       [&](uint32_t part) { return holds(at(part), elements.next()); });
  }

  Machine& machine_;
  Value* slots_;
};

}  // namespace

bool match(Machine& machine, uint32_t index, Value* subject, bool& holds) {
  ASSERT(index < machine.program().patterns.size());
  const Value v = subject->kind == Kind::kCell ? *subject->cell : *subject;
  holds = Matcher(machine, subject + 1).holds(machine.program().patterns[index], v);
  return !machine.failed();
}

}  // namespace colloquium::computo
