#include "computo/library/schemas.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/library/elements.h"
#include "computo/library/schema.h"
#include "computo/library/schema_check.h"
#include "computo/library/texts.h"
#include "computo/number.h"
#include "computo/render.h"

namespace colloquium::computo::ops {

namespace {

// The schemas that stand in the script itself: found by where they stand, without looking at their text. There are
// no more of them than the script has literals.
class LiteralSchemas : public Tool {
 public:
  static constexpr std::string_view kKind = "literal schemas";

  const Schema* find(uint32_t token) const {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.token == token; });
    ASSERT(found == entries_.end() || found->schema != nullptr);
    return found == entries_.end() ? nullptr : found->schema.get();
  }
  const Schema* add(uint32_t token, std::unique_ptr<const Schema> schema) {
    ASSERT(find(token) == nullptr && schema != nullptr);
    return entries_.emplace_back(Entry{token, std::move(schema)}).schema.get();
  }

 private:
  struct Entry {
    uint32_t token;
    std::unique_ptr<const Schema> schema;
  };
  std::vector<Entry> entries_;
};

// Paid for by its size, so that schemas that come with every event cannot take a machine over.
std::unique_ptr<const Schema> compiled(Machine& machine, std::string_view text) {
  // Looking references up is what may take more than proportional time.
  const uint64_t squared = (text.size() / 512) * (text.size() / 512);
  if (!machine.charge(1000 + text.size() * 2 + squared)) return nullptr;
  std::string problem;
  auto schema = Schema::create(text, problem);
  ASSERT((schema == nullptr) == !problem.empty());
  if (schema == nullptr)
    machine.fail_argument(1, Category::kValue, "expected a JSON Schema, got one with a fault: " + problem);
  return schema;
}

// A schema that was computed: known by its text.
const Schema* computed_schema(Machine& machine, const Value& v) {
  std::string_view text;
  if (v.kind == Kind::kView) {
    text = v.view().raw();
  } else {
    machine.text_output().start(false);
    if (!render(machine, machine.text_output(), RenderAs::kText, v)) return nullptr;
    text = machine.text_output().text();
  }
  ASSERT(!text.empty());
  if (!machine.charge(1 + text.size() / kPassedPerStep)) return nullptr;
  if (const Schema* known = machine.prepared().find<Schema>(text)) return known;
  auto made = compiled(machine, text);
  return made == nullptr ? nullptr : machine.prepared().add<Schema>(text, std::move(made));
}

// The schema of argument 1; null after fail.
const Schema* schema_argument(Machine& machine, const Value* arguments) {
  const Value& v = arguments[1];
  if (type_of(v) != Type::kObject && type_of(v) != Type::kBoolean) {
    machine.fail_type(1, "a schema, which is an object or a boolean", v);
    return nullptr;
  }
  if (v.kind != Kind::kView || v.source != &machine.program().literals) return computed_schema(machine, v);
  auto& literals = machine.tools().get<LiteralSchemas>();
  if (const Schema* known = literals.find(v.size)) return known;
  auto made = compiled(machine, v.view().raw());
  ASSERT(made != nullptr || machine.failed());
  return made == nullptr ? nullptr : literals.add(v.size, std::move(made));
}

// An option that is not known is refused: misspelt, it would silently do nothing.
bool read_option(Machine& machine, std::string_view name, const Value& value, SchemaOptions& out) {
  if (name == "formats") {
    if (type_of(value) != Type::kBoolean) return machine.fail_type(2, "a boolean as the option formats", value);
    out.formats = is_truthy(value);
    return true;
  }
  ASSERT(out.most_errors > 0);
  if (name != "maxErrors") return fail_value(machine, 2, "the options formats and maxErrors", name);
  if (type_of(value) != Type::kNumber) return machine.fail_type(2, "a number as the option maxErrors", value);
  const Value number = decode_number(value);
  const bool good = is_integral(number) && to_integer(number) > 0 && to_integer(number) <= UINT32_MAX;
  if (!good)
    return machine.fail_argument(2, Category::kValue, "expected an integer of 1 or more as the option maxErrors");
  out.most_errors = static_cast<uint32_t>(to_integer(number));
  return true;
}

bool options_argument(Machine& machine, const Value* arguments, uint32_t count, SchemaOptions& out) {
  if (count < 3) return true;
  Object members;
  uint32_t size = 0;
  if (!members_of(machine, arguments[2], members, size)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    if (!read_option(machine, members.keys[i].view(), members.values[i], out)) return false;
  }
  ASSERT(!machine.failed());
  return true;
}

}  // namespace

// What a strict compilation finds out is what the first event would.
std::string check_schema(std::span<const ConstantText> arguments) {
  ASSERT(arguments.size() >= 2);
  if (!arguments[1]) return {};
  std::string problem;
  if (Schema::create(*arguments[1], problem) != nullptr) return {};
  return "expected a JSON Schema, got one with a fault: " + problem;
}

bool json_schema(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  SchemaOptions options;
  if (!options_argument(machine, arguments, count, options)) return false;
  const Schema* const schema = schema_argument(machine, arguments);
  return schema != nullptr && SchemaCheck(machine, *schema, options).errors(arguments[0], out);
}

bool matches_schema(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  SchemaOptions options;
  if (!options_argument(machine, arguments, count, options)) return false;
  const Schema* const schema = schema_argument(machine, arguments);
  if (schema == nullptr) return false;
  out = bool_value(SchemaCheck(machine, *schema, options).matches(arguments[0]));
  return !machine.failed();
}

}  // namespace colloquium::computo::ops
