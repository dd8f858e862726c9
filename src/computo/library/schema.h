// Schema: a JSON Schema of draft 2020-12 or draft-07, compiled once, and what its nodes hold.
//
// `$schema` says which draft; without it, it is 2020-12. References lead anywhere inside the schema: by pointer,
// by anchor, and by the $id of schemas embedded in it. What they lead to outside of it is a problem of the schema,
// as nothing is fetched; so is whatever has no meaning where it stands (a negative length, a pattern that RE2 does
// not know). Unknown keywords mean nothing. Source: https://json-schema.org/draft/2020-12,
// https://json-schema.org/draft-07 Thread safety: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "computo/library/pattern.h"
#include "computo/prepared.h"
#include "computo/value.h"
#include "json/walk.h"

namespace colloquium::computo::ops {

inline constexpr uint32_t kNoSchema = UINT32_MAX;
inline constexpr uint64_t kNoBound = UINT64_MAX;

// Bits of SchemaNode::types.
enum SchemaType : uint8_t {
  kTypeNull = 1,
  kTypeBoolean = 2,
  kTypeInteger = 4,
  kTypeNumber = 8,
  kTypeString = 16,
  kTypeArray = 32,
  kTypeObject = 64,
};

// A number of a schema, and whether the keyword is there.
struct SchemaNumber {
  bool given = false;
  Value number;
};

// The formats that can be asserted; of all others nothing is said.
enum class SchemaFormat : uint8_t { kNone, kDate, kDateTime, kEmail, kIpv4, kIpv6, kTime, kUri, kUuid };

enum class Draft : uint8_t { k2020 = 1, k07 = 2 };

// Bits of SchemaNode::groups: what the node says anything about.
enum SchemaGroup : uint8_t {
  kSaysAny = 1,
  kSaysNumber = 2,
  kSaysString = 4,
  kSaysArray = 8,
  kSaysObject = 16,
};

struct PatternSchema {
  std::string source;
  std::unique_ptr<const Pattern> pattern;
  uint32_t schema;
};

struct DependentNames {
  std::string name;
  std::vector<std::string> required;
};

using NamedSchemas = std::vector<std::pair<std::string, uint32_t>>;  // in byte order of the names

// Of `dynamic_ref`: where it leads if no schema on the way here has the anchor, and that anchor.
struct DynamicReference {
  uint32_t schema = kNoSchema;
  std::string anchor;  // empty: it is an ordinary reference
};

// One schema: everything its keywords say. Schemas are indexes of Schema::nodes, kNoSchema without the keyword.
struct SchemaNode {
  bool never = false;  // the schema `false`
  uint8_t groups = 0;  // 0: it allows everything
  uint8_t types = 0;   // 0: any
  uint32_t resource = 0;
  std::string place;  // JSON Pointer to it in the schema's text

  // Any type.
  uint32_t reference = kNoSchema;
  DynamicReference dynamic;
  std::vector<uint32_t> all_of;
  std::vector<uint32_t> any_of;
  std::vector<uint32_t> one_of;
  uint32_t negated = kNoSchema;
  uint32_t condition = kNoSchema;
  uint32_t consequence = kNoSchema;
  uint32_t alternative = kNoSchema;
  std::optional<std::vector<Value>> enumeration;
  std::optional<Value> constant;

  // Numbers.
  SchemaNumber multiple_of, minimum, maximum, above, below;

  // Strings.
  uint64_t least_length = 0;
  uint64_t most_length = kNoBound;
  std::string pattern_source;
  std::unique_ptr<const Pattern> pattern;
  SchemaFormat format = SchemaFormat::kNone;

  // Arrays.
  std::vector<uint32_t> first_items;
  uint32_t items = kNoSchema;
  uint32_t contained = kNoSchema;
  uint64_t least_contained = 1;
  uint64_t most_contained = kNoBound;
  uint64_t least_items = 0;
  uint64_t most_items = kNoBound;
  bool unique_items = false;
  uint32_t unevaluated_items = kNoSchema;

  // Objects.
  NamedSchemas properties;
  std::vector<PatternSchema> pattern_properties;
  uint32_t additional_properties = kNoSchema;
  uint32_t property_names = kNoSchema;
  std::vector<std::string> required;
  std::vector<DependentNames> dependent_required;
  NamedSchemas dependent_schemas;
  uint64_t least_members = 0;
  uint64_t most_members = kNoBound;
  uint32_t unevaluated_properties = kNoSchema;
};

// schema_problem.cc: of a keyword that is known nowhere here, whether it says something elsewhere.
bool is_foreign_keyword(std::string_view name);

class Schema : public Prepared {
 public:
  static constexpr std::string_view kKind = "JSON schema";

  // Null if it is none: `problem` says what and where.
  static std::unique_ptr<const Schema> create(std::string_view text, std::string& problem);
  size_t bytes() const override;

  const SchemaNode& node(uint32_t index) const { return nodes_[index]; }
  uint32_t root() const { return 0; }
  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }
  // The first keyword that would say something in another draft, and says nothing here; empty: none.
  const std::string& passed_over() const { return passed_over_; }

  // The schema of a resource's dynamic anchor, or kNoSchema.
  uint32_t dynamic_anchor(uint32_t resource, std::string_view anchor) const;

  Draft draft() const { return draft_; }

 private:
  friend class SchemaCompiler;
  struct DynamicAnchor {
    uint32_t resource;
    std::string name;
    uint32_t schema;
  };

  json::Document document_;  // values of nodes view it
  Source source_;
  std::vector<SchemaNode> nodes_;
  std::vector<DynamicAnchor> dynamic_anchors_;
  std::string passed_over_;
  Draft draft_ = Draft::k2020;
};

}  // namespace colloquium::computo::ops
