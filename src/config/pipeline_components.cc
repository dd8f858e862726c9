#include "config/pipeline_components.h"

#include <algorithm>
#include <map>

#include "config/ai_section.h"
#include "config/ai_spec.h"
#include "config/pipeline_spec.h"
#include "config/problems.h"

namespace colloquium::config {
namespace {

using Kind = ConfigNode::Kind;

// Whether a ${…} failed somewhere in it: the settings read are then not those that were meant.
bool has_unresolved(const ConfigNode& node) {
  const auto in_item = [](const ConfigNode& item) { return has_unresolved(item); };
  const auto in_member = [](const ConfigNode::Member& member) { return has_unresolved(member.value); };
  return node.unresolved || std::any_of(node.items.begin(), node.items.end(), in_item) ||
         std::any_of(node.members.begin(), node.members.end(), in_member);
}

// Reads the entries of one list. A class, because every step needs the section, the registry and the problems.
class SectionReader {
 public:
  SectionReader(ComponentKind kind, const ComponentRegistry& registry, const std::string& base_dir,
                ConfigProblems& problems)
      : section_(section_spec(kind)), registry_(registry), base_dir_(base_dir), problems_(problems) {}

  // Empty lists are the caller's matter: stages may be absent, sources and sinks may not.
  std::vector<ComponentConfig> read(const ConfigNode& list) {
    if (list.unresolved) return {};
    if (list.kind != Kind::kList && list.kind != Kind::kNull) {
      add_error(problems_, list.mark,
                std::string(section_.key) + " must be a list, " + found(list) + "; begin each entry with '- '");
    }
    for (size_t i = 0; i < list.items.size(); ++i) {
      path_ = std::string(section_.key) + "[" + std::to_string(i) + "]";
      read_entry(list.items[i]);
    }
    name_the_others();
    return std::move(components_);
  }

 private:
  std::string kind_name() const { return std::string(to_string(section_.kind)); }

  void error(const ConfigMark& mark, std::string message) { add_error(problems_, mark, std::move(message)); }

  // The other keys are read even where the kind is wrong: a second problem in the same entry is told in the same
  // run.
  void read_entry(const ConfigNode& entry) {
    if (entry.unresolved) return;
    if (entry.kind != Kind::kMap) {
      const bool known = entry.kind == Kind::kString && registry_.find(section_.kind, entry.text) != nullptr;
      error(entry.mark, path_ + " must be a map, " + found(entry) +
                            (known ? "; write '" + entry.text + ": {}'" : ", such as 'name: …' and its kind"));
      return;
    }
    ComponentConfig component;
    component.mark = entry.mark;
    const ConfigNode::Member* kind = find_kind(entry, component.descriptor);
    read_extras(entry, component);
    if (kind == nullptr) return;
    component.settings = kind->value;
    component.kind_mark = kind->mark;
    parse(component);
    components_.push_back(std::move(component));
  }

  // Keys that belong to every entry of the section.
  bool is_extra(const std::string& key) const {
    const auto& fields = section_.entry.fields;
    return std::any_of(fields.begin(), fields.end(), [&](const FieldSpec& f) { return f.name == key; });
  }

  // The one key that names a component; reports what else there is.
  const ConfigNode::Member* find_kind(const ConfigNode& entry, const Descriptor*& descriptor) {
    const ConfigNode::Member* kind = nullptr;
    std::vector<const ConfigNode::Member*> unknown;
    for (const ConfigNode::Member& member : entry.members) {
      if (is_extra(member.key)) continue;
      const Descriptor* candidate = registry_.find(section_.kind, member.key);
      if (candidate == nullptr) {
        unknown.push_back(&member);
      } else if (kind != nullptr) {
        error(member.mark, path_ + " is already a " + quoted(kind->key) + " " + kind_name() + "; give " +
                               quoted(member.key) + " an entry of its own");
      } else {
        kind = &member;
        descriptor = candidate;
      }
    }
    for (const ConfigNode::Member* member : unknown) report_unknown(*member, kind);
    if (kind == nullptr && unknown.empty()) {
      error(entry.mark, path_ + " does not say what it is; known " + kind_name() + "s: " + kinds_text());
    }
    return kind;
  }

