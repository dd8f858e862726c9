// `test`: the cases beside scripts and pipelines.

#include "app/verb.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ostream>

#include "app/case_runner.h"
#include "app/junit.h"
#include "app/pipeline_files.h"
#include "app/test_file.h"
#include "config/problems.h"

namespace colloquium::app {
namespace {

constexpr size_t kFileLimitBytes = size_t{64} << 20;

struct Options {
  std::vector<std::string> files;
  std::string filter;
  std::optional<std::string> junit;
  bool coverage = false;
  std::optional<std::string> coverage_min;
};

// One file to test, read and checked, before any case runs.
struct Suite {
  TestFiles files;
  Script script;                             // of a script
  std::shared_ptr<const engine::Plan> plan;  // of a pipeline
  std::vector<TestCase> cases;
};

// Only what can be read at all fails here; mistakes inside a file join `problems`.
Result<Suite> load_suite(const TestFiles& files, ConfigProblems& problems) {
  Suite suite;
  suite.files = files;
  TRY_ASSIGN(const std::string text, io::read_file(io::posix_file_system(), suite.files.cases, kFileLimitBytes));
  suite.cases = read_test_file(text, suite.files.cases, suite.files.kind, problems);
  if (suite.files.kind == TestSubject::kScript) {
    TRY_ASSIGN(suite.script.text, io::read_file(io::posix_file_system(), suite.files.subject, kFileLimitBytes));
    suite.script.origin = suite.files.subject;
    return suite;
  }
  LoadedPipelines loaded = load_offline_pipeline(suite.files.subject);
  problems.insert(problems.end(), loaded.problems.begin(), loaded.problems.end());
  if (!loaded.pipelines.empty()) suite.plan = loaded.pipelines.front().plan;
  return suite;
}

// "83.3 %".
std::string percent_text(double percent) {
  std::array<char, 32> text;
  const int size = std::snprintf(text.data(), text.size(), "%.1f %%", percent);
  return {text.data(), static_cast<size_t>(size)};
}

// How much of a script its cases evaluated, and what they did not.
void print_coverage(const std::string& script, const computo::Coverage& coverage, std::ostream& out) {
  out << script << ": coverage " << percent_text(coverage.percent()) << ", " << coverage.evaluated() << " of "
      << coverage.total() << " expressions\n";
  for (const computo::Coverage::Gap& gap : coverage.gaps()) {
    const computo::TraceSite& site = coverage.sites()[gap.site];
    out << "  " << (site.origin.empty() ? script : site.origin) << ":" << site.line << ":" << site.column
        << ": never evaluated: " << coverage.sites().path(gap.site);
    if (!site.op.empty()) out << " (" << site.op << ")";
    if (gap.inside > 0) out << " and " << gap.inside << " in it";
    out << "\n";
  }
}

// Runs cases in order and keeps their results.
class TestRun {
 public:
  TestRun(Foundation& foundation, Console& console) : foundation_(foundation), console_(console) {}

  // Of a script with `coverage`: how much percent of it the cases evaluated.
  std::optional<double> run(const Suite& suite, const std::string& filter, bool coverage) {
    std::optional<ScriptCases> script;
    if (suite.plan == nullptr) script.emplace(suite.script, coverage);
    for (const TestCase& test : suite.cases) {
      if (test.name.find(filter) == std::string::npos) continue;
      const int64_t started_ns = foundation_.clock().monotonic_ns();
      std::string failure = script ? script->run(test) : run_pipeline_case(*suite.plan, test, foundation_);
      const double seconds = static_cast<double>(foundation_.clock().monotonic_ns() - started_ns) * 1e-9;
      if (!failure.empty()) {
        ++failed_;
        console_.err << test.mark.describe() << ": failed: " << test.name << ": " << failure << "\n";
      }
      results_.push_back({suite.files.subject, test.name, std::move(failure), seconds});
    }
    if (!script || script->coverage() == nullptr) return std::nullopt;
    print_coverage(suite.files.subject, *script->coverage(), console_.out);
    return script->coverage()->percent();
  }

  size_t failed() const { return failed_; }
  const std::vector<CaseResult>& results() const { return results_; }

