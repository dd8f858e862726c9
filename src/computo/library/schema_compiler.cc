// From the text of a JSON Schema to its nodes.

#include <algorithm>
#include <deque>
#include <map>

#include "base/assert.h"
#include "computo/failure.h"
#include "computo/library/schema.h"
#include "computo/library/schema_references.h"
#include "computo/number.h"

namespace colloquium::computo::ops {

using json::ValueView;

namespace {

constexpr auto kNew = static_cast<uint8_t>(Draft::k2020);
constexpr auto kOld = static_cast<uint8_t>(Draft::k07);
constexpr auto kBoth = static_cast<uint8_t>(kNew | kOld);

// The draft that `$schema` names, as a URI with or without its empty fragment. False: another one.
bool read_draft(const ValueView& root, Draft& draft) {
  draft = Draft::k2020;
  if (root.type() != TokenType::kObject) return true;
  const auto named = root.member("$schema");
  if (!named) return true;
  std::string scratch;
  std::string_view uri = named->type() == TokenType::kString ? named->string(scratch) : "";
  if (uri.ends_with('#')) uri.remove_suffix(1);
  ASSERT(draft == Draft::k2020);
  if (uri == "http://json-schema.org/draft-07/schema" || uri == "https://json-schema.org/draft-07/schema") {
    draft = Draft::k07;
    return true;
  }
  return uri == "https://json-schema.org/draft/2020-12/schema";
}

}  // namespace

// Makes a node for every schema that is reached from the root, by nesting or by reference. Nothing recurses: a
// schema that is met gets its index and waits for its turn.
class SchemaCompiler {
 public:
  explicit SchemaCompiler(Schema& schema)
      : schema_(schema), root_(schema.source_.text, schema.source_.root, 0), references_(root_, schema.draft_) {}

  // False: problem() says what is wrong.
  bool run() {
    uint32_t node = 0;
    if (!reach(root_, 0, node)) return false;
    ASSERT(node == 0);
    // Those with a dynamic anchor may be reached from anywhere.
    for (const SchemaReferences::Anchor& anchor : references_.anchors()) {
      if (!anchor.dynamic) continue;
      if (!reach(at(anchor.token), anchor.resource, node)) return false;
      schema_.dynamic_anchors_.push_back({anchor.resource, anchor.name, node});
    }
    while (!waiting_.empty()) {
      const Waiting next = waiting_.front();
      waiting_.pop_front();
      if (!compile(next)) return false;
    }
    return true;
  }
  const std::string& problem() const { return problem_; }

 private:
  struct Waiting {
    uint32_t token;
    uint32_t node;
  };
  using Reader = bool (SchemaCompiler::*)(SchemaNode&, const ValueView&);
  struct Keyword {
    std::string_view name;
    Reader reader;
    uint8_t groups;
    uint8_t drafts;
  };

  ValueView at(uint32_t token) const { return {root_.text(), root_.root(), token}; }
  Value value_of(const ValueView& view) const { return view_value(&schema_.source_, view.index()); }

  bool fail(std::string problem) {
    ASSERT(!problem.empty());
    problem_ = "the schema at \"" + place_ + "\", " + keyword_ + ": " + problem;
    return false;
  }
  bool fail_expected(std::string_view expected, const ValueView& got) {
    ASSERT(!expected.empty());
    return fail("expected " + std::string(expected) + ", got " + describe(value_of(got)));
  }

  // The index of the schema, which is compiled later if it is new.
  bool reach(const ValueView& schema, uint32_t resource, uint32_t& node) {
    const bool boolean = schema.type() == TokenType::kTrue || schema.type() == TokenType::kFalse;
    if (!boolean && schema.type() != TokenType::kObject) return fail_expected("an object or a boolean", schema);
    const auto [entry, added] = reached_.emplace(schema.index(), static_cast<uint32_t>(schema_.nodes_.size()));
    node = entry->second;
    if (!added) return true;
    schema_.nodes_.emplace_back();
    schema_.nodes_.back().resource = references_.resource_at(schema.index(), resource);
    schema_.nodes_.back().never = schema.type() == TokenType::kFalse;
    schema_.nodes_.back().groups = schema.type() == TokenType::kFalse ? kSaysAny : 0;
    schema_.nodes_.back().place = references_.place_of(schema.index());
    if (!boolean) waiting_.push_back({schema.index(), node});
    ASSERT(node < schema_.nodes_.size());
    return true;
  }