  std::string kinds_text() const {
    const std::vector<std::string> names = registry_.names(section_.kind);
    return names.empty() ? "none" : alternatives(names);
  }

  // With a kind beside it the key is a stray one; without, it was probably meant to be the kind, maybe one that
  // belongs in another list.
  void report_unknown(const ConfigNode::Member& member, const ConfigNode::Member* kind) {
    std::vector<std::string> candidates;
    for (const FieldSpec& field : section_.entry.fields) candidates.push_back(field.name);
    if (kind != nullptr) {
      error(member.mark,
            "unknown key " + quoted(member.key) + " in " + path_ + suggestion_or_known(member.key, candidates));
      return;
    }
    for (ComponentKind other : kSections) {
      if (registry_.find(other, member.key) == nullptr) continue;
      error(member.mark, quoted(member.key) + " is a " + std::string(to_string(other)) + ", not a " + kind_name() +
                             "; put it under '" + std::string(section_spec(other).key) + "'");
      return;
    }
    const std::vector<std::string> names = registry_.names(section_.kind);
    candidates.insert(candidates.end(), names.begin(), names.end());
    const std::string meant = suggestion(member.key, candidates);
    error(member.mark, "unknown " + kind_name() + " " + quoted(member.key) +
                           (meant.empty() ? "; known: " + kinds_text() : meant));
  }

  static std::string suggestion_or_known(const std::string& key, const std::vector<std::string>& candidates) {
    const std::string meant = suggestion(key, candidates);
    return meant.empty() ? "; beside its kind it may have " + alternatives(candidates) : meant;
  }

  // when and dedupe are looked for only where they mean something; elsewhere find_kind has refused them.
  void read_extras(const ConfigNode& entry, ComponentConfig& component) {
    if (const ConfigNode* name = entry.find("name")) read_name(*name, component);
    if (const ConfigNode* when = entry.find("when"); when && section_.kind == ComponentKind::kSink) {
      if (auto read = read_expression(*when, path_ + ".when", {}, problems_)) component.when = *std::move(read);
    }
    if (const ConfigNode* errors = entry.find("errors")) read_errors(*errors, component);
    if (const ConfigNode* lag = entry.find("max_lag"); lag && section_.kind == ComponentKind::kSink) {
      read_max_lag(*lag, component);
    }
    if (const ConfigNode* route = entry.find("route"); route && section_.kind == ComponentKind::kSink) {
      read_route(*route, component);
    }
    if (section_.kind == ComponentKind::kProvider) read_provider(entry, component.provider);
    if (const ConfigNode* dedupe = entry.find("dedupe"); dedupe && section_.kind == ComponentKind::kSource) {
      component.dedupe = dedupe_spec().read(*dedupe, path_ + ".dedupe", problems_);
      component.dedupe->mark = dedupe->mark;
    }
  }

  // Its kind and its name are no settings that all providers may be told.
  void read_provider(const ConfigNode& entry, ProviderSettings& settings) {
    const ObjectSpec spec = provider_settings_spec().object();
    ConfigNode rest = entry;
    std::erase_if(rest.members, [&](const ConfigNode::Member& member) {
      return std::none_of(spec.fields.begin(), spec.fields.end(),
                          [&](const FieldSpec& field) { return field.name == member.key; });
    });
    read_object(rest, spec, path_, &settings, problems_);
    check_provider(rest, path_, settings, problems_);
  }

  // Whether there are such cases is the file reader's to see.
  void read_route(const ConfigNode& node, ComponentConfig& component) {
    component.route_mark = node.mark;
    if (node.unresolved) return;
    if (node.kind != Kind::kList || node.items.empty()) {
      error(node.mark, path_ + ".route must be a list of cases, such as [large], " + found(node));
      return;
    }
    for (const ConfigNode& item : node.items) {
      if (auto name = read_string(item, path_ + ".route", {.minimum = 1}, problems_)) {
        component.route.push_back(*std::move(name));
      }
    }
  }

