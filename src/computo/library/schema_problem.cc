// What is right by the standard, and still not meant: keywords that say nothing in the schema's draft, and
// circles.

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "computo/json_schema.h"
#include "computo/library/schema.h"

namespace colloquium::computo {
namespace ops {
namespace {

// The schemas that are checked over the same value as the node's own.
std::vector<uint32_t> beside(const SchemaNode& node) {
  std::vector<uint32_t> all = {node.reference, node.dynamic.schema, node.negated,
                               node.condition, node.consequence,    node.alternative};
  for (const auto* list : {&node.all_of, &node.any_of, &node.one_of})
    all.insert(all.end(), list->begin(), list->end());
  for (const auto& [name, schema] : node.dependent_schemas) all.push_back(schema);
  all.erase(std::remove(all.begin(), all.end(), kNoSchema), all.end());
  return all;
}

// By depth first, without recursion: a schema may be as long a chain as its text lets it.
class Circles {
 public:
  explicit Circles(const Schema& schema) : schema_(schema), states_(schema.size(), State::kNew) {}

  // One of the nodes of a circle, or kNoSchema.
  uint32_t find() {
    for (uint32_t node = 0; node < states_.size(); ++node) {
      if (states_[node] == State::kNew && leads_round(node)) return found_;
    }
    return kNoSchema;
  }

 private:
  enum class State : uint8_t { kNew, kOpen, kDone };
  struct Step {
    uint32_t node;
    std::vector<uint32_t> next;
  };

  void open(uint32_t node) {
    ASSERT(states_[node] == State::kNew);
    states_[node] = State::kOpen;
    way_.push_back({node, beside(schema_.node(node))});
  }

  bool leads_round(uint32_t from) {
    open(from);
    while (!way_.empty()) {
      Step& step = way_.back();
      if (step.next.empty()) {
        states_[step.node] = State::kDone;
        way_.pop_back();
        continue;
      }
      const uint32_t node = step.next.back();
      step.next.pop_back();
      found_ = node;
      if (states_[node] == State::kOpen) return true;
      if (states_[node] == State::kNew) open(node);
    }
    return false;
  }

  const Schema& schema_;
  std::vector<State> states_;
  std::vector<Step> way_;
  uint32_t found_ = kNoSchema;
};

}  // namespace

// Keywords of other drafts than 2020-12 and 07, and of OpenAPI 3.0, that would let pass what they are to refuse,
// or the other way round.
bool is_foreign_keyword(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kForeign = {
      "$recursiveRef", "disallow", "divisibleBy", "extends", "nullable", "propertyDependencies"};
  ASSERT(!kForeign.empty());
  return std::find(kForeign.begin(), kForeign.end(), name) != kForeign.end();
}

}  // namespace ops

std::string schema_problem(std::string_view text) {
  std::string problem;
  const auto schema = ops::Schema::create(text, problem);
  ASSERT((schema == nullptr) == !problem.empty());
  if (schema == nullptr) return problem;
  if (!schema->passed_over().empty()) return schema->passed_over();
  const uint32_t circle = ops::Circles(*schema).find();
  if (circle == ops::kNoSchema) return {};
  return "the schema at \"" + schema->node(circle).place + "\" leads to itself without going on in the value";
}

}  // namespace colloquium::computo