  static constexpr std::string_view kForeign = "it says nothing";

  // Of values: not where other schemas stand, nor what this one is called.
  static bool says_something(std::string_view keyword) {
    return !keyword.starts_with('$') && keyword != "definitions";
  }

  void pass_over(std::string_view keyword, std::string_view why) {
    ASSERT(!keyword.empty());
    if (!schema_.passed_over_.empty()) return;
    schema_.passed_over_ = "the schema at \"" + place_ + "\", " + std::string(keyword) + ": " + std::string(why) +
                           " in draft " + (schema_.draft() == Draft::k07 ? "07" : "2020-12");
  }

  // The node is filled apart: reaching others moves the nodes.
  bool compile(const Waiting& waiting);
  bool compile_keyword(SchemaNode& node, const ValueView& schema, const Keyword& keyword, const ValueView& value);

  bool schema(const ValueView& value, uint32_t& out) { return reach(value, resource_, out); }

  bool list(const ValueView& value, std::vector<uint32_t>& out) {
    if (value.type() != TokenType::kArray) return fail_expected("an array of schemas", value);
    ASSERT(out.empty());
    for (ValueView child = value.first_child(); !child.at_end_of(value); child = child.next()) {
      out.emplace_back();
      if (!schema(child, out.back())) return false;
    }
    return true;
  }

  // Of a repeated name the last counts.
  bool map(const ValueView& value, NamedSchemas& out) {
    if (value.type() != TokenType::kObject) return fail_expected("an object of schemas", value);
    std::map<std::string, uint32_t> sorted;
    std::string scratch;
    for (ValueView key = value.first_child(); !key.at_end_of(value);) {
      const ValueView child = key.next();
      if (!schema(child, sorted[std::string(key.string(scratch))])) return false;
      key = child.next();
    }
    ASSERT(out.empty());
    out.assign(sorted.begin(), sorted.end());
    return true;
  }

  bool strings(const ValueView& value, std::vector<std::string>& out) {
    if (value.type() != TokenType::kArray) return fail_expected("an array of strings", value);
    std::string scratch;
    for (ValueView child = value.first_child(); !child.at_end_of(value); child = child.next()) {
      if (child.type() != TokenType::kString) return fail_expected("an array of strings", child);
      out.emplace_back(child.string(scratch));
    }
    ASSERT(out.size() <= value.count());
    return true;
  }

  bool text(const ValueView& value, std::string& out) {
    std::string scratch;
    if (value.type() != TokenType::kString) return fail_expected("a string", value);
    ASSERT(scratch.empty());
    out = value.string(scratch);
    return true;
  }

  bool number(const ValueView& value, SchemaNumber& out) {
    if (type_of_token(value.type()) != Type::kNumber) return fail_expected("a number", value);
    out = {true, decode_number(value_of(value))};
    ASSERT(is_decoded_number(out.number));
    return true;
  }

  bool bound(const ValueView& value, uint64_t& out) {
    SchemaNumber read;
    if (!number(value, read)) return false;
    ASSERT(read.given);
    if (!is_integral(read.number) || to_integer(read.number) < 0)
      return fail_expected("an integer of 0 or more", value);
    out = static_cast<uint64_t>(to_integer(read.number));
    return true;
  }

  bool pattern(std::string_view source, std::unique_ptr<const Pattern>& out) {
    std::string wrong;
    out = Pattern::create(source, wrong);
    ASSERT((out == nullptr) != wrong.empty());
    return out != nullptr || fail(wrong);
  }

