// What every component promises, whatever its kind: that it is documented, and that it keeps secrets.
#include <algorithm>
#include <array>

#include "config/redact.h"
#include "config/yaml.h"
#include "io/file_system.h"
#include "tests/compliance/component_world.h"
#include "tests/silent_port.h"

namespace colloquium::compliance {
namespace {

constexpr char kSecret[] = "hush-4f1c9a";

// A setting with one of these in its name holds a secret, or says where one is.
constexpr std::array<std::string_view, 6> kSecretNames = {"password",   "secret",  "token",
                                                          "passphrase", "api_key", "credential"};
// These only say where it is, how it travels, or count what is no secret.
constexpr std::array<std::string_view, 5> kOpenNames = {"token_url", "credentials", "tokens_per_second",
                                                        "old_max_tokens", "max_output_tokens"};

bool is_secret(const FieldSpec& field) {
  return field.type == FieldType::kSecret || field.item_type == FieldType::kSecret || field.options.secret;
}

bool sounds_secret(const std::string& name) {
  if (std::find(kOpenNames.begin(), kOpenNames.end(), name) != kOpenNames.end()) return false;
  if (name.ends_with("_file")) return false;
  return std::any_of(kSecretNames.begin(), kSecretNames.end(),
                     [&](std::string_view word) { return name.find(word) != name.npos; });
}

// The first thing wrong with these settings, and how many there are.
std::string wrong_with(const std::vector<FieldSpec>& fields, const std::string& path, uint64_t& count) {
  for (const FieldSpec& field : fields) {
    const std::string name = path + field.name;
    ++count;
    if (field.options.description.empty()) return "the setting " + name + " has no description";
    const bool holds_fields = !field.fields.empty();
    if (!holds_fields && sounds_secret(field.name) && !is_secret(field)) {
      return "the setting " + name + " is not declared as a secret";
    }
    if (std::string wrong = wrong_with(field.fields, name + ".", count); !wrong.empty()) return wrong;
  }
  return {};
}

std::string wrong_with_example(const Descriptor& descriptor, const ComponentExample& example) {
  ConfigProblems problems;
  const auto node = config::load_yaml(example.yaml, "example.yaml", problems);
  const ConfigNode* const settings = node ? node->find(descriptor.name) : nullptr;
  if (settings == nullptr) return "the example '" + example.title + "' is not about it";
  descriptor.parse(*settings, problems);
  return problems.empty() ? "" : "the example '" + example.title + "': " + problems.front().describe();
}

std::string wrong_with_readme(const Subject& subject) {
  if (subject.folder.empty()) return {};
  const std::string path = std::string(COLLOQUIUM_SOURCE "/src/components/") + subject.folder + "/README.md";
  const auto text = io::read_file(io::posix_file_system(), path, 1 << 20);
  if (!text) return "there is no " + path;
  if (text->find("`" + subject.descriptor->name + "`") == text->npos) return path + " does not speak of it";
  return text->find("```yaml pipeline") == text->npos ? path + " has no pipeline that a test validates" : "";
}

// Everything a source says while nobody answers its connections, or somebody refuses them.
std::string said_by_source(World& world, const Subject& subject, const std::string& settings,
                           bool wait_for_words) {
  StrictDoor door(world);
  SourceRun run(world, subject, settings, door);
  std::string text = run.problem();
  if (!text.empty()) return text;
  const Status started = run.start();
  if (!started) text += started.error().describe();
  const auto spoke = [&] { return run.has_ended() || !world.said().empty(); };
  if (wait_for_words && !subject.is_pushed_to) (void)world.run_until(spoke);
  if (run.failed()) text += run.failed()->describe();
  text += world.registry().text();
  return text + run.close();
}

std::string said_by_sink(World& world, const Subject& subject, const std::string& settings, bool wait_for_words) {
  SinkRun run(world, subject, settings);
  std::string text = run.problem();
  if (!text.empty() || !run.sink().restore("") || !run.sink().start()) return text;
  if (run.sink().progress() != nullptr) run.sink().progress()->recover("p/subject", {}, [](const auto&) {});
  SinkRun::Write& write = run.write(batch_of(0, 1));
  if (wait_for_words) (void)world.run_until([&] { return write.answers > 0 || !world.said().empty(); });
  text += world.registry().text() + run.close();
  for (const EventOutcome& one : write.outcomes) text += one.error.describe();
  return text;
}

std::string said_about(const Subject& subject, uint16_t port, bool wait_for_words) {
  World world(subject.limit_ms);
  const std::string settings = subject.connection(port, kSecret);
  const bool is_source = subject.descriptor->kind == ComponentKind::kSource;
  std::string text = is_source ? said_by_source(world, subject, settings, wait_for_words)
                               : said_by_sink(world, subject, settings, wait_for_words);
  return text + world.said();
}

}  // namespace

Verdict is_documented(const Subject& subject) {
  const Descriptor& d = *subject.descriptor;
  for (const auto& [what, text] :
       {std::pair{"summary", &d.summary}, std::pair{"description", &d.description},
        std::pair{"input trust", &d.input_trust}, std::pair{"guarantee", &d.guarantee}}) {
    if (text->empty()) return broken(std::string("it has no ") + what);
  }
  if (d.summary.back() != '.') return broken("its summary is no sentence");
  if (d.examples.empty()) return broken("it has no example");
  uint64_t count = 0;
  if (std::string wrong = wrong_with(d.spec.fields, "", count); !wrong.empty()) return broken(wrong);
  for (const ComponentExample& example : d.examples) {
    ++count;
    if (std::string wrong = wrong_with_example(d, example); !wrong.empty()) return broken(wrong);
  }
  if (std::string wrong = wrong_with_readme(subject); !wrong.empty()) return broken(wrong);
  return holds(count);
}

Verdict tells_no_secret(const Subject& subject) {
  uint64_t secrets = 0;
  std::function<void(const std::vector<FieldSpec>&)> count = [&](const std::vector<FieldSpec>& fields) {
    for (const FieldSpec& field : fields) {
      if (is_secret(field)) ++secrets;
      count(field.fields);
    }
  };
  count(subject.descriptor->spec.fields);
  if (!subject.connection) return secrets == 0 ? absent("it has none") : broken("nothing was set to look for");
  const Parsed parsed = parse_settings(*subject.descriptor, subject.connection(1, kSecret));
  if (parsed.problem.find(kSecret) != std::string::npos) return broken("a message has it: " + parsed.problem);
  if (!parsed.problem.empty()) return broken("its settings do not parse: " + parsed.problem);
  const std::string shown = config::to_yaml(config::mask_secrets(parsed.node, subject.descriptor->spec));
  if (shown.find(kSecret) != shown.npos) return broken("the settings show it: " + shown);
  // A stage speaks with nobody, and a provider has others speak.
  const ComponentKind kind = subject.descriptor->kind;
  if (kind == ComponentKind::kStage || kind == ComponentKind::kProvider) return holds(secrets);
  for (const bool listens : {false, true}) {
    const SilentPort port(listens);
    const std::string text = said_about(subject, port.number(), !listens);
    const size_t at = text.find(kSecret);
    if (at == text.npos) continue;
    return broken("it says it: " + text.substr(at > 80 ? at - 80 : 0, 160));
  }
  return holds(secrets);
}

}  // namespace colloquium::compliance
