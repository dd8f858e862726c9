#include "config/pipeline_config.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "config/ai_section.h"
#include "config/pipeline_components.h"
#include "config/pipeline_spec.h"
#include "config/problems.h"
#include "config/redact.h"
#include "config/yaml.h"

namespace colloquium::config {
namespace {

using Kind = ConfigNode::Kind;

constexpr std::pair<std::string_view, std::string_view> kLogNotYet[] = {
    {"kafka", "log.kafka is not supported by this version: the log is in the data directory; remove it"},
};

// Variables that scripts have from elsewhere.
constexpr std::string_view kReservedVariables[] = {
    "input", "inputs", "event_metadata", "stream_metadata", "pipeline_config", "window_data", "error"};

// In scripts these words are never names.
constexpr std::string_view kWordsOfScripts[] = {"let", "in",  "if",   "then",  "else", "and",
                                                "or",  "not", "true", "false", "null"};

// As most clients of Prometheus have it.
constexpr double kDefaultBuckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

// Names become folders of the data directory and labels of metrics: nothing that a file system or a URL would
// read otherwise.
bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

bool is_variable_name(const std::string& name) {
  const auto allowed = [](char c) { return is_name_character(c) && c != '.' && c != '-'; };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), allowed);
}

// "dir/orders.yaml" → "orders".
std::string stem(const std::string& file_name) {
  std::string name = file_name.substr(file_name.find_last_of('/') + 1);
  for (std::string_view ending : {".yaml", ".yml", ".json"}) {
    if (name.size() > ending.size() && std::string_view(name).substr(name.size() - ending.size()) == ending) {
      name.resize(name.size() - ending.size());
      break;
    }
  }
  return name;
}

// Reads the top level and hands the sections on. Every method adds its problems and goes on.
class FileReader {
 public:
  FileReader(const ConfigNode& root, const PipelineSurroundings& surroundings, ConfigProblems& problems)
      : root_(root), surroundings_(surroundings), problems_(problems) {}

  PipelineConfig read(const std::string& file_name) {
    config_.mark = root_.mark;
    config_.base_dir = surroundings_.base_dir;
    // taken out first, so that it is not an unknown key as well
    const ConfigNode rest = without_misplaced_ack();
    PipelineFile file = pipeline_file_spec().read(rest, "", problems_);
    read_name(file, file_name);
    read_log(file.log);
    config_.sources = components(file.sources, "sources", ComponentKind::kSource);
    check_windows();
    config_.stages = components(file.stages, "stages", ComponentKind::kStage);
    config_.sinks = components(file.sinks, "sinks", ComponentKind::kSink);
    config_.route = std::move(file.route);
    check_route();
    config_.commit = file.commit;
    read_ai_section(file.ai);
    read_errors(file.errors);
    read_context(std::move(file.context));
    read_metrics(std::move(file.metrics));
    config_.shown = masked();
    return std::move(config_);
  }

 private:
  void error(const ConfigMark& mark, std::string message) { add_error(problems_, mark, std::move(message)); }

  bool log_is_off() const {
    const ConfigNode* log = root_.find("log");
    return log != nullptr && log->kind == Kind::kString && log->text == "off";
  }

  // `ack` beside `log` is a likely slip, and with `log: off` the only place it could stand in.
  ConfigNode without_misplaced_ack() {
    ConfigNode rest = root_;
    const auto is_ack = [](const ConfigNode::Member& member) { return member.key == "ack"; };
    const auto it = std::find_if(rest.members.begin(), rest.members.end(), is_ack);
    if (it == rest.members.end()) return rest;
    const std::string value = it->value.kind == Kind::kString ? it->value.text : "…";
    error(it->mark, log_is_off() ? "ack: " + value +
                                       " cannot be kept with log: off, which stores nothing; remove "
                                       "one of the two"
                                 : "ack belongs in log: write 'log: {ack: " + value + "}'");
    rest.members.erase(it);
    return rest;
  }