  void read_max_lag(const ConfigNode& node, ComponentConfig& component) {
    const std::string path = path_ + ".max_lag";
    const size_t before = problems_.size();
    component.max_lag = ConfigObject<MaxLagConfig>::spec().read(node, path, problems_);
    component.max_lag->mark = node.mark;
    const bool empty = !component.max_lag->size && !component.max_lag->time;
    if (empty && problems_.size() == before)
      error(node.mark, path + " needs a size or a time, such as {time: 1h}");
  }

  void read_errors(const ConfigNode& node, ComponentConfig& component) {
    const std::string path = path_ + ".errors";
    if (section_.kind == ComponentKind::kStage) {
      const auto errors = ConfigObject<StageErrorsConfig>::spec().read(node, path, problems_);
      component.errors.then = errors.then;
      component.errors.to = errors.to;
    } else if (section_.kind == ComponentKind::kSink) {
      component.errors = ConfigObject<SinkErrorsConfig>::spec().read(node, path, problems_);
      const auto& retry = component.errors.retry;
      if (retry && retry->initial.ms > retry->max.ms) {
        error(node.mark, path + ".retry.initial must not be longer than " + path + ".retry.max");
      }
    }
    if (component.errors.to.empty()) return;
    if (component.errors.then) error(node.mark, path + " has a `then` and a `to`: an event goes one way");
  }

  // A name that is refused leaves the component unnamed, so that it still gets one by its kind and later checks
  // can speak of it.
  void read_name(const ConfigNode& node, ComponentConfig& component) {
    const auto name = read_string(node, path_ + ".name", {.minimum = 1}, problems_);
    if (!name) return;
    if (!is_valid_name(*name)) {
      error(node.mark, quoted(*name) + " is no name for a " + kind_name() + ": " + kNameRule);
      return;
    }
    const auto [it, is_new] = names_.emplace(*name, node.mark);
    if (!is_new) {
      error(node.mark, "two " + std::string(section_.key) + " are called " + quoted(*name) + "; the first is at " +
                           it->second.describe());
      return;
    }
    component.name = *name;
    component.named = true;
  }

  // A component's own check opens files and compiles scripts; with settings that are wrong in themselves it would
  // only add noise.
  void parse(ComponentConfig& component) {
    const size_t before = problems_.size();
    component.parsed = component.descriptor->parse(component.settings, problems_);
    const bool clean = std::none_of(problems_.begin() + static_cast<std::ptrdiff_t>(before), problems_.end(),
                                    [](const ConfigProblem& problem) { return !problem.warning; });
    if (!clean || has_unresolved(component.settings)) return;
    if (component.descriptor->check) component.descriptor->check(component.parsed, base_dir_, problems_);
  }

  // kind, kind-2, …, past the names that were given.
  void name_the_others() {
    for (ComponentConfig& component : components_) {
      if (component.named) continue;
      component.name = component.descriptor->name;
      for (int n = 2; !names_.emplace(component.name, component.mark).second; ++n) {
        component.name = component.descriptor->name + "-" + std::to_string(n);
      }
    }
  }

  const SectionSpec section_;
  const ComponentRegistry& registry_;
  const std::string& base_dir_;
  ConfigProblems& problems_;
  std::string path_;  // of the entry at hand
  std::vector<ComponentConfig> components_;
  // where each name was given, for the message about the second
  std::map<std::string, ConfigMark> names_;
};

}  // namespace

std::vector<ComponentConfig> read_components(const ConfigNode& list, ComponentKind kind,
                                             const ComponentRegistry& registry, const std::string& base_dir,
                                             ConfigProblems& problems) {
  return SectionReader(kind, registry, base_dir, problems).read(list);
}

}  // namespace colloquium::config
