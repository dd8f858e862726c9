#include "computo/library/regex.h"

#include "base/assert.h"
#include "computo/library/pattern.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr std::string_view kNoNames = "expected a regular expression with named groups, as in (?<name>…), got ";

Value group_value(const std::string_view& group) {
  return group.data() == nullptr ? null_value() : string_value(group);
}

// The named groups as an object.
bool named_groups(Machine& machine, const Pattern& pattern, const std::string_view* found, Value& out) {
  const auto size = static_cast<uint32_t>(pattern.names().size());
  auto* object = machine.allocate<Object>(1);
  auto* keys = machine.allocate<Key>(size);
  auto* values = machine.allocate<Value>(size);
  if (object == nullptr || keys == nullptr || values == nullptr || !machine.charge(size)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    // The pattern may leave the cache before the result is written, so its names are copied.
    Value name;
    if (!copied_text(machine, pattern.names()[i].text, name)) return false;
    keys[i] = key_named(name.string());
    values[i] = group_value(found[pattern.names()[i].group]);
  }
  ASSERT(!machine.failed());
  *object = {keys, values};
  out = object_value(object, size);
  return true;
}

// A match as regexFind gives it; `start` in code points.
bool match_value(Machine& machine, const Pattern& pattern, const std::string_view* found, uint64_t start,
                 Value& out) {
  static constexpr std::string_view kKeys[] = {"groups", "match", "named", "start"};
  Value* const groups = result_array(machine, pattern.groups());
  if (groups == nullptr) return false;
  for (uint32_t i = 0; i < pattern.groups(); ++i) groups[i] = group_value(found[i + 1]);
  Value named;
  if (!named_groups(machine, pattern, found, named)) return false;
  ASSERT(found[0].data() != nullptr);
  const Value values[] = {array_value(groups, pattern.groups()), string_value(found[0]), named,
                          int_value(static_cast<int64_t>(start))};
  return fixed_object(machine, kKeys, values, 4, out);
}

// Text and pattern of a call, and room for a match with all its groups.
struct Call {
  std::string_view text;
  const Pattern* pattern = nullptr;
  std::string_view* found = nullptr;
};

bool begin(Machine& machine, const Value* arguments, Call& call) {
  if (!text_argument(machine, arguments, 0, call.text)) return false;
  call.pattern = pattern_argument(machine, arguments);
  if (call.pattern == nullptr) return false;
  call.found = machine.allocate<std::string_view>(call.pattern->groups() + 1);
  ASSERT(call.found != nullptr || machine.failed());
  return call.found != nullptr;
}

}  // namespace

std::string check_regex(std::span<const ConstantText> arguments) {
  std::string problem;
  ASSERT(arguments.size() >= 2);
  if (arguments[1]) Pattern::create(*arguments[1], problem);
  return problem;
}

std::string check_regex_capture(std::span<const ConstantText> arguments) {
  std::string problem;
  ASSERT(arguments.size() >= 2);
  if (!arguments[1]) return problem;
  const auto pattern = Pattern::create(*arguments[1], problem);
  if (pattern != nullptr && pattern->names().empty()) problem = std::string(kNoNames) + shown(*arguments[1]);
  return problem;
}

bool regex_test(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 16)) return false;
  const Pattern* const pattern = pattern_argument(machine, arguments);
  if (pattern == nullptr) return false;
  out = bool_value(pattern->match(text, 0, nullptr, 0));
  return true;
}

bool regex_find(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  Call call;
  if (!begin(machine, arguments, call)) return false;
  Search search(machine, *call.pattern, call.text, call.found, call.pattern->groups() + 1);
  if (!search.next()) {
    out = null_value();
    return !machine.failed();
  }
  return match_value(machine, *call.pattern, call.found, count_points(call.text.substr(0, search.start())), out);
}

bool regex_capture(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  Call call;
  if (!begin(machine, arguments, call)) return false;
  if (call.pattern->names().empty()) {
    std::string_view pattern;
    if (!text_argument(machine, arguments, 1, pattern)) return false;
    return machine.fail_argument(1, Category::kValue, std::string(kNoNames) + shown(pattern));
  }
  Search search(machine, *call.pattern, call.text, call.found, call.pattern->groups() + 1);
  if (!search.next()) {
    out = null_value();
    return !machine.failed();
  }
  return named_groups(machine, *call.pattern, call.found, out);
}

// The matches are gathered in scratch memory that doubles, as their number shows only at the end.
bool regex_find_all(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  Call call;
  int64_t most = UINT32_MAX;
  if (!begin(machine, arguments, call)) return false;
  if (count > 2 && !count_argument(machine, arguments, 2, 0, most)) return false;
  ValueList matches(machine);
  Search search(machine, *call.pattern, call.text, call.found, call.pattern->groups() + 1);
  uint64_t points = 0;
  size_t counted = 0;
  while (static_cast<int64_t>(matches.size()) < most && search.next()) {
    points += count_points(call.text.substr(counted, search.start() - counted));
    counted = search.start();
    Value match;
    if (!match_value(machine, *call.pattern, call.found, points, match) || !matches.add(match)) return false;
  }
  return !machine.failed() && matches.finish(out);
}

}  // namespace colloquium::computo::ops
