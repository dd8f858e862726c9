#include "base/assert.h"
#include "computo/access.h"
#include "computo/library/elements.h"
#include "computo/library/permuto.h"
#include "computo/library/permuto_template.h"

namespace colloquium::computo::ops {

namespace {

// Visits a template and notes each exact placeholder: its pointer in the result, then that in the context.
class PlaceholderFinder {
 public:
  PlaceholderFinder(Machine& machine, const TemplateOptions& options)
      : machine_(machine), options_(options), path_(machine), found_(machine) {}

  bool visit(const Value& v, uint32_t level) {
    if (!check_level(machine_, options_, level) || !machine_.charge(1)) return false;
    ASSERT(level > 0);
    switch (type_of(v)) {
      case Type::kString:
        return string(v);
      case Type::kArray:
        return array(v, level);
      case Type::kObject:
        return object(v, level);
      default:
        return true;
    }
  }

  // The object of both kinds of pointers.
  bool finish(Value& out) const {
    Value pairs;
    found_.finish(pairs);
    ObjectBuilder builder(machine_, pairs.size / 2);
    if (!builder.valid()) return false;
    ASSERT(pairs.size % 2 == 0);
    for (uint32_t i = 0; i < pairs.size; i += 2) {
      builder.add(key_named(pairs.items[i].string()), pairs.items[i + 1]);
    }
    return builder.finish(out);
  }

 private:
  bool string(const Value& v) {
    std::string_view text;
    if (!text_of(machine_, v, text) || !machine_.charge(text.size() / 64)) return false;
    const auto pointer = exact_placeholder(text, options_);
    if (!pointer) return true;
    ASSERT(!machine_.failed());
    Value path;
    return path_.value(path) && found_.push(path) && found_.push(string_value(*pointer));
  }

  bool array(const Value& v, uint32_t level) {
    const uint32_t size = array_size(v);
    ASSERT(level > 0);
    Elements elements(v);
    for (uint32_t i = 0; i < size; ++i) {
      const size_t before = path_.push(i);
      if (!visit(elements.next(), level + 1)) return false;
      path_.pop(before);
    }
    return true;
  }

  bool object(const Value& v, uint32_t level) {
    Object members;
    uint32_t count = 0;
    if (!members_of(machine_, v, members, count)) return false;
    ASSERT(level > 0);
    for (uint32_t i = 0; i < count; ++i) {
      const size_t before = path_.push(members.keys[i].view());
      if (!visit(members.values[i], level + 1)) return false;
      path_.pop(before);
    }
    return true;
  }

  Machine& machine_;
  const TemplateOptions& options_;
  PathText path_;
  ListBuilder found_;
};

bool placeholders(Machine& machine, const Value* arguments, uint32_t count, uint32_t options_at, Value& out) {
  TemplateOptions options;
  if (!template_options(machine, arguments, count, options_at, options)) return false;
  ASSERT(!machine.failed());
  if (options.interpolation) {
    return machine.fail_argument(options_at < count ? options_at : kNoArgument, Category::kValue,
                                 "with interpolation a result cannot be read backwards");
  }
  PlaceholderFinder finder(machine, options);
  return finder.visit(arguments[0], 1) && finder.finish(out);
}

// The context with the value at the place; only objects are made and gone through, so that "0" makes a key.
bool store(Machine& machine, const Value& context, const Place& place, uint32_t level, const Value& value,
           Value& out) {
  if (level > kMostNesting) return machine.fail_nesting();
  if (level == place.size) {
    out = value;
    return true;
  }
  ASSERT(level < place.size);
  if (type_of(context) != Type::kObject) return machine.fail_type(0, "an object to put a value into", context);
  Value child = empty_object();
  if (find_member(context, place.steps[level].key, child) && !machine.charge(1)) return false;
  Value changed;
  return store(machine, child, place, level + 1, value, changed) &&
         with_member(machine, context, place.steps[level].key, &changed, out);
}

}  // namespace

bool permuto_reverse_template(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  return placeholders(machine, arguments, count, 1, out);
}

bool permuto_reverse(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  Value pointers;
  if (!placeholders(machine, arguments, count, 2, pointers)) return false;
  out = empty_object();
  for (uint32_t i = 0; i < pointers.size; ++i) {
    Place from;
    Place to;
    if (read_place(machine, pointers.object->keys[i].view(), from) == Outcome::kFailed) return false;
    const Outcome read = read_place(machine, pointers.object->values[i].string(), to);
    Value value = arguments[1];
    const Outcome found = read == Outcome::kDone ? find_place(machine, from, value) : read;
    if (found == Outcome::kFailed) return false;
    if (found == Outcome::kNowhere) continue;
    const Value so_far = out;
    if (!store(machine, so_far, to, 0, value, out)) return false;
  }
  return true;
}

}  // namespace colloquium::computo::ops
