// What holds for values of any type: references, combinations of schemas, and how errors are told. The keywords of
// one type are in schema_scalars.cc and schema_containers.cc.

#include "computo/library/schema_check.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/compare.h"
#include "computo/library/schema_parts.h"
#include "computo/library/texts.h"
#include "computo/number.h"
#include "computo/pointer.h"

namespace colloquium::computo::ops {

SchemaCheck::SchemaCheck(Machine& machine, const Schema& schema, const SchemaOptions& options)
    : machine_(machine), schema_(schema), options_(options), errors_(machine) {
  ASSERT(options.most_errors > 0);
}

// Silent from the start: nothing is told, and whatever is wrong ends the check.
bool SchemaCheck::matches(const Value& value) {
  Instance instance{nullptr, value, {}, 0};
  quiet_ = 1;
  const bool good = check(schema_.root(), instance, nullptr, nullptr, 0);
  ASSERT(quiet_ == 1);
  return good && !machine_.failed();
}

// What check() gives is no more than whether the list is empty.
bool SchemaCheck::errors(const Value& value, Value& out) {
  Instance instance{nullptr, value, {}, 0};
  quiet_ = 0;
  check(schema_.root(), instance, nullptr, nullptr, 0);
  ASSERT(quiet_ == 0);
  errors_.finish(out);
  return !machine_.failed();
}

// The one door to a schema: pays for it, bounds how deep schemas lie in each other (a reference may lead to itself
// without going on in the value), and notes the resource that is entered.
bool SchemaCheck::check(uint32_t schema, Instance& instance, Marks* marks, const Scope* scope, uint32_t depth) {
  if (machine_.failed() || !machine_.charge(1)) return false;
  if (depth > kMostNesting) return machine_.fail_nesting();
  const SchemaNode& node = schema_.node(schema);
  if (node.groups == 0) return true;
  const Scope entered{scope, node.resource};
  const bool same = scope != nullptr && scope->resource == node.resource;
  const Visit visit{node, instance, marks, same ? scope : &entered, depth};
  ASSERT(visit.scope != nullptr);
  if (node.never) return wrong(visit, "", {"no value is allowed here"});
  const bool asks = (node.unevaluated_items != kNoSchema && instance.type() == Type::kArray) ||
                    (node.unevaluated_properties != kNoSchema && instance.type() == Type::kObject);
  return asks ? check_with_own_marks(visit, marks) : check_groups(visit);
}

// What schemas beside or around this one looked at is nothing that this one may rely on.
bool SchemaCheck::check_with_own_marks(const Visit& visit, Marks* outer) {
  const ScratchScope scratch(machine_);
  Marks own;
  if (!make_marks(visit.instance, own)) return false;
  const Visit inner{visit.node, visit.instance, &own, visit.scope, visit.depth};
  // Of what does not match it can't be said what it looked at.
  if (!check_groups(inner)) return false;
  ASSERT(own.looked_at != nullptr);
  const bool good =
      visit.instance.type() == Type::kArray ? check_unevaluated_items(inner) : check_unevaluated_members(inner);
  if (outer != nullptr) outer->merge(own);
  return good;
}

// Of anything but arrays and objects there is nothing to mark, but a schema over it may be asked all the same.
bool SchemaCheck::make_marks(Instance& instance, Marks& marks) {
  if (instance.type() == Type::kObject && !list_members(instance)) return false;
  marks.size = instance.type() == Type::kObject  ? instance.count
               : instance.type() == Type::kArray ? array_size(instance.value)
                                                 : 0;
  marks.looked_at =
      machine_.charge(marks.size / kPassedPerStep) ? machine_.allocate_scratch<bool>(marks.size + 1) : nullptr;
  if (marks.looked_at == nullptr) return false;
  std::fill_n(marks.looked_at, marks.size, false);
  ASSERT(!machine_.failed());
  return true;
}

// A node knows which types it says anything about, so most values pass most nodes without looking at a keyword.
bool SchemaCheck::check_groups(const Visit& visit) {
  const auto says = [&](SchemaGroup group) { return (visit.node.groups & group) != 0; };
  const bool good = !says(kSaysAny) || check_any(visit);
  if (!good && enough()) return false;
  ASSERT(!machine_.failed());
  switch (visit.instance.type()) {
    case Type::kNumber:
      return (!says(kSaysNumber) || check_number(visit)) && good;
    case Type::kString:
      return (!says(kSaysString) || check_string(visit)) && good;
    case Type::kArray:
      return (!says(kSaysArray) || check_array(visit)) && good;
    case Type::kObject:
      return (!says(kSaysObject) || check_object(visit)) && good;
    default:
      return good;
  }
}

// References before combinations before conditions: the order in which errors are told, and no more.
bool SchemaCheck::check_any(const Visit& visit) {
  bool good = check_values(visit);
  for (const auto part :
       {&SchemaCheck::check_references, &SchemaCheck::check_combined, &SchemaCheck::check_condition}) {
    if (!good && enough()) return false;
    good = (this->*part)(visit) && good;
  }
  ASSERT(!good || !machine_.failed());
  return good;
}

// $dynamicRef is $ref unless it leads to a $dynamicAnchor (2020-12, core 8.2.3.2).
bool SchemaCheck::check_references(const Visit& visit) {
  bool good = visit.node.reference == kNoSchema || apply(visit, visit.node.reference);
  uint32_t target = visit.node.dynamic.schema;
  if (target == kNoSchema || (!good && enough())) return good;
  // The outermost resource that has the anchor decides.
  const std::string& anchor = visit.node.dynamic.anchor;
  for (const Scope* scope = visit.scope; !anchor.empty() && scope != nullptr; scope = scope->outer) {
    const uint32_t found = schema_.dynamic_anchor(scope->resource, anchor);
    if (found != kNoSchema) target = found;
    ASSERT(scope->outer != scope);
    if (!machine_.charge(1)) return false;
  }
  return apply(visit, target) && good;
}

bool SchemaCheck::check_combined(const Visit& visit) {
  const SchemaNode& node = visit.node;
  bool good = true;
  for (const uint32_t schema : node.all_of) {
    if (!apply(visit, schema)) good = false;
    if (!good && enough()) return false;
  }
  if (!node.any_of.empty()) {
    bool any = false;
    // Where marks are wanted, each that matches gives its own.
    for (size_t i = 0; i < node.any_of.size() && (!any || visit.marks != nullptr); ++i) {
      any = tries(visit, node.any_of[i]) || any;
    }
    if (!any) good = wrong(visit, "anyOf", {"matches none of the schemas"});
  }
  ASSERT(!machine_.failed() || enough());
  if (!node.one_of.empty() && !check_one_of(visit)) good = false;
  if (node.negated != kNoSchema && quietly(node.negated, visit.instance, nullptr, visit)) {
    good = wrong(visit, "not", {"matches the schema that it must not match"});
  }
  return good && !machine_.failed();
}

// All are tried where the number is told: that two match is the commonest mistake in a schema.
bool SchemaCheck::check_one_of(const Visit& visit) {
  uint64_t matching = 0;
  for (const uint32_t schema : visit.node.one_of) {
    matching += tries(visit, schema) ? 1 : 0;
    // With no error to tell, two are as wrong as more.
    if (matching > 1 && quiet_ > 0) return false;
  }
  if (matching == 1) return true;
  ASSERT(!visit.node.one_of.empty());
  if (matching == 0) return wrong(visit, "oneOf", {"matches none of the schemas"});
  if (!begin_message()) return false;
  machine_.text_output().put("expected a match of exactly one schema, got ");
  append_count(machine_.text_output(), matching);
  return end_message(visit, "oneOf");
}

// What `if` finds wrong is never an error; what it looked at counts only if it matches.
bool SchemaCheck::check_condition(const Visit& visit) {
  const SchemaNode& node = visit.node;
  if (node.condition == kNoSchema) return true;
  const uint32_t next = tries(visit, node.condition) ? node.consequence : node.alternative;
  ASSERT(node.condition != next);
  return !machine_.failed() && (next == kNoSchema || apply(visit, next));
}

bool SchemaCheck::apply(const Visit& visit, uint32_t schema) {
  ASSERT(schema != kNoSchema);
  return check(schema, visit.instance, visit.marks, visit.scope, visit.depth + 1);
}

bool SchemaCheck::tries(const Visit& visit, uint32_t schema) {
  ASSERT(schema != kNoSchema);
  if (visit.marks == nullptr) return quietly(schema, visit.instance, nullptr, visit);
  const ScratchScope scratch(machine_);
  Marks own;
  if (!make_marks(visit.instance, own) || !quietly(schema, visit.instance, &own, visit)) return false;
  visit.marks->merge(own);
  return true;
}

// A counter and no flag: schemas that are tried lie in each other.
bool SchemaCheck::quietly(uint32_t schema, Instance& instance, Marks* marks, const Visit& visit) {
  ++quiet_;
  const bool good = check(schema, instance, marks, visit.scope, visit.depth + 1);
  --quiet_;
  ASSERT(!good || !machine_.failed());
  return good;
}

bool SchemaCheck::begin_message() {
  if (enough()) return false;
  machine_.text_output().start(false);
  ASSERT(machine_.text_output().size() == 0);
  return true;
}

// From the outside in; a value is nested no deeper than check() lets it.
void SchemaCheck::write_place(const Instance& instance) {
  if (instance.parent == nullptr) return;
  write_place(*instance.parent);
  Output& text = machine_.text_output();
  text.put('/');
  ASSERT(instance.parent != &instance);
  if (instance.parent->type() == Type::kArray) return append_count(text, instance.index);
  for (const char c : instance.key) {
    if (c == '~') text.put("~0");
    if (c == '/') text.put("~1");
    if (c != '~' && c != '/') text.put(c);
  }
}

// The text is taken over first, as the two places are written to the same output.
bool SchemaCheck::end_message(const Visit& visit, std::string_view keyword) {
  static constexpr std::string_view kKeys[] = {"instance", "message", "schema"};
  Value values[3];
  Value error;
  if (machine_.failed() || !finish_text(machine_, values[1])) return false;
  Output& text = machine_.text_output();
  text.start(false);
  write_place(visit.instance);
  if (!finish_text(machine_, values[0])) return false;
  text.start(false);
  text.put(visit.node.place);
  if (!keyword.empty()) text.put('/');
  text.put(keyword);
  if (!finish_text(machine_, values[2]) || !fixed_object(machine_, kKeys, values, 3, error)) return false;
  ASSERT(count_ < options_.most_errors);
  if (errors_.push(error)) ++count_;
  return false;
}

bool SchemaCheck::wrong(const Visit& visit, std::string_view keyword,
                        std::initializer_list<std::string_view> parts) {
  if (!begin_message()) return false;
  for (const std::string_view part : parts) machine_.text_output().put(part);
  ASSERT(parts.size() > 0);
  return end_message(visit, keyword);
}

bool SchemaCheck::wrong_value(const Visit& visit, std::string_view keyword, std::string_view expected) {
  if (!begin_message()) return false;
  Output& text = machine_.text_output();
  for (const std::string_view part : {std::string_view("expected "), expected, std::string_view(", got ")})
    text.put(part);
  ASSERT(!expected.empty());
  return append_instance(visit.instance) && end_message(visit, keyword);
}

bool SchemaCheck::wrong_number(const Visit& visit, std::string_view keyword, std::string_view expected,
                               const Value& number) {
  if (!begin_message()) return false;
  Output& text = machine_.text_output();
  for (const std::string_view part : {std::string_view("expected "), expected}) text.put(part);
  if (!append_text(machine_, text, number)) return false;
  text.put(", got ");
  ASSERT(!keyword.empty());
  return append_instance(visit.instance) && end_message(visit, keyword);
}

bool SchemaCheck::wrong_count(const Visit& visit, std::string_view keyword, uint64_t bound, std::string_view what,
                              uint64_t found) {
  if (!begin_message()) return false;
  Output& text = machine_.text_output();
  text.put(found < bound ? "expected at least " : "expected at most ");
  append_count(text, bound);
  text.put(' ');
  text.put(what);
  text.put(", got ");
  append_count(text, found);
  ASSERT(found != bound);
  return end_message(visit, keyword);
}

}  // namespace colloquium::computo::ops
