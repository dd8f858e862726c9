// jsonSchema and matchesSchema against the JSON Schema Test Suite, as two Debian packages bring it:
// json-schema-test-suite (an older one, draft-07) and libtest-json-schema-acceptance-perl (draft-07 and 2020-12).
//
// Every required test runs, and those optional ones that are about what the operators do. What does not run is
// named in kNotRun, with the reason: all of it are schemas that lead to somewhere outside of them, which the
// operators refuse; that they do is tested.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"

#include "computo/program.h"
#include "json/walk.h"
#include "tests/skip.h"

namespace colloquium::computo {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const fs::path kOldSuite = "/usr/share/json-schema-test-suite/tests";
const fs::path kSuite = "/usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance/tests";

// Files, or single groups as "file: description".
struct NotRun {
  std::string_view what;
  std::string_view why;
};
constexpr std::string_view kRemote = "refers to a schema on the suite's own server";
constexpr std::string_view kMetaschema = "refers to the draft's metaschema, which is no part of the schema";
constexpr std::string_view kVocabulary = "$schema names a metaschema on the suite's own server";
constexpr NotRun kNotRun[] = {
    {"refRemote", kRemote},
    {"anchor: invalid anchors", kMetaschema},
    {"defs: validate definition against metaschema", kMetaschema},
    {"definitions: validate definition against metaschema", kMetaschema},
    {"definitions: valid definition", kMetaschema},
    {"definitions: invalid definition", kMetaschema},
    {"dynamicRef: strict-tree schema, guards against misspelled properties", kRemote},
    {"dynamicRef: tests for implementation dynamic anchor and reference link", kRemote},
    {"dynamicRef: $ref and $dynamicAnchor are independent of order - $defs first", kRemote},
    {"dynamicRef: $ref and $dynamicAnchor are independent of order - $ref first", kRemote},
    {"id: Invalid use of fragments in location-independent $id", kMetaschema},
    {"id: Valid use of empty fragments in location-independent $id", kMetaschema},
    {"id: Unnormalized $ids are allowed but discouraged", kMetaschema},
    {"ref: remote ref, containing refs itself", kMetaschema},
    {"ref: URN base URI with f-component", kMetaschema},
    {"vocabulary: schema that uses custom metaschema with with no validation vocabulary", kVocabulary},
    {"vocabulary: ignore unrecognized optional vocabulary", kVocabulary},
};

// Of the optional files. Not: the formats that the operators do not assert; ecmascript-regex, as patterns are
// RE2's; dependencies-compatibility, as 2020-12 has no `dependencies`; content, which is never asserted;
// cross-draft and format-assertion, which need other files.
const std::set<std::string> kOptional = {"bignum",
                                         "date",
                                         "date-time",
                                         "email",
                                         "float-overflow",
                                         "ipv4",
                                         "ipv6",
                                         "no-schema",
                                         "non-bmp-regex",
                                         "refOfUnknownKeyword",
                                         "time",
                                         "unicode",
                                         "uri",
                                         "unknown",
                                         "uuid",
                                         "zeroTerminatedFloats"};

std::string_view why_not(const std::string& file, const std::string& group) {
  for (const NotRun& row : kNotRun) {
    if (row.what == file || row.what == file + ": " + group) return row.why;
  }
  return {};
}

// An operator over the input and a schema that is a literal; the result, or the error.
class Call {
 public:
  Call(const std::string& name, const std::string& schema, const std::string& value = "[\"$input\"]")
      : evaluator_(compiled(name, schema, value)) {}
  std::string operator()(const std::string& input) {
    std::string text = input + std::string(kBatchPadding, '\0');
    std::vector<TapeToken> tape;
    json::WalkError error;
    REQUIRE(json::Walker().walk({text.data(), input.size()}, tape, error));
    const std::vector<json::ValueView> inputs{{text.data(), tape.data(), 0}};
    std::vector<char> bytes;
    if (!evaluator_.evaluate(inputs) || !evaluator_.write(bytes, nullptr)) return evaluator_.error().describe("");
    return {bytes.begin(), bytes.end()};
  }