  void read_name(const PipelineFile& file, const std::string& file_name) {
    const ConfigNode* given = root_.find("name");
    config_.name = given ? file.name : stem(file_name);
    const bool readable = !given || (given->kind == Kind::kString && !given->unresolved);
    if (!readable || is_valid_name(config_.name)) return;
    if (given) {
      error(given->mark, quoted(config_.name) + " is no name for a pipeline: " + kNameRule);
    } else {
      error(root_.mark, "missing key 'name': the file's name cannot serve (" + std::string(kNameRule) + ")");
    }
  }

  // `log: off` is no map, so LogConfig's spec never sees it.
  void read_log(const ConfigNode& node) {
    config_.log.mark = node.mark;
    config_.log.enabled = !log_is_off();
    if (!config_.log.enabled || node.unresolved) return;
    if (node.kind != Kind::kMap && node.kind != Kind::kNull) {
      error(node.mark, "log must be 'off' or a map, " + found(node));
      return;
    }
    ConfigNode rest = node;
    for (const auto& [key, message] : kLogNotYet) refuse(rest, key, message);
    config_.log = log_spec().read(rest, "log", problems_);
    config_.log.mark = node.mark;
    read_encryption(node.find("encryption"));
    constexpr int32_t kKeyedPartitions = 4;
    if (config_.log.partition_by && !node.find("partitions")) config_.log.partitions = kKeyedPartitions;
    if (const ConfigNode* retention = node.find("retention")) check_retention(*retention);
    if (const ConfigNode* compaction = node.find("compaction"); compaction && !config_.log.partition_by) {
      error(compaction->mark, "log.compaction needs log.partition_by, which gives events their keys");
    }
  }

  // What spans more than one key. A segment is the least that can be removed, and one is always being written.
  void check_retention(const ConfigNode& node) {
    const RetentionConfig& retention = config_.log.retention;
    if (node.kind == Kind::kMap && !node.find("time") && !node.find("size")) {
      error(node.mark, "log.retention needs time, size, or both: without them nothing is removed");
    }
    const int64_t least = kSmallestRetentionBytes * config_.log.partitions;
    if (retention.size.bytes < kSmallestRetentionBytes || retention.size.bytes >= least) return;
    error(node.find("size")->mark, "log.retention.size must be at least " + std::to_string(least >> 20) +
                                       "MiB for " + std::to_string(config_.log.partitions) +
                                       " partitions: each needs room for two segments");
  }

  // An id is remembered with its event, so the longer of the two counts.
  void check_windows() {
    const int64_t time_ms = config_.log.retention.time.ms;
    for (const ComponentConfig& source : config_.sources) {
      if (time_ms == 0 || !source.dedupe || source.dedupe->window.ms <= time_ms) continue;
      add_warning(problems_, source.dedupe->mark,
                  "the dedupe window of " + quoted(source.name) +
                      " is longer than log.retention.time: events are kept as long as the window");
    }
  }

  void read_encryption(const ConfigNode* node) {
    if (node == nullptr || !config_.log.encryption) return;
    const ConfigNode* file = node->find("key_file");
    const ConfigNode* key = node->find("key");
    if ((file == nullptr) == (key == nullptr)) {
      error(node->mark, "log.encryption needs either key_file or key");
      return;
    }
    config_.log.encryption->mark = file != nullptr ? file->mark : key->mark;
  }

  // A key that a later version will know is named as such, not called unknown: the file is not wrong, only early.
  void refuse(ConfigNode& map, std::string_view key, std::string_view message) {
    const auto it = std::find_if(map.members.begin(), map.members.end(),
                                 [&](const ConfigNode::Member& member) { return member.key == key; });
    if (it == map.members.end()) return;
    error(it->mark, std::string(message));
    map.members.erase(it);
  }

