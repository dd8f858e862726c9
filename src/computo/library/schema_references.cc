#include "computo/library/schema_references.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/library/bytes.h"
#include "computo/pointer.h"

namespace colloquium::computo::ops {

namespace {

using json::ValueView;

// The end of "scheme:", 0 if there is none.
size_t scheme_size(std::string_view uri) {
  const size_t colon = uri.find_first_of(":/?#");
  if (colon == 0 || colon == std::string_view::npos || uri[colon] != ':') return 0;
  ASSERT(colon < uri.size());
  return colon + 1;
}

// Behind the authority, where the path begins.
size_t path_begin(std::string_view uri) {
  const size_t scheme = scheme_size(uri);
  if (!uri.substr(scheme).starts_with("//")) return scheme;
  const size_t slash = uri.find('/', scheme + 2);
  ASSERT(slash != 0);
  return std::min(slash, uri.size());
}

// The path without "." and "..".
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    const std::string_view name = segment.substr(segment[0] == '/' ? 1 : 0);
    if (name == "..") {
      const size_t slash = out.rfind('/');
      out.erase(slash == std::string::npos ? 0 : slash);
    }
    if (name != "." && name != "..") out += segment;
    if ((name == "." || name == "..") && path.empty()) out += '/';
  }
  ASSERT(out.find("/../") == std::string::npos);
  return out;
}

std::string_view without_fragment(std::string_view uri) {
  return uri.substr(0, std::min(uri.find('#'), uri.size()));
}

// A fragment without percent-encoding.
std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() && text[i] == '%' ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
    } else {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  ASSERT(out.size() <= text.size());
  return out;
}

std::optional<std::string> text_member(const ValueView& schema, std::string_view name) {
  const auto member = schema.member(name);
  if (!member || member->type() != TokenType::kString) return std::nullopt;
  std::string scratch;
  return std::string(member->string(scratch));
}

}  // namespace

// Only what schemas need: bases without a path of their own (urn:) take no relative references.
std::string resolve_uri(std::string_view base, std::string_view reference) {
  const size_t own_scheme = scheme_size(reference);
  if (own_scheme > 0 || base.empty()) return std::string(reference);
  if (reference.empty()) return std::string(base);
  if (reference.starts_with("//")) return std::string(base.substr(0, scheme_size(base))) + std::string(reference);
  const size_t begin = path_begin(base);
  ASSERT(begin <= base.size());
  const std::string_view root = base.substr(0, begin);
  if (reference[0] == '/') return std::string(root) + without_dots(reference);
  const std::string_view path = base.substr(begin);
  const size_t slash = path.rfind('/');
  std::string merged(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash + 1));
  // Under an authority a path begins with a slash; a urn has none.
  if (merged.empty() && root.ends_with('/') == false && root.find("//") != std::string_view::npos) merged = "/";
  return std::string(root) + without_dots(merged + std::string(reference));
}

Holds holds_schemas(std::string_view keyword, Draft draft) {
  constexpr auto kBoth =
      static_cast<uint8_t>(static_cast<uint8_t>(Draft::k2020) | static_cast<uint8_t>(Draft::k07));
  constexpr auto kNew = static_cast<uint8_t>(Draft::k2020);
  constexpr auto kOld = static_cast<uint8_t>(Draft::k07);
  struct Row {
    std::string_view keyword;
    Holds holds;
    uint8_t drafts;
  };
  static constexpr Row kRows[] = {
      {"$defs", Holds::kMap, kNew},
      {"additionalItems", Holds::kSchema, kOld},
      {"additionalProperties", Holds::kSchema, kBoth},
      {"allOf", Holds::kList, kBoth},
      {"anyOf", Holds::kList, kBoth},
      {"contains", Holds::kSchema, kBoth},
      {"contentSchema", Holds::kSchema, kNew},
      {"definitions", Holds::kMap, kBoth},
      {"dependencies", Holds::kMap, kOld},
      {"dependentSchemas", Holds::kMap, kNew},
      {"else", Holds::kSchema, kBoth},
      {"if", Holds::kSchema, kBoth},
      {"items", Holds::kEither, kBoth},
      {"not", Holds::kSchema, kBoth},
      {"oneOf", Holds::kList, kBoth},
      {"patternProperties", Holds::kMap, kBoth},
      {"prefixItems", Holds::kList, kNew},
      {"properties", Holds::kMap, kBoth},
      {"propertyNames", Holds::kSchema, kBoth},
      {"then", Holds::kSchema, kBoth},
      {"unevaluatedItems", Holds::kSchema, kNew},
      {"unevaluatedProperties", Holds::kSchema, kNew},
  };
  const Row* const row = std::lower_bound(std::begin(kRows), std::end(kRows), keyword,
                                          [](const Row& r, std::string_view k) { return r.keyword < k; });
  ASSERT(draft == Draft::k2020 || draft == Draft::k07);
  if (row == std::end(kRows) || row->keyword != keyword) return Holds::kNothing;
  return (row->drafts & static_cast<uint8_t>(draft)) != 0 ? row->holds : Holds::kNothing;
}

SchemaReferences::SchemaReferences(const ValueView& root, Draft draft) : root_(root), draft_(draft) {
  resources_.push_back({"", root.index()});
  resource_by_token_.emplace(root.index(), 0);
  find_spots();
  visit(root, 0);
  ASSERT(!resources_.empty());
}

