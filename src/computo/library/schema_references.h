// Where the references of a JSON Schema lead: its resources, anchors and pointers. Used while one is compiled.
//
// Draft-07 has anchors in `$id` ("#name"), and ignores whatever stands beside a `$ref`.
// Thread safety: belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "computo/library/schema.h"
#include "json/view.h"

namespace colloquium::computo::ops {

// RFC 3986, section 5, for references without a fragment. An empty base leaves the reference as it is.
std::string resolve_uri(std::string_view base, std::string_view reference);

// How a keyword holds schemas. kEither: as a schema, or a list of them.
enum class Holds : uint8_t { kNothing, kSchema, kList, kEither, kMap };
Holds holds_schemas(std::string_view keyword, Draft draft);

class SchemaReferences {
 public:
  // Finds all schemas that have a name. Schemas nest as deep as the text, which the walk has bounded.
  SchemaReferences(const json::ValueView& root, Draft draft);

  struct Target {
    uint32_t token;
    uint32_t resource;
  };
  // Nothing if it leads nowhere. `dynamic` becomes the anchor if that is a $dynamicAnchor.
  std::optional<Target> find(std::string_view reference, uint32_t resource, std::string& dynamic) const;

  // The resource that a schema with an $id of its own is the root of, else `outer`.
  uint32_t resource_at(uint32_t token, uint32_t outer) const;

  struct Anchor {
    std::string name;
    uint32_t resource;
    uint32_t token;
    bool dynamic;
  };
  const std::vector<Anchor>& anchors() const { return anchors_; }

  // The JSON Pointer to a value.
  std::string place_of(uint32_t token) const;

 private:
  struct Resource {
    std::string uri;
    uint32_t token;
  };
  void visit(const json::ValueView& schema, uint32_t resource);
  void visit_all(const json::ValueView& schemas, uint32_t resource);
  // The resource the schema belongs to, after whatever names it says for itself are noted.
  uint32_t note_names(const json::ValueView& schema, uint32_t resource);
  std::optional<Target> by_pointer(std::string_view pointer, uint32_t resource) const;

  json::ValueView root_;
  Draft draft_;
  // Of each value: the token of the container, and of its key, or its index in an array.
  struct Spot {
    uint32_t container = 0;
    uint32_t position = 0;
  };
  void find_spots();

  std::vector<Spot> spots_;
  std::vector<Resource> resources_;
  std::unordered_map<uint32_t, uint32_t> resource_by_token_;
  std::vector<Anchor> anchors_;
};

}  // namespace colloquium::computo::ops
