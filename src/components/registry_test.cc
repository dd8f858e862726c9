#include "components/registry.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "config/yaml.h"

namespace colloquium::components {
namespace {

TEST_CASE("every component is found by kind and name, and only so") {
  REQUIRE_FALSE(component_table().empty());
  std::set<std::pair<ComponentKind, std::string>> seen;
  for (const Descriptor* descriptor : component_table()) {
    INFO(descriptor->name);
    CHECK(seen.emplace(descriptor->kind, descriptor->name).second);
    CHECK(find_component(descriptor->kind, descriptor->name) == descriptor);
    const auto names = component_names(descriptor->kind);
    CHECK(std::find(names.begin(), names.end(), descriptor->name) != names.end());
    CHECK(std::is_sorted(names.begin(), names.end()));
  }
  CHECK(find_component(ComponentKind::kSource, "no such thing") == nullptr);
}

TEST_CASE("every descriptor is complete and can be created by its kind alone") {
  for (const Descriptor* descriptor : component_table()) {
    INFO(descriptor->name);
    CHECK_FALSE(descriptor->summary.empty());
    CHECK_FALSE(descriptor->description.empty());
    CHECK_FALSE(descriptor->input_trust.empty());
    CHECK_FALSE(descriptor->guarantee.empty());
    CHECK_FALSE(descriptor->examples.empty());
    REQUIRE(descriptor->parse);
    CHECK(static_cast<bool>(descriptor->create_source) == (descriptor->kind == ComponentKind::kSource));
    CHECK(static_cast<bool>(descriptor->source_traits) == (descriptor->kind == ComponentKind::kSource));
    CHECK(static_cast<bool>(descriptor->create_sink) == (descriptor->kind == ComponentKind::kSink));
    CHECK(static_cast<bool>(descriptor->create_provider) == (descriptor->kind == ComponentKind::kProvider));
    const int stages = (descriptor->create_pure_stage ? 1 : 0) + (descriptor->create_async_stage ? 1 : 0);
    CHECK(stages == (descriptor->kind == ComponentKind::kStage ? 1 : 0));
  }
}

TEST_CASE("every documented example parses, and an unknown key in it does not") {
  for (const Descriptor* descriptor : component_table()) {
    for (const ComponentExample& example : descriptor->examples) {
      INFO(descriptor->name << ": " << example.title << "\n" << example.yaml);
      ConfigProblems problems;
      auto node = config::load_yaml(example.yaml, "example.yaml", problems);
      REQUIRE(node);
      const ConfigNode* settings = node->find(descriptor->name);
      REQUIRE(settings != nullptr);
      descriptor->parse(*settings, problems);
      for (const ConfigProblem& problem : problems) UNSCOPED_INFO(problem.describe());
      CHECK(problems.empty());
      if (settings->kind != ConfigNode::Kind::kMap) continue;
      ConfigNode changed = *settings;
      changed.members.push_back({"no such key", changed.mark, {}});
      descriptor->parse(changed, problems);
      CHECK(problems.size() == 1);
    }
  }
}

}  // namespace
}  // namespace colloquium::components
