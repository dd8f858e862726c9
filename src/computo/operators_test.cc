#include "computo/operators.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "computo/ops_core.h"
#include "computo/testing.h"

namespace colloquium::computo {
namespace {

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + separator.size(), text.size()));
  }
  return parts;
}

struct Argument {
  std::string name;
  char mark;  // '?', '*' for any number, ' ' for one that has to be there
  std::string type;
};

std::vector<Argument> arguments_of(const OperatorInfo& info) {
  std::vector<Argument> arguments;
  for (const std::string& text : split(info.signature.arguments, ", ")) {
    const size_t colon = text.find(": ");

    REQUIRE(colon != std::string::npos);
    Argument argument{text.substr(0, colon), ' ', text.substr(colon + 2)};
    if (argument.name.ends_with('?')) argument.mark = '?';
    if (argument.name.ends_with("…")) argument.mark = '*';
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

bool is_category(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Category::kUser); ++i) {
    if (to_string(static_cast<Category>(i)) == name) return true;
  }
  return false;
}

}  // namespace

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

TEST_CASE("every operator says what its arguments are, what it gives and how it fails") {
  const auto groups = operator_groups();
  for (const OperatorInfo& info : operators()) {
    INFO(info.name);
    CHECK(std::find(groups.begin(), groups.end(), info.signature.group) != groups.end());
    CHECK_FALSE(info.signature.gives.empty());
    const std::vector<Argument> arguments = arguments_of(info);
    int needed = 0;
    for (size_t i = 0; i < arguments.size(); ++i) {
      INFO(arguments[i].name);
      CHECK_FALSE(arguments[i].type.empty());
      CHECK((arguments[i].mark != '*' || i + 1 == arguments.size()));
      if (arguments[i].mark == ' ') ++needed;
    }
    CHECK(needed == info.min_arguments);
    const bool any_number = !arguments.empty() && arguments.back().mark == '*';
    CHECK(any_number == (info.max_arguments < 0));
    if (!any_number) CHECK(static_cast<int>(arguments.size()) == info.max_arguments);
    for (const std::string& category : split(info.signature.errors, " ")) CHECK(is_category(category));
  }
}

TEST_CASE("what an operator says of its arguments is what is checked") {
  for (const OperatorInfo& info : operators()) {
    INFO(info.name);
    const Operator& op = operator_at(*find_operator(info.name));
    const std::vector<Argument> arguments = arguments_of(info);
    for (size_t i = 0; i < arguments.size() && !op.types.empty(); ++i) {
      const char letter = op.types[std::min(i, op.types.size() - 1)];
      INFO(arguments[i].name);
      if (letter != '.') CHECK(arguments[i].type.starts_with(name_of_type(letter)));
      if (letter != '.') CHECK(" " + std::string(info.signature.errors) + " " != "  ");
    }
  }
}

// Many values in every place; what is found must be said.
TEST_CASE("no operator fails in a way of its own that it does not say") {
  const std::vector<std::string> values = {"null",     "-1", "2",         "1e308",     "\"a\"",
                                           "\"/a/b\"", "[]", "[1,\"a\"]", "{\"a\":1}", "\"(\""};
  const auto tried = [&](const OperatorInfo& info, uint32_t count) {
    std::string script = "[\"" + std::string(info.name) + "\"";
    for (uint32_t i = 0; i < count; ++i) script += ",[\"$input\",\"/" + std::to_string(i) + "\"]";
    Evaluator evaluator(testing::compiled(script + "]", {.any_metric = true}));
    size_t combinations = 1;
    for (uint32_t i = 0; i < count; ++i) combinations *= values.size();
    for (size_t c = 0; c < combinations; ++c) {
      std::string input;
      for (size_t i = 0, rest = c; i < count; ++i, rest /= values.size()) {
        input += (i > 0 ? "," : "[") + values[rest % values.size()];
      }
      const testing::Text text(count > 0 ? input + "]" : "null");
      const json::ValueView view = text.view();
      if (evaluator.evaluate({&view, 1})) continue;
      const std::string category(to_string(evaluator.error().category));
      const bool said =
          (" " + std::string(info.signature.errors) + " ").find(" " + category + " ") != std::string::npos;
      if (!said) FAIL(info.name << " of " << input << "] fails with " << category);
    }
  };
  for (const OperatorInfo& info : operators()) {
    const int most = info.max_arguments < 0 ? std::max(info.min_arguments, 2) : std::min(info.max_arguments, 3);
    for (int count = info.min_arguments; count <= most; ++count) tried(info, static_cast<uint32_t>(count));
  }
}

TEST_CASE("the reference page has a section with signature, example and result for each") {
  const std::string page = operator_reference_markdown();
  for (const OperatorInfo& info : operators()) {
    INFO(info.name);
    CHECK(page.find("\n### `" + std::string(info.name) + "`\n\n" + std::string(info.summary) +
                    "\n\n- Arguments: ") != std::string::npos);
    CHECK(page.find("\n```json computo\n" + std::string(info.example) + "\n```\n\n```json result\n" +
                    std::string(info.result) + "\n```\n") != std::string::npos);
  }
  CHECK(page.find("- Arguments: `text` (string), `length` (integer), `fill?` (string)\n- Gives: string\n- Errors: "
                  "`type`, `value`\n") != std::string::npos);
  for (const std::string_view group : operator_groups()) {
    CHECK(page.find("\n## " + std::string(group) + "\n\n### `") != std::string::npos);
  }
}

}  // namespace colloquium::computo