  // A missing section has been reported by the top level's spec; one that is there but empty is told here.
  std::vector<ComponentConfig> components(const ConfigNode& list, std::string_view key, ComponentKind kind) {
    const bool optional = kind == ComponentKind::kStage;
    const bool empty = list.items.empty() && (list.kind == Kind::kList || list.kind == Kind::kNull);
    if (empty && !optional && root_.find(key)) {
      error(list.mark, "a pipeline needs at least one " + std::string(to_string(kind)));
    }
    return read_components(list, kind, surroundings_.registry, config_.base_dir, problems_);
  }

  // Its providers are components, and are read first: the rest speaks of them.
  void read_ai_section(const ConfigNode& node) {
    if (root_.find("ai") == nullptr || node.unresolved) return;
    if (node.kind != Kind::kMap) {
      error(node.mark, "ai must be a map with providers, " + found(node));
      return;
    }
    const ConfigNode* list = node.find("providers");
    if (list != nullptr) {
      config_.providers =
          read_components(*list, ComponentKind::kProvider, surroundings_.registry, config_.base_dir, problems_);
      const bool empty = list->kind == Kind::kNull || (list->kind == Kind::kList && list->items.empty());
      if (empty) error(list->mark, "ai needs at least one provider");
    }
    config_.ai = read_ai(node, config_.providers, problems_);
  }

  // Where a value stands that was read by a nested spec, which keeps no places.
  const ConfigMark& mark_of(std::string_view section, std::string_view key) const {
    const ConfigNode* node = root_.find(section);
    const ConfigNode* value = node ? node->find(key) : nullptr;
    return value ? value->mark : root_.mark;
  }

  // What spans two keys. Names are checked only if the pipeline's own is right: the default is made of it.
  void read_errors(const ErrorsConfig& errors) {
    config_.errors = errors;
    if (errors.retry.initial.ms > errors.retry.max.ms) {
      error(mark_of("errors", "retry"), "errors.retry.initial must not be longer than errors.retry.max");
    }
    std::string& stream = config_.errors.dead_letter;
    if (stream.empty()) stream = config_.name + ".dead";
    const ConfigMark& mark = mark_of("errors", "dead_letter");
    if (!is_valid_name(stream) && is_valid_name(config_.name)) {
      error(mark, quoted(stream) + " is no name for a stream: " + kNameRule);
    }
    check_streams(stream, mark);
    check_target(errors.to, mark_of("errors", "to"));
    if (errors.alert) check_target(errors.alert->to, mark_of("errors", "alert"));
    const ConfigNode* section = root_.find("errors");
    if (!errors.to.empty() && section != nullptr && section->find("then") != nullptr) {
      error(mark_of("errors", "to"), "errors has a `then` and a `to`: an event goes one way");
    }
    for (const auto* components : {&config_.stages, &config_.sinks}) {
      for (const ComponentConfig& component : *components) check_target(component.errors.to, component.mark);
    }
  }

  // The pipeline that gets what failed for good.
  void check_target(const std::string& to, const ConfigMark& mark) {
    if (to.empty()) return;
    if (!is_valid_name(to)) error(mark, quoted(to) + " is no name for a pipeline: " + kNameRule);
    if (to == config_.name || to == config_.errors.dead_letter) {
      error(mark, "what failed cannot go to " + quoted(to) + ", which is this pipeline's own");
    }
  }

  // The dead letters have a stream of their own.
  // Streams of the same name would mix failed events with good ones, and a replay would run both.
  void check_streams(const std::string& dead_letter, const ConfigMark& mark) {
    const RetentionConfig& retention = config_.errors.retention;
    if ((retention.time.ms > 0 || retention.size.bytes > 0) && !dead_letter.ends_with(".dead")) {
      error(mark, "errors.retention is for a stream of dead letters alone, whose name ends in .dead; " +
                      quoted(dead_letter) + " may be a pipeline's, which says itself what of it is kept");
    }
    if (dead_letter == config_.name) error(mark, "the dead letters cannot go to the pipeline's own stream");
    for (const ComponentConfig& stage : config_.stages) {
      if (dead_letter != config_.name + "." + stage.name) continue;
      error(stage.mark, "the stream of stage " + quoted(stage.name) + " would be that of the dead letters, " +
                            quoted(dead_letter) + "; rename one of them");
    }
  }