  bool read_reference(SchemaNode& node, const ValueView& value) {
    std::string reference;
    std::string ignored;
    return text(value, reference) && follow(reference, node.reference, ignored);
  }
  bool read_dynamic_reference(SchemaNode& node, const ValueView& value) {
    std::string reference;
    return text(value, reference) && follow(reference, node.dynamic.schema, node.dynamic.anchor);
  }
  bool follow(const std::string& reference, uint32_t& out, std::string& dynamic) {
    const auto target = references_.find(reference, resource_, dynamic);
    if (!target) {
      return fail("nothing inside the schema is at \"" + reference + "\", and nothing is fetched from elsewhere");
    }
    ASSERT(target->token < schema_.document_.tape.size());
    return reach(at(target->token), target->resource, out);
  }

  bool read_type(SchemaNode& node, const ValueView& value);
  bool read_format(SchemaNode& node, const ValueView& value);
  bool read_enumeration(SchemaNode& node, const ValueView& value) {
    if (value.type() != TokenType::kArray) return fail_expected("an array", value);
    node.enumeration.emplace();
    for (ValueView child = value.first_child(); !child.at_end_of(value); child = child.next()) {
      node.enumeration->push_back(value_of(child));
    }
    ASSERT(node.enumeration->size() <= value.count());
    return true;
  }
  bool read_constant(SchemaNode& node, const ValueView& value) {
    node.constant = value_of(value);
    return true;
  }
  bool read_multiple(SchemaNode& node, const ValueView& value) {
    if (!number(value, node.multiple_of)) return false;
    return compare_numbers(node.multiple_of.number, int_value(0)) > 0 || fail_expected("a number above 0", value);
  }
  bool read_pattern(SchemaNode& node, const ValueView& value) {
    return text(value, node.pattern_source) && pattern(node.pattern_source, node.pattern);
  }
  // Draft-07 has what is prefixItems and items since then in one.
  bool read_items(SchemaNode& node, const ValueView& value) {
    if (schema_.draft() == Draft::k07 && value.type() == TokenType::kArray) return list(value, node.first_items);
    ASSERT(node.items == kNoSchema || schema_.draft() == Draft::k07);
    return schema(value, node.items);
  }
  // Of arrays alone, and their `items` stands elsewhere then.
  bool read_additional_items(SchemaNode& node, const ValueView& value) {
    uint32_t rest = kNoSchema;
    if (!schema(value, rest)) return false;
    const auto items = current_.member("items");
    ASSERT(rest != kNoSchema);
    if (items && items->type() == TokenType::kArray) node.items = rest;
    return true;
  }
  bool read_unique(SchemaNode& node, const ValueView& value) {
    node.unique_items = value.type() == TokenType::kTrue;
    return node.unique_items || value.type() == TokenType::kFalse || fail_expected("a boolean", value);
  }
  bool read_pattern_properties(SchemaNode& node, const ValueView& value) {
    NamedSchemas schemas;
    if (!map(value, schemas)) return false;
    for (const auto& [source, index] : schemas) {
      node.pattern_properties.push_back({source, nullptr, index});
      if (!pattern(source, node.pattern_properties.back().pattern)) return false;
    }
    ASSERT(node.pattern_properties.size() == schemas.size());
    return true;
  }
  bool read_dependent_required(SchemaNode& node, const ValueView& value) {
    return each_member(value, [&](const std::string& name, const ValueView& names) {
      node.dependent_required.push_back({name, {}});
      return strings(names, node.dependent_required.back().required);
    });
  }
  bool read_dependencies(SchemaNode& node, const ValueView& value) {
    std::map<std::string, uint32_t> schemas;
    const bool good = each_member(value, [&](const std::string& name, const ValueView& dependency) {
      if (dependency.type() != TokenType::kArray) return schema(dependency, schemas[name]);
      node.dependent_required.push_back({name, {}});
      return strings(dependency, node.dependent_required.back().required);
    });
    node.dependent_schemas.assign(schemas.begin(), schemas.end());
    return good;
  }
  template <class Taker>
  bool each_member(const ValueView& object, const Taker& take) {
    if (object.type() != TokenType::kObject) return fail_expected("an object", object);
    std::string scratch;
    for (ValueView key = object.first_child(); !key.at_end_of(object);) {
      const ValueView value = key.next();
      ASSERT(key.type() == TokenType::kKey);
      if (!take(std::string(key.string(scratch)), value)) return false;
      key = value.next();
    }
    return true;
  }

