#include "computo/library/permuto.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/library/elements.h"
#include "computo/library/permuto_template.h"
#include "computo/library/texts.h"
#include "computo/number.h"

namespace colloquium::computo::ops {

namespace {

using MissingKey = PermutoOptions::MissingKey;

// Reads one option object over the defaults.
class OptionReader {
 public:
  OptionReader(Machine& machine, uint32_t argument, TemplateOptions& out)
      : machine_(machine), argument_(argument), out_(out) {}

  bool read(std::string_view name, const Value& v) {
    ASSERT(!machine_.failed());
    if (name == "start") return marker(v, out_.start);
    if (name == "end") return marker(v, out_.end);
    if (name == "interpolation") {
      out_.interpolation = is_truthy(v);
      return type_of(v) == Type::kBoolean || fail_type(name, "a boolean", v);
    }
    if (name == "missing_key") return missing_key(v);
    if (name == "max_depth") return max_depth(v);
    return fail_value(machine_, argument_, "start, end, interpolation, missing_key or max_depth", name);
  }

 private:
  bool fail_type(std::string_view name, std::string_view expected, const Value& got) {
    ASSERT(!name.empty());
    return machine_.fail_type(argument_, std::string(expected) + " as \"" + std::string(name) + "\"", got);
  }

  bool marker(const Value& v, std::string_view& out) {
    if (type_of(v) != Type::kString) return fail_type("start and end", "strings", v);
    ASSERT(!machine_.failed());
    return text_of(machine_, v, out);
  }

  bool missing_key(const Value& v) {
    std::string_view text;
    if (type_of(v) != Type::kString) return fail_type("missing_key", "a string", v);
    if (!text_of(machine_, v, text)) return false;
    ASSERT(!machine_.failed());
    if (text == "ignore") {
      out_.missing_key = MissingKey::kIgnore;
    } else if (text == "error") {
      out_.missing_key = MissingKey::kError;
    } else if (text == "remove") {
      out_.missing_key = MissingKey::kRemove;
    } else {
      return fail_value(machine_, argument_, R"("ignore", "error" or "remove")", text);
    }
    return true;
  }

  bool max_depth(const Value& v) {
    const bool integer = type_of(v) == Type::kNumber && is_integral(decode_number(v));
    if (!integer) return fail_type("max_depth", "an integer", v);
    const int64_t depth = to_integer(decode_number(v));
    ASSERT(!machine_.failed());
    out_.max_depth = static_cast<uint32_t>(std::clamp<int64_t>(depth, 0, UINT32_MAX));
    return true;
  }

  Machine& machine_;
  uint32_t argument_;
  TemplateOptions& out_;
};

bool check_options(Machine& machine, uint32_t argument, const TemplateOptions& options) {
  ASSERT(!machine.failed());
  const char* problem = nullptr;
  if (options.start.empty() || options.end.empty()) problem = "expected markers that are not empty";
  if (options.start == options.end) problem = "expected an end marker other than the start marker";
  if (options.max_depth < 1) problem = "expected a max_depth of 1 or more";
  if (options.interpolation && options.missing_key == MissingKey::kRemove) {
    problem = "missing_key \"remove\" does not go with interpolation";
  }
  return problem == nullptr || machine.fail_argument(argument, Category::kValue, problem);
}

// Fills a template. What holds no placeholder stays as it is, a view of the event where it was one.
class Filler {
 public:
  Filler(Machine& machine, const TemplateOptions& options, const Value& context)
      : machine_(machine), options_(options), context_(context) {}

  // kNowhere: the value is a placeholder to be removed.
  Outcome fill(const Value& v, uint32_t level, Value& out) {
    out = v;
    if (!check_level(machine_, options_, level) || !machine_.charge(1)) return Outcome::kFailed;
    ASSERT(level > 0);
    switch (type_of(v)) {
      case Type::kString:
        return string(v, level, out);
      case Type::kArray:
        return array(v, level, out);
      case Type::kObject:
        return object(v, level, out);
      default:
        return Outcome::kDone;
    }
  }

 private:
  Outcome string(const Value& v, uint32_t level, Value& out) {
    std::string_view text;
    if (!text_of(machine_, v, text) || !machine_.charge(text.size() / 64)) return Outcome::kFailed;
    ASSERT(level > 0);
    if (text.find(options_.start) == std::string_view::npos) return Outcome::kDone;
    if (const auto pointer = exact_placeholder(text, options_)) {
      if (level == 1 && options_.missing_key == MissingKey::kRemove) {
        machine_.fail_argument(0, Category::kValue, "a template that is one placeholder cannot be removed");
        return Outcome::kFailed;
      }
      return resolve(*pointer, out);
    }
    if (!options_.interpolation) return Outcome::kDone;
    return interpolate(text, out) ? Outcome::kDone : Outcome::kFailed;
  }

  // The part of the context; kNowhere and `out` as it was if there is none and it is to be removed.
  Outcome resolve(std::string_view pointer, Value& out) {
    Value found = context_;
    const Outcome outcome = look_up(pointer, found);
    if (outcome == Outcome::kDone) out = found;
    ASSERT((outcome == Outcome::kFailed) == machine_.failed());
    if (outcome != Outcome::kNowhere || options_.missing_key == MissingKey::kRemove) return outcome;
    return missing(pointer) ? Outcome::kDone : Outcome::kFailed;
  }

  Outcome look_up(std::string_view pointer, Value& v) {
    Place place;
    const Outcome read = read_place(machine_, pointer, place);
    ASSERT(read != Outcome::kFailed || machine_.failed());
    return read == Outcome::kDone ? find_place(machine_, place, v) : read;
  }

