#include "app/test_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "colloquium/config_types.h"

#include "computo/program.h"
#include "config/problems.h"
#include "config/yaml.h"
#include "io/file_system.h"

namespace colloquium::app {
namespace {

constexpr std::string_view kTestEnding = ".test.yaml";
// In the order in which they are looked for beside a file of cases.
constexpr std::array<std::string_view, 2> kScriptEndings = {".json", ".computo"};
constexpr std::array<std::string_view, 2> kPipelineEndings = {".yaml", ".yml"};

// A case as it is written.
struct WrittenCase {
  std::string name;
  std::vector<ConfigNode> inputs;
  std::vector<ConfigNode> input;
  ConfigNode expect;
  std::string error;
  int64_t dead_letters = 0;
  std::map<std::string, std::vector<WrittenAnswer>> answers;
};

// The whole name may not be the ending: ".json" is no script.
bool ends_with(std::string_view text, std::string_view end) {
  return text.size() > end.size() && text.substr(text.size() - end.size()) == end;
}

std::string without_ending(const std::string& file, std::string_view ending) {
  return file.substr(0, file.size() - ending.size());
}

bool exists(const std::string& file) {
  return io::posix_file_system().info(file).has_value();
}

std::vector<std::string> error_categories() {
  std::vector<std::string> names;
  for (auto i = 0; i <= static_cast<int>(computo::Category::kUser); ++i) {
    names.emplace_back(computo::to_string(static_cast<computo::Category>(i)));
  }
  return names;
}

// A case that expects what there is not would never pass, or never look like the mistake that it is.
void check_category(const std::string& name, const ConfigNode* node, ConfigProblems& problems) {
  const std::vector<std::string> known = error_categories();
  if (node == nullptr || name.empty() || std::find(known.begin(), known.end(), name) != known.end()) return;
  config::add_error(problems, node->mark,
                    "there is no category of errors " + config::quoted(name) + config::suggestion(name, known) +
                        "; there are " + config::alternatives(known));
}

// What does not fit the kind of subject.
void check_case(const TestCase& test, TestSubject subject, ConfigProblems& problems) {
  const bool is_script = subject == TestSubject::kScript;
  if (is_script && !test.input.empty()) {
    config::add_error(problems, test.mark, "a script's case has 'inputs', the list of its inputs, not 'input'");
  }
  if (!is_script && !test.inputs.empty()) {
    config::add_error(problems, test.mark, "a pipeline's case has 'input', the list of its events, not 'inputs'");
  }
  if (!is_script && !test.error.empty()) {
    config::add_error(problems, test.mark, "a pipeline's case has no 'error'; count its 'dead_letters'");
  }
  if (is_script && test.dead_letters != 0) {
    config::add_error(problems, test.mark, "a script makes no 'dead_letters'; name the 'error'");
  }
  if (is_script && !test.answers.empty()) {
    config::add_error(problems, test.mark, "a script asks no model; only a pipeline's case has 'answers'");
  }
  // Neither would pass whatever the script does; both cannot hold.
  if (is_script && test.expect.has_value() == !test.error.empty()) {
    config::add_error(problems, test.mark, "a script's case has either 'expect' or 'error'");
  }
  if (!is_script && test.expect && test.expect->kind != ConfigNode::Kind::kMap) {
    config::add_error(problems, test.expect->mark, "expect has to map the names of sinks to lists of events");
  }
}

void read_answers(const WrittenCase& written, const ConfigNode& node, TestCase& test, ConfigProblems& problems) {
  const ConfigNode* const stages = node.find("answers");
  for (const auto& [stage, answers] : written.answers) {
    const ConfigNode* const list = stages->find(stage);
    std::vector<CaseAnswer>& to = test.answers[stage];
    for (size_t i = 0; i < answers.size(); ++i) to.push_back(read_answer(answers[i], list->items[i], problems));
  }
}

// A script wins over a pipeline of the same stem; one folder hardly holds both.
std::string subject_of(const std::string& stem, TestSubject& kind) {
  for (std::string_view ending : kScriptEndings) {
    kind = TestSubject::kScript;
    if (exists(stem + std::string(ending))) return stem + std::string(ending);
  }
  for (std::string_view ending : kPipelineEndings) {
    kind = TestSubject::kPipeline;
    if (exists(stem + std::string(ending))) return stem + std::string(ending);
  }
  return {};
}

}  // namespace
}  // namespace colloquium::app

