#include "computo/operators.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "computo/ops_core.h"
#include "computo/testing.h"

namespace colloquium::computo {

TEST_CASE("the core has 46 operators, each documented", "[REQ-031]") {
  const auto all = operators();
  CHECK(std::size(kCoreOperators) == 46);
  std::set<std::string_view> summaries;
  for (const OperatorInfo& info : all) {
    INFO(info.name);
    CHECK(info.summary.ends_with('.'));
    CHECK(info.min_arguments >= 0);
    CHECK((info.max_arguments == -1 || info.max_arguments >= info.min_arguments));
    CHECK(summaries.insert(info.summary).second);
  }
}

TEST_CASE("every operator's example gives the result its documentation says") {
  for (const OperatorInfo& info : operators()) {
    INFO(info.name);
    Evaluator evaluator(testing::compiled(info.example, {.any_metric = true}));
    CHECK(testing::outcome(evaluator) == info.result);
  }
}

TEST_CASE("every operator's example calls the operator") {
  for (const OperatorInfo& info : operators()) {
    INFO(info.name);
    CHECK(info.example.find("[\"" + std::string(info.name) + "\"") != std::string_view::npos);
  }
}

TEST_CASE("every operator checks the number of its arguments before it evaluates them") {
  for (const OperatorInfo& info : operators()) {
    INFO(info.name);
    const auto call = [&](int arguments) {
      std::string script = "[\"" + std::string(info.name) + "\"";
      for (int i = 0; i < arguments; ++i) script += ",[\"/\",1,0]";
      return testing::outcome(script + "]");
    };
    if (info.min_arguments > 0) CHECK(call(info.min_arguments - 1) == "arity /");
    if (info.max_arguments >= 0) CHECK(call(info.max_arguments + 1) == "arity /");
    CHECK(call(info.min_arguments) != "arity /");
  }
}

TEST_CASE("operators are found by name and by nothing else") {
  for (const OperatorInfo& info : operators()) {
    const auto index = find_operator(info.name);
    REQUIRE(index);
    CHECK(operator_at(*index).info.name == info.name);
    CHECK_FALSE(find_operator(std::string(info.name) + "x"));
  }
  CHECK_FALSE(find_operator(""));
  CHECK_FALSE(find_operator("~"));
  CHECK(suggest_operator("strConct", true) == "strConcat");
}

TEST_CASE("the reference page has a section with example and result for each") {
  const std::string page = operator_reference_markdown();
  CHECK(page.starts_with("# Operators\n"));
  CHECK(page.ends_with(".\n"));
  for (const OperatorInfo& info : operators()) {
    INFO(info.name);
    CHECK(page.find("\n## `" + std::string(info.name) + "`\n\n" + std::string(info.summary)) != std::string::npos);
    CHECK(page.find("```json\n" + std::string(info.example) + "\n```\n\ngives `" + std::string(info.result) +
                    "`.") != std::string::npos);
  }
}

}  // namespace colloquium::computo
