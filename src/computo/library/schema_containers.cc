// The keywords of JSON Schema about arrays and objects.

#include <algorithm>

#include "base/assert.h"
#include "computo/library/schema_parts.h"
#include "computo/library/texts.h"
#include "computo/sorting.h"

namespace colloquium::computo::ops {

// The bounds first: where they are wrong, the elements mostly are beside the point.
bool SchemaCheck::check_array(const Visit& visit) {
  const SchemaNode& node = visit.node;
  const uint32_t size = array_size(visit.instance.value);
  bool good = true;
  if (size < node.least_items) good = wrong_count(visit, "minItems", node.least_items, "elements", size);
  if (size > node.most_items) good = wrong_count(visit, "maxItems", node.most_items, "elements", size);
  if (!good && enough()) return false;
  if (node.unique_items) {
    Value distinct = visit.instance.value;
    if (!unique_elements(machine_, distinct)) return false;
    if (array_size(distinct) != size) good = wrong(visit, "uniqueItems", {"expected elements that all differ"});
  }
  for (const auto part : {&SchemaCheck::check_items, &SchemaCheck::check_contained}) {
    if (!good && enough()) return false;
    good = (this->*part)(visit) && good;
  }
  ASSERT(!good || !machine_.failed());
  return good;
}

// Marked before it is checked: an element that is wrong has been looked at too.
bool SchemaCheck::check_element(const Visit& visit, uint32_t schema, const Value& element, uint32_t index) {
  ASSERT(schema != kNoSchema);
  Instance instance{&visit.instance, element, {}, index};
  if (visit.marks != nullptr) visit.marks->mark(index);
  return check(schema, instance, nullptr, visit.scope, visit.depth + 1);
}

bool SchemaCheck::check_items(const Visit& visit) {
  const SchemaNode& node = visit.node;
  if (node.first_items.empty() && node.items == kNoSchema) return true;
  const uint32_t size = array_size(visit.instance.value);
  Elements elements(visit.instance.value);
  bool good = true;
  for (uint32_t i = 0; i < size && (i < node.first_items.size() || node.items != kNoSchema); ++i) {
    const uint32_t schema = i < node.first_items.size() ? node.first_items[i] : node.items;
    good = check_element(visit, schema, elements.next(), i) && good;
    if (!good && enough()) return false;
  }
  ASSERT(!good || !machine_.failed());
  return good;
}

// Stops as soon as more elements would change nothing: neither an upper bound nor marks are wanted.
bool SchemaCheck::check_contained(const Visit& visit) {
  const SchemaNode& node = visit.node;
  if (node.contained == kNoSchema) return true;
  const uint32_t size = array_size(visit.instance.value);
  Elements elements(visit.instance.value);
  uint64_t found = 0;
  const bool all = visit.marks != nullptr || node.most_contained != kNoBound;
  for (uint32_t i = 0; i < size && (all || found < node.least_contained); ++i) {
    Instance instance{&visit.instance, elements.next(), {}, i};
    if (!quietly(node.contained, instance, nullptr, visit)) continue;
    ++found;
    if (visit.marks != nullptr) visit.marks->mark(i);
  }
  if (machine_.failed()) return false;
  ASSERT(found <= size);
  constexpr std::string_view kWhat = "elements that match";
  const bool named = node.least_contained != 1;
  if (found < node.least_contained) {
    return wrong_count(visit, named ? "minContains" : "contains", node.least_contained, kWhat, found);
  }
  return found <= node.most_contained || wrong_count(visit, "maxContains", node.most_contained, kWhat, found);
}

bool SchemaCheck::check_unevaluated_items(const Visit& visit) {
  const uint32_t size = array_size(visit.instance.value);
  Elements elements(visit.instance.value);
  bool good = true;
  ASSERT(visit.marks != nullptr && visit.marks->size == size);
  for (uint32_t i = 0; i < size; ++i) {
    const Value element = elements.next();
    if (visit.marks->looked_at[i]) continue;
    good = check_element(visit, visit.node.unevaluated_items, element, i) && good;
    if (!good && enough()) return false;
  }
  return good;
}

// Sorted once for all schemas over the same object.
bool SchemaCheck::list_members(Instance& instance) {
  if (instance.listed) return true;
  ASSERT(instance.type() == Type::kObject);
  if (!members_of(machine_, instance.value, instance.members, instance.count)) return false;
  instance.listed = true;
  return machine_.charge(instance.count / kPassedPerStep);
}

bool SchemaCheck::has_name(const Instance& instance, std::string_view name) const {
  ASSERT(instance.listed);
  const Key* const end = instance.members.keys + instance.count;
  const Key* const found = std::lower_bound(instance.members.keys, end, name,
                                            [](const Key& key, std::string_view n) { return key.view() < n; });
  return found != end && found->view() == name;
}

bool SchemaCheck::check_object(const Visit& visit) {
  const SchemaNode& node = visit.node;
  if (!list_members(visit.instance)) return false;
  const uint32_t count = visit.instance.count;
  bool good = true;
  if (count < node.least_members) good = wrong_count(visit, "minProperties", node.least_members, "members", count);
  if (count > node.most_members) good = wrong_count(visit, "maxProperties", node.most_members, "members", count);
  for (const auto part : {&SchemaCheck::check_required, &SchemaCheck::check_members, &SchemaCheck::check_names,
                          &SchemaCheck::check_dependencies}) {
    if (!good && enough()) return false;
    good = (this->*part)(visit) && good;
  }
  ASSERT(!good || !machine_.failed());
  return good;
}

// Told one by one: each missing member is a thing to mend.
bool SchemaCheck::check_required(const Visit& visit) {
  bool good = true;
  if (!machine_.charge(visit.node.required.size() / 4)) return false;
  for (const std::string& name : visit.node.required) {
    if (has_name(visit.instance, name)) continue;
    good = wrong(visit, "required", {"expected a member \"", name, "\""});
    ASSERT(!good);
    if (enough()) return false;
  }
  return good;
}

// Both the members and the names of `properties` ascend, so each is passed once.
bool SchemaCheck::check_members(const Visit& visit) {
  const SchemaNode& node = visit.node;
  if (node.properties.empty() && node.pattern_properties.empty() && node.additional_properties == kNoSchema) {
    return true;
  }
  if (!machine_.charge(node.properties.size() / kPassedPerStep)) return false;
  bool good = true;
  auto named = node.properties.begin();
  for (uint32_t i = 0; i < visit.instance.count; ++i) {
    const std::string_view key = visit.instance.members.keys[i].view();
    while (named != node.properties.end() && named->first < key) ++named;
    const bool found = named != node.properties.end() && named->first == key;
    ASSERT(!found || named->second != kNoSchema);
    good = check_member(visit, i, found ? named->second : kNoSchema) && good;
    if (!good && enough()) return false;
  }
  return good;
}

// A member may have a schema by its name and by several patterns; only one without any is additional.
bool SchemaCheck::check_member(const Visit& visit, uint32_t index, uint32_t named) {
  const SchemaNode& node = visit.node;
  const std::string_view key = visit.instance.members.keys[index].view();
  Instance member{&visit.instance, visit.instance.members.values[index], key, 0};
  bool known = named != kNoSchema;
  bool good = true;
  const auto check_by = [&](uint32_t schema) {
    if (visit.marks != nullptr) visit.marks->mark(index);
    good = check(schema, member, nullptr, visit.scope, visit.depth + 1) && good;
  };
  if (known) check_by(named);
  for (const PatternSchema& pattern : node.pattern_properties) {
    if (!machine_.charge(1 + key.size() / kPassedPerStep)) return false;
    if (!pattern.pattern->match(key, 0, nullptr, 0)) continue;
    known = true;
    check_by(pattern.schema);
  }
  if (!known && node.additional_properties != kNoSchema) check_by(node.additional_properties);
  ASSERT(!good || !machine_.failed());
  return good;
}

// A name is checked like any string, but told at the object: it has no place of its own.
bool SchemaCheck::check_names(const Visit& visit) {
  if (visit.node.property_names == kNoSchema) return true;
  bool good = true;
  for (uint32_t i = 0; i < visit.instance.count; ++i) {
    const std::string_view key = visit.instance.members.keys[i].view();
    Instance name{&visit.instance, string_value(key), key, 0};
    if (quietly(visit.node.property_names, name, nullptr, visit)) continue;
    good = wrong(visit, "propertyNames", {"a member must not be named \"", key, "\""});
    if (enough()) return false;
  }
  ASSERT(!good || !machine_.failed());
  return good;
}

// Draft-07 has both kinds under one keyword.
bool SchemaCheck::check_dependencies(const Visit& visit) {
  const bool old = schema_.draft() == Draft::k07;
  bool good = true;
  for (const DependentNames& dependent : visit.node.dependent_required) {
    if (!machine_.charge(1)) return false;
    if (!has_name(visit.instance, dependent.name)) continue;
    for (const std::string& name : dependent.required) {
      if (has_name(visit.instance, name)) continue;
      good = wrong(visit, old ? "dependencies" : "dependentRequired",
                   {"expected a member \"", name, "\" beside \"", dependent.name, "\""});
      if (enough()) return false;
    }
  }
  for (const auto& [name, schema] : visit.node.dependent_schemas) {
    if (!machine_.charge(1)) return false;
    if (has_name(visit.instance, name)) good = apply(visit, schema) && good;
    if (!good && enough()) return false;
  }
  ASSERT(!good || !machine_.failed());
  return good;
}

// Comes last: by now every schema over the object that matches has marked what it looked at.
bool SchemaCheck::check_unevaluated_members(const Visit& visit) {
  bool good = true;
  ASSERT(visit.marks != nullptr && visit.marks->size == visit.instance.count);
  for (uint32_t i = 0; i < visit.instance.count; ++i) {
    if (visit.marks->looked_at[i]) continue;
    visit.marks->mark(i);
    Instance member{&visit.instance, visit.instance.members.values[i], visit.instance.members.keys[i].view(), 0};
    good = check(visit.node.unevaluated_properties, member, nullptr, visit.scope, visit.depth + 1) && good;
    if (!good && enough()) return false;
  }
  return good;
}

}  // namespace colloquium::computo::ops