  // Cases have distinct names, and sinks know them.
  void check_route() {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
      if (name.empty()) return;
      if (std::find(names.begin(), names.end(), name) != names.end()) {
        error(mark_of("route", "cases"), "route has two cases called " + quoted(name));
      }
      names.push_back(name);
    };
    for (const RouteCaseConfig& each : config_.route.cases) add(each.name);
    add(config_.route.rest);
    for (const ComponentConfig& sink : config_.sinks) {
      for (const std::string& name : sink.route) {
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        error(sink.route_mark, names.empty() ? "there is no route in this pipeline that has a case " + quoted(name)
                                             : "route has no case " + quoted(name) + near(name, names));
      }
    }
    for (const std::string& name : names) {
      const auto takes = [&](const ComponentConfig& sink) {
        return std::find(sink.route.begin(), sink.route.end(), name) != sink.route.end();
      };
      if (std::any_of(config_.sinks.begin(), config_.sinks.end(), takes)) continue;
      add_warning(problems_, mark_of("route", "cases"), "no sink takes the case " + quoted(name) + " of route");
    }
  }

  static std::string near(const std::string& name, const std::vector<std::string>& names) {
    const std::string meant = suggestion(name, names);
    return meant.empty() ? "; known: " + alternatives(names) : meant;
  }

  void read_context(std::map<std::string, ConfigNode> context) {
    for (const auto& [name, value] : context) {
      const auto* reserved = std::find(std::begin(kReservedVariables), std::end(kReservedVariables), name);
      if (reserved != std::end(kReservedVariables)) {
        error(mark_of("context", name),
              "context." + name + " hides $" + name + ", which every script has; rename it");
      } else if (std::find(std::begin(kWordsOfScripts), std::end(kWordsOfScripts), name) !=
                 std::end(kWordsOfScripts)) {
        error(mark_of("context", name), "context." + name + " can't be named in a script, where '" + name +
                                            "' is a word of the language; rename it");
      } else if (!is_variable_name(name)) {
        error(mark_of("context", name),
              quoted(name) + " in context is no name for a variable: use letters, digits and '_'");
      }
    }
    config_.context = std::move(context);
  }

  // Where an entry of `metrics`, or one of its values, stands.
  const ConfigMark& mark_of_metric(size_t i, std::string_view key) const {
    const ConfigNode* list = root_.find("metrics");
    if (list == nullptr || i >= list->items.size()) return root_.mark;
    const ConfigNode* value = list->items[i].find(key);
    return value ? value->mark : list->items[i].mark;
  }

  void read_metrics(std::vector<MetricConfig> metrics) {
    for (size_t i = 0; i < metrics.size(); ++i) {
      check_metric(metrics[i], i);
      const auto same = [&](const MetricConfig& other) { return other.name == metrics[i].name; };
      const auto until = metrics.begin() + static_cast<ptrdiff_t>(i);
      if (!metrics[i].name.empty() && std::find_if(metrics.begin(), until, same) != until) {
        error(mark_of_metric(i, "name"), "a metric named " + quoted(metrics[i].name) + " is declared already");
      }
    }
    config_.metrics = std::move(metrics);
  }

  void check_metric(MetricConfig& metric, size_t i) {
    if (!metric.name.empty() && !is_variable_name(metric.name)) {
      error(mark_of_metric(i, "name"),
            quoted(metric.name) + " is no name for a metric: use letters, digits and '_'");
    }
    for (size_t label = 0; label < metric.labels.size(); ++label) {
      const std::string& name = metric.labels[label];
      const auto until = metric.labels.begin() + static_cast<ptrdiff_t>(label);
      if (!is_variable_name(name) || name.starts_with("__")) {
        error(mark_of_metric(i, "labels"), quoted(name) + " is no name for a label: use letters, digits and '_'");
      } else if (name == "pipeline" || name == "le" || std::find(metric.labels.begin(), until, name) != until) {
        error(mark_of_metric(i, "labels"), "the label " + quoted(name) + " is there already");
      }
    }
    if (metric.type != MetricType::kHistogram) {
      if (!metric.buckets.empty()) error(mark_of_metric(i, "buckets"), "only a histogram has buckets");
      return;
    }
    if (std::adjacent_find(metric.buckets.begin(), metric.buckets.end(), std::greater_equal<>()) !=
        metric.buckets.end()) {
      error(mark_of_metric(i, "buckets"), "the buckets must ascend");
    }
    if (metric.buckets.empty()) metric.buckets.assign(std::begin(kDefaultBuckets), std::end(kDefaultBuckets));
  }

  // The whole file as scripts may see it.
  // Scripts may print what they see, so not even their own pipeline's secrets are in it.
  ConfigNode masked() const {
    ConfigNode shown = mask_secrets(root_);
    mask_section(shown, "");
    for (ConfigNode::Member& member : shown.members) {
      if (member.key == "ai") mask_section(member.value, "ai.");
      if (member.key == "log") member.value = mask_secrets(member.value, log_spec().object());
    }
    return shown;
  }

  // The lists of components in `map`, whose own path is `path`.
  void mask_section(ConfigNode& map, const std::string& path) const {
    for (ConfigNode::Member& member : map.members) {
      for (ComponentKind kind : kSections) {
        if (path + member.key != section_spec(kind).key) continue;
        for (ConfigNode& entry : member.value.items) mask_entry(entry, kind);
      }
    }
  }

  void mask_entry(ConfigNode& entry, ComponentKind kind) const {
    for (ConfigNode::Member& member : entry.members) {
      const Descriptor* descriptor = surroundings_.registry.find(kind, member.key);
      if (descriptor != nullptr) member.value = mask_secrets(member.value, descriptor->spec);
    }
  }

  const ConfigNode& root_;
  const PipelineSurroundings& surroundings_;
  ConfigProblems& problems_;
  PipelineConfig config_;
};

}  // namespace