  // Keywords that only put what they hold into a member of the node.
  template <auto member>
  bool into(SchemaNode& node, const ValueView& value) {
    return read_into(value, node.*member);
  }
  bool read_into(const ValueView& value, uint32_t& out) { return schema(value, out); }
  bool read_into(const ValueView& value, std::vector<uint32_t>& out) { return list(value, out); }
  bool read_into(const ValueView& value, NamedSchemas& out) { return map(value, out); }
  bool read_into(const ValueView& value, SchemaNumber& out) { return number(value, out); }
  bool read_into(const ValueView& value, uint64_t& out) { return bound(value, out); }
  bool read_into(const ValueView& value, std::vector<std::string>& out) { return strings(value, out); }

  static const Keyword kKeywords[];
  static const Keyword* find_keyword(std::string_view name);

  Schema& schema_;
  ValueView root_;
  SchemaReferences references_;
  std::map<uint32_t, uint32_t> reached_;  // node by token
  std::deque<Waiting> waiting_;
  // The schema that is compiled.
  ValueView current_ = root_;
  uint32_t resource_ = 0;
  std::string place_;
  std::string keyword_ = "$schema";
  std::string problem_;
};

const SchemaCompiler::Keyword SchemaCompiler::kKeywords[] = {
    {"$dynamicRef", &SchemaCompiler::read_dynamic_reference, kSaysAny, kNew},
    {"$ref", &SchemaCompiler::read_reference, kSaysAny, kBoth},
    {"additionalItems", &SchemaCompiler::read_additional_items, kSaysArray, kOld},
    {"additionalProperties", &SchemaCompiler::into<&SchemaNode::additional_properties>, kSaysObject, kBoth},
    {"allOf", &SchemaCompiler::into<&SchemaNode::all_of>, kSaysAny, kBoth},
    {"anyOf", &SchemaCompiler::into<&SchemaNode::any_of>, kSaysAny, kBoth},
    {"const", &SchemaCompiler::read_constant, kSaysAny, kBoth},
    {"contains", &SchemaCompiler::into<&SchemaNode::contained>, kSaysArray, kBoth},
    {"dependencies", &SchemaCompiler::read_dependencies, kSaysObject, kOld},
    {"dependentRequired", &SchemaCompiler::read_dependent_required, kSaysObject, kNew},
    {"dependentSchemas", &SchemaCompiler::into<&SchemaNode::dependent_schemas>, kSaysObject, kNew},
    {"else", &SchemaCompiler::into<&SchemaNode::alternative>, kSaysAny, kBoth},
    {"enum", &SchemaCompiler::read_enumeration, kSaysAny, kBoth},
    {"exclusiveMaximum", &SchemaCompiler::into<&SchemaNode::below>, kSaysNumber, kBoth},
    {"exclusiveMinimum", &SchemaCompiler::into<&SchemaNode::above>, kSaysNumber, kBoth},
    {"format", &SchemaCompiler::read_format, kSaysString, kBoth},
    {"if", &SchemaCompiler::into<&SchemaNode::condition>, kSaysAny, kBoth},
    {"items", &SchemaCompiler::read_items, kSaysArray, kBoth},
    {"maxContains", &SchemaCompiler::into<&SchemaNode::most_contained>, kSaysArray, kNew},
    {"maxItems", &SchemaCompiler::into<&SchemaNode::most_items>, kSaysArray, kBoth},
    {"maxLength", &SchemaCompiler::into<&SchemaNode::most_length>, kSaysString, kBoth},
    {"maxProperties", &SchemaCompiler::into<&SchemaNode::most_members>, kSaysObject, kBoth},
    {"maximum", &SchemaCompiler::into<&SchemaNode::maximum>, kSaysNumber, kBoth},
    {"minContains", &SchemaCompiler::into<&SchemaNode::least_contained>, kSaysArray, kNew},
    {"minItems", &SchemaCompiler::into<&SchemaNode::least_items>, kSaysArray, kBoth},
    {"minLength", &SchemaCompiler::into<&SchemaNode::least_length>, kSaysString, kBoth},
    {"minProperties", &SchemaCompiler::into<&SchemaNode::least_members>, kSaysObject, kBoth},
    {"minimum", &SchemaCompiler::into<&SchemaNode::minimum>, kSaysNumber, kBoth},
    {"multipleOf", &SchemaCompiler::read_multiple, kSaysNumber, kBoth},
    {"not", &SchemaCompiler::into<&SchemaNode::negated>, kSaysAny, kBoth},
    {"oneOf", &SchemaCompiler::into<&SchemaNode::one_of>, kSaysAny, kBoth},
    {"pattern", &SchemaCompiler::read_pattern, kSaysString, kBoth},
    {"patternProperties", &SchemaCompiler::read_pattern_properties, kSaysObject, kBoth},
    {"prefixItems", &SchemaCompiler::into<&SchemaNode::first_items>, kSaysArray, kNew},
    {"properties", &SchemaCompiler::into<&SchemaNode::properties>, kSaysObject, kBoth},
    {"propertyNames", &SchemaCompiler::into<&SchemaNode::property_names>, kSaysObject, kBoth},
    {"required", &SchemaCompiler::into<&SchemaNode::required>, kSaysObject, kBoth},
    {"then", &SchemaCompiler::into<&SchemaNode::consequence>, kSaysAny, kBoth},
    {"type", &SchemaCompiler::read_type, kSaysAny, kBoth},
    {"unevaluatedItems", &SchemaCompiler::into<&SchemaNode::unevaluated_items>, kSaysArray, kNew},
    {"unevaluatedProperties", &SchemaCompiler::into<&SchemaNode::unevaluated_properties>, kSaysObject, kNew},
    {"uniqueItems", &SchemaCompiler::read_unique, kSaysArray, kBoth},
};

const SchemaCompiler::Keyword* SchemaCompiler::find_keyword(std::string_view name) {
  const Keyword* const found = std::lower_bound(std::begin(kKeywords), std::end(kKeywords), name,
                                                [](const Keyword& k, std::string_view n) { return k.name < n; });
  ASSERT(std::size(kKeywords) > 0);
  return found != std::end(kKeywords) && found->name == name ? found : nullptr;
}

// Of a repeated keyword the last counts, as everywhere; beside a `$ref` nothing does in draft-07.
bool SchemaCompiler::compile_keyword(SchemaNode& node, const ValueView& schema, const Keyword& keyword,
                                     const ValueView& value) {
  ASSERT(keyword.reader != nullptr);
  if ((keyword.drafts & static_cast<uint8_t>(schema_.draft())) == 0) {
    pass_over(keyword.name, kForeign);
    return true;
  }
  if (schema_.draft() == Draft::k07 && keyword.name != "$ref" && schema.member("$ref")) {
    if (says_something(keyword.name)) pass_over(keyword.name, "beside a $ref it says nothing");
    return true;
  }
  const bool repeated = (schema.token().flags & kTokenDuplicateKeys) != 0;
  if (repeated && schema.member(keyword.name)->index() != value.index()) return true;
  keyword_ = keyword.name;
  node.groups |= keyword.groups;
  return (this->*keyword.reader)(node, value);
}

bool SchemaCompiler::compile(const Waiting& waiting) {
  const ValueView schema = at(waiting.token);
  ASSERT(schema.type() == TokenType::kObject);
  SchemaNode node = std::move(schema_.nodes_[waiting.node]);
  resource_ = node.resource;
  current_ = schema;
  place_ = node.place;
  std::string scratch;
  for (ValueView key = schema.first_child(); !key.at_end_of(schema);) {
    const ValueView value = key.next();
    const std::string_view name = key.string(scratch);
    const Keyword* const keyword = find_keyword(name);
    if (keyword == nullptr && is_foreign_keyword(name)) pass_over(name, kForeign);
    key = value.next();
    if (keyword != nullptr && !compile_keyword(node, schema, *keyword, value)) return false;
  }
  schema_.nodes_[waiting.node] = std::move(node);
  return true;
}

// "integer" is a type of its own here: a number whose value has no fraction.
bool SchemaCompiler::read_type(SchemaNode& node, const ValueView& value) {
  static constexpr std::pair<std::string_view, uint8_t> kNames[] = {
      {"null", kTypeNull},     {"boolean", kTypeBoolean}, {"integer", kTypeInteger}, {"number", kTypeNumber},
      {"string", kTypeString}, {"array", kTypeArray},     {"object", kTypeObject}};
  std::vector<std::string> names(1);
  if (value.type() == TokenType::kArray) names.clear();
  if (!(names.empty() ? strings(value, names) : text(value, names[0]))) return false;
  ASSERT(node.types == 0);
  for (const std::string& name : names) {
    const auto* const found =
        std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& row) { return row.first == name; });
    if (found == std::end(kNames))
      return fail("unknown type; there are array, boolean, integer, null, number, object and string");
    node.types |= found->second;
  }
  return node.types != 0 || fail_expected("a type", value);
}