  // Whether that is allowed.
  bool missing(std::string_view pointer) {
    if (options_.missing_key != MissingKey::kError) return true;
    ASSERT(!machine_.failed());
    return machine_.fail_argument(1, Category::kPointer,
                                  "nothing at pointer " + shown(pointer) + " in the context");
  }

  // From left to right; the first end marker behind a start marker closes it, and what was put in is not
  // looked at again.
  bool interpolate(std::string_view text, Value& out) {
    Output& filled = machine_.text_output();
    filled.start(false);
    bool changed = false;
    while (!text.empty()) {
      const size_t start = text.find(options_.start);
      const size_t inner = start == std::string_view::npos ? start : start + options_.start.size();
      const size_t end = start == std::string_view::npos ? start : text.find(options_.end, inner);
      if (end == std::string_view::npos) break;
      const std::string_view pointer = text.substr(inner, end - inner);
      Value found = context_;
      const Outcome outcome = is_placeholder(pointer) ? look_up(pointer, found) : Outcome::kNowhere;
      if (outcome == Outcome::kFailed) return false;
      if (outcome == Outcome::kNowhere && is_placeholder(pointer) && !missing(pointer)) return false;
      const size_t behind = end + options_.end.size();
      filled.put(text.substr(0, outcome == Outcome::kDone ? start : behind));
      if (outcome == Outcome::kDone && !append_text(machine_, filled, found)) return false;
      if (!check_output(machine_)) return false;
      changed = changed || outcome == Outcome::kDone;
      text.remove_prefix(behind);
    }
    ASSERT(!machine_.failed());
    if (!changed) return true;
    filled.put(text);
    return finish_text(machine_, out);
  }

  static bool same(const Value& a, const Value& b) {
    return a.kind == b.kind && a.size == b.size && a.natural == b.natural;
  }

  Outcome array(const Value& v, uint32_t level, Value& out) {
    const uint32_t size = array_size(v);
    const ScratchScope scratch(machine_);
    auto* const filled = machine_.allocate_scratch<Value>(size);
    if (filled == nullptr) return Outcome::kFailed;
    Elements elements(v);
    uint32_t count = 0;
    bool changed = false;
    for (uint32_t i = 0; i < size; ++i) {
      const Value element = elements.next();
      const Outcome outcome = fill(element, level + 1, filled[count]);
      if (outcome == Outcome::kFailed) return outcome;
      changed = changed || outcome == Outcome::kNowhere || !same(element, filled[count]);
      if (outcome == Outcome::kDone) ++count;
    }
    ASSERT(count <= size);
    if (!changed) return Outcome::kDone;
    Value* const items = result_array(machine_, count);
    if (items == nullptr) return Outcome::kFailed;
    std::copy_n(filled, count, items);
    out = array_value(items, count);
    return Outcome::kDone;
  }

  Outcome object(const Value& v, uint32_t level, Value& out) {
    Object members;
    uint32_t count = 0;
    if (!members_of(machine_, v, members, count)) return Outcome::kFailed;
    ObjectBuilder builder(machine_, count);
    if (!builder.valid()) return Outcome::kFailed;
    bool changed = false;
    for (uint32_t i = 0; i < count; ++i) {
      Value value;
      const Outcome outcome = fill(members.values[i], level + 1, value);
      if (outcome == Outcome::kFailed) return outcome;
      changed = changed || outcome == Outcome::kNowhere || !same(members.values[i], value);
      if (outcome == Outcome::kDone) builder.add(members.keys[i], value);
    }
    ASSERT(!machine_.failed());
    return !changed || builder.finish(out) ? Outcome::kDone : Outcome::kFailed;
  }

  Machine& machine_;
  const TemplateOptions& options_;
  const Value& context_;
};

}  // namespace

bool template_options(Machine& machine, const Value* arguments, uint32_t count, uint32_t i, TemplateOptions& out) {
  const PermutoOptions& given = machine.program().permuto;
  out = {given.start, given.end, given.interpolation, given.missing_key, given.max_depth};
  ASSERT(count >= i);
  if (count == i) return check_options(machine, kNoArgument, out);
  Object object;
  uint32_t size = 0;
  if (!members_of(machine, arguments[i], object, size)) return false;
  OptionReader reader(machine, i, out);
  for (uint32_t k = 0; k < size; ++k) {
    if (!reader.read(object.keys[k].view(), object.values[k])) return false;
  }
  return check_options(machine, i, out);
}

std::optional<std::string_view> exact_placeholder(std::string_view text, const TemplateOptions& options) {
  ASSERT(!options.start.empty() && !options.end.empty());
  if (!text.starts_with(options.start)) return std::nullopt;
  text.remove_prefix(options.start.size());
  const size_t end = text.find(options.end);
  if (end == std::string_view::npos || end + options.end.size() != text.size()) return std::nullopt;
  const std::string_view inner = text.substr(0, end);
  return is_placeholder(inner) ? std::optional(inner) : std::nullopt;
}

bool check_level(Machine& machine, const TemplateOptions& options, uint32_t level) {
  ASSERT(level > 0);
  if (level > kMostNesting) return machine.fail_nesting();
  if (level <= options.max_depth) return true;
  return machine.fail(Category::kLimit,
                      "a template nested deeper than " + std::to_string(options.max_depth) + " levels");
}

bool permuto_apply(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  TemplateOptions options;
  if (!template_options(machine, arguments, count, 2, options)) return false;
  return Filler(machine, options, arguments[1]).fill(arguments[0], 1, out) == Outcome::kDone;
}

}  // namespace colloquium::computo::ops