std::string_view to_string(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource:
      return "source";
    case ComponentKind::kStage:
      return "stage";
    case ComponentKind::kSink:
      return "sink";
    case ComponentKind::kProvider:
      return "provider";
  }
  return "";
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

namespace {

// The list of `ai.providers`; null if there is none.
ConfigNode* providers_in(ConfigNode& root) {
  ConfigNode* at = &root;
  for (const std::string_view key : {"ai", "providers"}) {
    const auto found = std::find_if(at->members.begin(), at->members.end(),
                                    [&](const ConfigNode::Member& member) { return member.key == key; });
    if (found == at->members.end()) return nullptr;
    at = &found->value;
  }
  return at;
}

void substitute_all(ConfigNode& root, const PipelineSurroundings& surroundings, ConfigProblems& problems) {
  ConfigNode* const providers = surroundings.offline ? providers_in(root) : nullptr;
  ConfigNode own;
  if (providers != nullptr) {
    ConfigProblems untold;
    own = std::exchange(*providers, {});
    substitute(own, surroundings.substitutions, untold);
  }
  substitute(root, surroundings.substitutions, problems);
  if (providers != nullptr) *providers = std::move(own);
}

}  // namespace

PipelineConfig read_pipeline(std::string_view text, const std::string& file_name,
                             const PipelineSurroundings& surroundings, ConfigProblems& problems) {
  std::optional<ConfigNode> root = load_yaml(text, file_name, problems);
  if (!root) return {};
  substitute_all(*root, surroundings, problems);
  if (root->kind == Kind::kNull) {
    add_error(problems, root->mark, "the file is empty; a pipeline needs sources and sinks");
    return {};
  }
  if (root->kind != Kind::kMap) {
    add_error(problems, root->mark,
              "a pipeline must be a map of name, sources, stages and sinks, " + found(*root));
    return {};
  }
  PipelineConfig config = FileReader(*root, surroundings, problems).read(file_name);
  sort_problems(problems);
  return config;
}

}  // namespace colloquium::config