// Formats that are not known here say something to others.
bool SchemaCompiler::read_format(SchemaNode& node, const ValueView& value) {
  static constexpr std::pair<std::string_view, SchemaFormat> kFormats[] = {
      {"date", SchemaFormat::kDate}, {"date-time", SchemaFormat::kDateTime}, {"email", SchemaFormat::kEmail},
      {"ipv4", SchemaFormat::kIpv4}, {"ipv6", SchemaFormat::kIpv6},          {"time", SchemaFormat::kTime},
      {"uri", SchemaFormat::kUri},   {"uuid", SchemaFormat::kUuid}};
  std::string name;
  if (!text(value, name)) return false;
  ASSERT(node.format == SchemaFormat::kNone);
  for (const auto& [known, format] : kFormats) {
    if (known == name) node.format = format;
  }
  return true;
}

// The text is kept: constants and enumerations are views into it.
std::unique_ptr<const Schema> Schema::create(std::string_view text, std::string& problem) {
  auto made = std::make_unique<Schema>();
  Result<json::Document> document = json::parse(text, "schema");
  if (!document) {
    problem = "a schema that is no JSON, or nested too deep";
    return nullptr;
  }
  made->document_ = std::move(*document);
  made->source_ = {made->document_.text.data(), made->document_.tape.data()};
  const ValueView root(made->source_.text, made->source_.root, 0);
  if (!read_draft(root, made->draft_)) {
    problem = "$schema: expected draft 2020-12 or draft-07, got " + std::string(root.member("$schema")->raw());
    return nullptr;
  }
  SchemaCompiler compiler(*made);
  if (compiler.run()) return made;
  ASSERT(!compiler.problem().empty());
  problem = compiler.problem();
  return nullptr;
}

size_t Schema::bytes() const {
  size_t bytes = document_.text.size() + document_.tape.size() * sizeof(TapeToken);
  for (const SchemaNode& node : nodes_) {
    bytes += sizeof node + node.place.size();
    bytes += (node.properties.size() + node.required.size()) * sizeof node.properties[0];
    if (node.pattern != nullptr) bytes += node.pattern->bytes();
    for (const PatternSchema& pattern : node.pattern_properties) bytes += pattern.pattern->bytes();
  }
  ASSERT(bytes > 0);
  return bytes;
}

// There are hardly more than a handful of them.
uint32_t Schema::dynamic_anchor(uint32_t resource, std::string_view anchor) const {
  ASSERT(!anchor.empty());
  for (const DynamicAnchor& known : dynamic_anchors_) {
    if (known.resource == resource && known.name == anchor) return known.schema;
  }
  return kNoSchema;
}

}  // namespace colloquium::computo::ops
