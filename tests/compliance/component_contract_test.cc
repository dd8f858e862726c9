// Every component of the table keeps the contract of components, and every broken one is found.
#include "tests/compliance/component_contract.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "components/registry.h"
#include "io/file_system.h"
#include "tests/compliance/broken_components.h"

namespace colloquium::compliance {
namespace {

constexpr char kPage[] = COLLOQUIUM_SOURCE "/docs/internals/compliance.md";

std::string cell(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::kHolds:
      return "holds (" + std::to_string(verdict.count) + ")";
    case Verdict::Kind::kBroken:
      return "BROKEN";
    case Verdict::Kind::kAbsent:
      return "–";
  }
  return {};
}

// Counts differ from run to run.
std::string without_counts(const std::string& table) {
  std::string text;
  bool inside = false;
  for (const char byte : table) {
    inside = inside ? byte != ')' : byte == '(';
    if (!inside) text += byte;
  }
  return text;
}

// The table of this name on the page says the same. With COLLOQUIUM_WRITE_TABLES set, it is written there.
void compare_with_page(const std::string& name, const std::string& table) {
  std::puts(("\n" + table).c_str());
  auto page = io::read_file(io::posix_file_system(), kPage, 1 << 20);
  REQUIRE(page);
  const std::string head = "<!-- table: " + name + " -->\n";
  const size_t begin = page->find(head);
  INFO(kPage << " has no table: " << name);
  REQUIRE(begin != page->npos);
  const size_t from = begin + head.size();
  const size_t end = page->find("<!-- end -->", from);
  REQUIRE(end != page->npos);
  INFO("run it with COLLOQUIUM_WRITE_TABLES=1 and commit " << kPage);
  if (std::getenv("COLLOQUIUM_WRITE_TABLES") == nullptr) {
    CHECK(without_counts(page->substr(from, end - from)) == without_counts(table));
    return;
  }
  page->replace(from, end - from, table);
  REQUIRE(io::write_file_atomically(io::posix_file_system(), kPage, *page));
}

// A row of the table.
std::string check_one(const Subject& subject) {
  const Descriptor& descriptor = *subject.descriptor;
  const std::string name = descriptor.name + (subject.variant.empty() ? "" : ", " + subject.variant);
  std::string row = "| " + name + " |";
  for (const Check& check : checks_of(descriptor.kind)) {
    const Verdict verdict = check.run(subject);
    INFO(name << ": " << check.name << ": " << check.promise);
    INFO(verdict.why);
    CHECK(verdict.kind != Verdict::Kind::kBroken);
    row += " " + cell(verdict) + " |";
  }
  return row + "\n";
}

// Runs the checks of `kind` over all its components, prints the table, and fails for each promise broken.
void check_all(ComponentKind kind, const std::string& what) {
  std::string table = "| " + what + " |";
  std::string rule = "| --- |";
  for (const Check& check : checks_of(kind)) {
    table += " " + std::string(check.name) + " |";
    rule += " --- |";
  }
  table += "\n" + rule + "\n";
  for (const Descriptor* descriptor : components::component_table()) {
    if (descriptor->kind != kind) continue;
    INFO(what << " " << descriptor->name << ": what was added is enrolled in tests/compliance/enrolments.cc");
    const std::vector<Subject> subjects = enrolled(*descriptor);
    CHECK_FALSE(subjects.empty());
    for (const Subject& subject : subjects) table += check_one(subject);
  }
  compare_with_page(what + "s", table);
}

TEST_CASE("every source of the table keeps the contract", "[REQ-009][REQ-029]") {
  check_all(ComponentKind::kSource, "source");
}

TEST_CASE("every sink of the table keeps the contract", "[REQ-009][REQ-022]") {
  check_all(ComponentKind::kSink, "sink");
}

TEST_CASE("every stage of the table keeps the contract", "[REQ-012]") {
  check_all(ComponentKind::kStage, "stage");
}

TEST_CASE("every AI provider of the table keeps the contract", "[REQ-056][REQ-057][REQ-058][REQ-059][REQ-060]") {
  check_all(ComponentKind::kProvider, "provider");
}

const Check& check_named(ComponentKind kind, std::string_view name) {
  for (const Check& check : checks_of(kind)) {
    if (check.name == name) return check;
  }
  FAIL("there is no check " << name);
  return checks_of(kind).front();
}

// The honest one keeps every promise, each broken one is found by its check, and no check is without one.
void check_twins(ComponentKind kind, const std::string& what, const Subject& honest,
                 const std::vector<Twin>& twins) {
  std::map<std::string, std::string> faults;
  for (const Check& check : checks_of(kind)) {
    const Verdict verdict = check.run(honest);
    INFO("honest: " << check.name << ": " << verdict.why);
    CHECK(verdict.kind == Verdict::Kind::kHolds);
  }
  for (const Twin& twin : twins) {
    const Verdict verdict = check_named(kind, twin.check).run(twin.subject);
    INFO("one that " << twin.fault << ": " << twin.check << ": " << verdict.why);
    CHECK(verdict.kind == Verdict::Kind::kBroken);
    CHECK_THAT(verdict.why, Catch::Contains(twin.why));
    std::string& all = faults[twin.check];
    all += (all.empty() ? "" : "; ") + std::string(twin.fault);
  }
  std::string table = "| check | what holds | fails for one that |\n| --- | --- | --- |\n";
  for (const Check& check : checks_of(kind)) {
    INFO("nothing shows that the check '" << check.name << "' can fail");
    CHECK_FALSE(faults[check.name].empty());
    table += "| " + std::string(check.name) + " | " + check.promise + " | " + faults[check.name] + " |\n";
  }
  compare_with_page("checks of " + what, table);
}

TEST_CASE("every check of sources finds a source that is broken so") {
  check_twins(ComponentKind::kSource, "sources", honest_source(), broken_sources());
}

TEST_CASE("every check of sinks finds a sink that is broken so") {
  check_twins(ComponentKind::kSink, "sinks", honest_sink(), broken_sinks());
}

TEST_CASE("every check of stages finds a stage that is broken so") {
  check_twins(ComponentKind::kStage, "stages", honest_stage(), broken_stages());
}

TEST_CASE("every check of AI providers finds a provider that is broken so") {
  check_twins(ComponentKind::kProvider, "providers", honest_provider(), broken_providers());
}

}  // namespace
}  // namespace colloquium::compliance