// An $id beside a $ref is none in draft-07, where nothing beside a $ref counts.
uint32_t SchemaReferences::note_names(const ValueView& schema, uint32_t resource) {
  ASSERT(resource < resources_.size());
  const bool old = draft_ == Draft::k07;
  auto id = text_member(schema, "$id");
  if (old && schema.member("$ref")) id.reset();
  if (id) {
    const std::string_view address = without_fragment(*id);
    if (schema.index() == root_.index()) {
      resources_[0].uri = address;
    } else if (!address.empty()) {
      resources_.push_back({resolve_uri(resources_[resource].uri, address), schema.index()});
      resource = static_cast<uint32_t>(resources_.size() - 1);
      resource_by_token_.emplace(schema.index(), resource);
    }
    if (old && address.size() + 1 < id->size()) {
      anchors_.push_back({id->substr(address.size() + 1), resource, schema.index(), false});
    }
  }
  if (old) return resource;
  for (const bool dynamic : {false, true}) {
    if (const auto anchor = text_member(schema, dynamic ? "$dynamicAnchor" : "$anchor")) {
      anchors_.push_back({*anchor, resource, schema.index(), dynamic});
    }
  }
  return resource;
}

void SchemaReferences::visit_all(const ValueView& schemas, uint32_t resource) {
  ASSERT(schemas.type() == TokenType::kArray || schemas.type() == TokenType::kObject);
  for (ValueView child = schemas.first_child(); !child.at_end_of(schemas); child = child.next()) {
    if (child.type() != TokenType::kKey) visit(child, resource);
  }
}

// Only where keywords hold schemas: an $id anywhere else is data.
void SchemaReferences::visit(const ValueView& schema, uint32_t resource) {
  if (schema.type() != TokenType::kObject) return;
  resource = note_names(schema, resource);
  ASSERT(resource < resources_.size());
  std::string scratch;
  for (ValueView key = schema.first_child(); !key.at_end_of(schema);) {
    const ValueView value = key.next();
    const Holds holds = holds_schemas(key.string(scratch), draft_);
    key = value.next();
    const bool lists = holds == Holds::kList || holds == Holds::kEither;
    if (holds == Holds::kSchema || holds == Holds::kEither) visit(value, resource);
    if (lists && value.type() == TokenType::kArray) visit_all(value, resource);
    if (holds == Holds::kMap && value.type() == TokenType::kObject) visit_all(value, resource);
  }
}

// One pass over all tokens, so that no schema is large enough to make this slow.
void SchemaReferences::find_spots() {
  spots_.resize(root_.token().next);
  for (uint32_t token = 0; token < spots_.size(); ++token) {
    const ValueView at(root_.text(), root_.root(), token);
    const bool object = at.type() == TokenType::kObject;
    if (!object && at.type() != TokenType::kArray) continue;
    uint32_t index = 0;
    for (ValueView child = at.first_child(); !child.at_end_of(at); child = child.next()) {
      const uint32_t key = child.index();
      if (object) child = child.next();
      spots_[child.index()] = {token, object ? key : index++};
    }
  }
  ASSERT(!spots_.empty());
}

// From the value up to the root, then written the other way round.
std::string SchemaReferences::place_of(uint32_t token) const {
  std::vector<uint32_t> way;
  for (; token != root_.index(); token = spots_[token].container) way.push_back(token);
  std::string place;
  std::string scratch;
  for (auto at = way.rbegin(); at != way.rend(); ++at) {
    const Spot& spot = spots_[*at];
    const ValueView container(root_.text(), root_.root(), spot.container);
    ASSERT(spot.container < *at);
    place += '/';
    if (container.type() == TokenType::kObject) {
      append_token(ValueView(root_.text(), root_.root(), spot.position).string(scratch), place);
    } else {
      place += std::to_string(spot.position);
    }
  }
  return place;
}

uint32_t SchemaReferences::resource_at(uint32_t token, uint32_t outer) const {
  ASSERT(outer < resources_.size());
  const auto known = resource_by_token_.find(token);
  return known == resource_by_token_.end() ? outer : known->second;
}

std::optional<SchemaReferences::Target> SchemaReferences::by_pointer(std::string_view pointer,
                                                                     uint32_t resource) const {
  Steps steps;
  if (!split_pointer(pointer, steps)) return std::nullopt;
  ASSERT(resource < resources_.size());
  ValueView at(root_.text(), root_.root(), resources_[resource].token);
  for (const Step& step : steps) {
    std::optional<ValueView> next;
    if (at.type() == TokenType::kObject) next = at.member(step.key);
    if (at.type() == TokenType::kArray && step.index != kNoIndex) next = at.element(step.index);
    if (!next) return std::nullopt;
    at = *next;
    resource = resource_at(at.index(), resource);
  }
  return Target{at.index(), resource};
}

std::optional<SchemaReferences::Target> SchemaReferences::find(std::string_view reference, uint32_t resource,
                                                               std::string& dynamic) const {
  dynamic.clear();
  ASSERT(resource < resources_.size());
  const std::string_view address = without_fragment(reference);
  if (!address.empty()) {
    const std::string uri = resolve_uri(resources_[resource].uri, address);
    const auto found =
        std::find_if(resources_.begin(), resources_.end(), [&](const Resource& r) { return r.uri == uri; });
    if (found == resources_.end()) return std::nullopt;
    resource = static_cast<uint32_t>(found - resources_.begin());
  }
  const bool has_fragment = address.size() + 1 < reference.size();
  const std::string fragment = has_fragment ? decoded(reference.substr(address.size() + 1)) : "";
  if (fragment.empty() || fragment[0] == '/') return by_pointer(fragment, resource);
  for (const Anchor& anchor : anchors_) {
    if (anchor.resource != resource || anchor.name != fragment) continue;
    if (anchor.dynamic) dynamic = anchor.name;
    return Target{anchor.token, resource};
  }
  return std::nullopt;
}

}  // namespace colloquium::computo::ops