namespace colloquium {

template <>
struct ConfigObject<app::WrittenCase> {
  static ConfigSpec<app::WrittenCase> spec() {
    using app::WrittenCase;
    return ConfigSpec<WrittenCase>()
        .field("name", &WrittenCase::name, {.description = "What the case shows.", .required = true})
        .field("inputs", &WrittenCase::inputs, {.description = "Inputs of a script."})
        .field("input", &WrittenCase::input, {.description = "Events that enter a pipeline."})
        .field("expect", &WrittenCase::expect, {.description = "The script's result, or the events of each sink."})
        .field("error", &WrittenCase::error, {.description = "Category of the error a script is to end with."})
        .field("dead_letters", &WrittenCase::dead_letters,
               {.description = "How many events become dead letters.", .minimum = 0})
        .field("answers", &WrittenCase::answers,
               {.description = "By stage: what models say to what the stage asks, in this order."});
  }
};

}  // namespace colloquium

namespace colloquium::app {
namespace {

struct WrittenFile {
  std::vector<WrittenCase> cases;
};

}  // namespace

std::vector<TestCase> read_test_file(std::string_view text, const std::string& file_name, TestSubject subject,
                                     ConfigProblems& problems) {
  const auto root = config::load_yaml(text, file_name, problems);
  if (!root) return {};
  static const auto kSpec = ConfigSpec<WrittenFile>().field(
      "cases", &WrittenFile::cases, {.description = "The cases, run in order.", .required = true});
  const WrittenFile written = kSpec.read(*root, "test file", problems);
  const ConfigNode* cases = root->find("cases");
  std::vector<TestCase> tests;
  for (size_t i = 0; i < written.cases.size(); ++i) {
    const WrittenCase& from = written.cases[i];
    const ConfigNode& node = cases->items[i];
    TestCase& test = tests.emplace_back(
        TestCase{from.name, from.inputs, from.input, std::nullopt, from.error, from.dead_letters, {}, node.mark});
    // The spec can't tell `expect: null` from no expect, but here they differ.
    if (const ConfigNode* expect = node.find("expect")) test.expect = *expect;
    read_answers(from, node, test, problems);
    check_case(test, subject, problems);
    check_category(test.error, node.find("error"), problems);
  }
  return tests;
}

Result<TestFiles> find_test_files(const std::string& file) {
  TestFiles files;
  if (ends_with(file, kTestEnding)) {
    files.cases = file;
    const std::string stem = without_ending(file, kTestEnding);
    files.subject = subject_of(stem, files.kind);
    if (!files.subject.empty()) return files;
    return fail(ErrorCode::kNotFound,
                "there is no script or pipeline beside it: looked for " + stem + ".json, " + stem +
                    ".computo and " + stem + ".yaml",
                file);
  }
  const auto try_ending = [&](std::string_view ending, TestSubject kind) {
    if (!ends_with(file, ending)) return false;
    files = {file, without_ending(file, ending) + std::string(kTestEnding), kind};
    return true;
  };
  bool known = false;
  for (std::string_view ending : kScriptEndings) known = known || try_ending(ending, TestSubject::kScript);
  for (std::string_view ending : kPipelineEndings) known = known || try_ending(ending, TestSubject::kPipeline);
  if (!known) {
    return fail(ErrorCode::kInvalidConfig,
                "not the name of a script (.json, .computo), a pipeline (.yaml) or its cases (.test.yaml)", file);
  }
  return files;
}

}  // namespace colloquium::app