 private:
  static ProgramPtr compiled(const std::string& name, const std::string& schema, const std::string& value) {
    CompileFailure failure;
    ProgramPtr program =
        compile_json("[\"" + name + "\"," + value + "," + schema + ",{\"formats\":true}]", {}, failure);
    REQUIRE(program != nullptr);
    return program;
  }
  Evaluator evaluator_;
};

// A schema of a folder of draft-07 mostly does not say that it is one.
std::string with_draft(Json schema, const fs::path& folder) {
  const bool old = folder.filename() == "draft7";
  if (old && schema.is_object() && !schema.contains("$schema")) {
    schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  }
  return schema.dump();
}

struct Counts {
  int run = 0;
  int refused = 0;
};

void run_group(const Json& group, const std::string& schema, bool refused, Counts& counts) {
  Call errors("jsonSchema", schema);
  Call matches("matchesSchema", schema);
  for (const Json& test : group["tests"]) {
    const std::string data = test["data"].dump();
    INFO(test["description"] << ": " << data);
    const std::string list = errors(data);
    const bool valid = test["valid"];
    if (refused) {
      ++counts.refused;
      CHECK(list.find("error[value]") != std::string::npos);
      CHECK((list.find("nothing is fetched") != std::string::npos || list.find("$schema") != std::string::npos));
      continue;
    }
    ++counts.run;
    CHECK(matches(data) == (valid ? "true" : "false"));
    CHECK((list == "[]") == valid);
    CHECK((valid || list.starts_with("[{\"instance\":\"")));
  }
}

Counts run_suite(const fs::path& folder) {
  Counts counts;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().stem();
    if (entry.path().string().find("/optional/") != std::string::npos && kOptional.count(name) == 0) continue;
    std::ifstream file(entry.path());
    for (const Json& group : Json::parse(file)) {
      const std::string description = group["description"];
      const std::string_view reason = why_not(name, description);
      INFO(entry.path() << ": " << description << " " << reason);
      run_group(group, with_draft(group["schema"], folder), !reason.empty(), counts);
    }
  }
  return counts;
}

// Schemas that come in with the event, whatever they are.
int run_exchanged(const fs::path& folder) {
  Call call("jsonSchema", R"(["$input","/schema"])", R"(["$input","/data"])");
  int run = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    for (const Json& group : Json::parse(file)) {
      for (const Json& test : group["tests"]) {
        Json input{{"data", group["schema"]}, {"schema", test["data"]}};
        const std::string outcome = call(input.dump());
        INFO(input.dump() << ": " << outcome);
        CHECK((outcome.starts_with("[") || outcome.find("error[value]") != std::string::npos ||
               outcome.find("error[type]") != std::string::npos));
        ++run;
      }
    }
  }
  return run;
}

}  // namespace

TEST_CASE("any JSON value taken for a schema gives errors of its own or of what it checks") {
  if (!fs::exists(kSuite)) SKIP_TEST("the package libtest-json-schema-acceptance-perl is not installed");
  CHECK(run_exchanged(kSuite / "draft2020-12") > 1000);
}

TEST_CASE("the JSON Schema Test Suite without what is remote passes: draft 2020-12") {
  if (!fs::exists(kSuite)) SKIP_TEST("the package libtest-json-schema-acceptance-perl is not installed");
  const Counts counts = run_suite(kSuite / "draft2020-12");
  CHECK(counts.run >= 1387);
  CHECK(counts.refused <= 66);
}

TEST_CASE("the JSON Schema Test Suite without what is remote passes: draft-07") {
  if (!fs::exists(kSuite)) SKIP_TEST("the package libtest-json-schema-acceptance-perl is not installed");
  const Counts counts = run_suite(kSuite / "draft7");
  CHECK(counts.run >= 1078);
  CHECK(counts.refused <= 25);
}

TEST_CASE("the JSON Schema Test Suite without what is remote passes: draft-07 as of 2018") {
  if (!fs::exists(kOldSuite)) SKIP_TEST("the package json-schema-test-suite is not installed");
  const Counts counts = run_suite(kOldSuite / "draft7");
  CHECK(counts.run >= 459);
  CHECK(counts.refused <= 19);
}

}  // namespace colloquium::computo