 private:
  Foundation& foundation_;
  Console& console_;
  size_t failed_ = 0;
  std::vector<CaseResult> results_;
};

Exit report(const TestRun& run, const Options& options, Console& console) {
  if (options.junit) {
    const Status written =
        io::write_file_atomically(io::posix_file_system(), *options.junit, junit_xml(run.results()));
    if (!written) return fail_running(console, written.error());
  }
  console.out << run.results().size() - run.failed() << " passed, " << run.failed() << " failed\n";
  // A misspelt --filter must not look like success.
  if (run.results().empty()) {
    return refuse(console, options.filter.empty() ? "there are no cases in these files"
                                                  : "no case has '" + options.filter + "' in its name");
  }
  return run.failed() == 0 ? Exit::kDone : Exit::kFailed;
}

// A share below which a script's cases fail; nothing if it is no number from 0 to 100.
std::optional<double> read_percent(const std::string& text) {
  double percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || end != text.data() + text.size() || !(percent >= 0 && percent <= 100))
    return std::nullopt;
  return percent;
}

// Runs everything; whether each script's coverage is enough.
bool run_suites(const std::vector<Suite>& suites, const Options& options, double least, TestRun& run,
                Console& console) {
  bool enough = true;
  for (const Suite& suite : suites) {
    const auto percent = run.run(suite, options.filter, options.coverage || options.coverage_min);
    if (!percent || *percent >= least) continue;
    console.err << "error: " << suite.files.subject << ": coverage is " << percent_text(*percent) << ", below "
                << percent_text(least) << "\n";
    enough = false;
  }
  return enough;
}

// A file and its cases may both be named, as `scripts/*` does: they are run once.
bool has_suite(const std::vector<Suite>& suites, const TestFiles& files) {
  const auto same = [](const std::string& a, const std::string& b) {
    const auto first = io::posix_file_system().info(a);
    const auto second = io::posix_file_system().info(b);
    return first && second && first->device == second->device && first->inode == second->inode;
  };
  return std::any_of(suites.begin(), suites.end(), [&](const Suite& suite) {
    return same(suite.files.cases, files.cases) && same(suite.files.subject, files.subject);
  });
}

Exit run(const Options& options, Console& console) {
  const auto least = read_percent(options.coverage_min.value_or("0"));
  if (!least)
    return refuse(console, "--coverage-min takes a number from 0 to 100, not '" + *options.coverage_min + "'");
  ConfigProblems problems;
  std::vector<Suite> suites;
  bool unreadable = false;
  for (const std::string& file : options.files) {
    const auto files = find_test_files(file);
    if (files && has_suite(suites, *files)) continue;
    Result<Suite> suite = files ? load_suite(*files, problems) : tl::unexpected(files.error());
    if (!suite) {
      refuse(console, suite.error());
      unreadable = true;
      continue;
    }
    suites.push_back(std::move(*suite));
  }
  console.err << describe_with_source(problems);
  // Every mistake of every file has been told by now.
  if (unreadable || config::has_errors(problems)) return Exit::kRefused;
  auto foundation = Foundation::create(io::posix_file_system(), 1);
  if (!foundation) return fail_running(console, foundation.error());
  TestRun test_run(**foundation, console);
  const bool enough = run_suites(suites, options, *least, test_run, console);
  const Exit exit = report(test_run, options, console);
  return enough || exit != Exit::kDone ? exit : Exit::kFailed;
}

}  // namespace

Verb test_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "test";
  verb.summary = "Run the cases beside scripts and pipelines";
  verb.description =
      "The cases of orders.yaml are in orders.test.yaml, those of total.json in total.test.yaml; either file may "
      "be\n"
      "named. A pipeline's stages and the `when` of every sink run in memory, without sources, sinks or log.\n"
      "What models are to answer stands in the cases: none is asked, and their keys are not needed.";
  verb.example = "colloquium test orders.yaml --junit results.xml";
  verb.options = {
      {"--filter", "TEXT", "only the cases with TEXT in their name", &options->filter},
      {"--coverage", "", "tell how much of each script its cases evaluated, and what they did not",
       &options->coverage},
      {"--coverage-min", "PERCENT", "fail if it is less than that; implies --coverage", &options->coverage_min},
      {"--junit", "FILE", "also write the results as JUnit XML", &options->junit},
      {"FILE", "", "scripts, pipelines, or files of cases", &options->files, true},
  };
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
