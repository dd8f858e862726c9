#include "tests/computo/script_checks.h"

#include <algorithm>

#include "colloquium/batch.h"

#include "computo/convert.h"
#include "json/canonical.h"
#include "json/walk.h"

namespace colloquium::computo::testing {
namespace {

// A JSON text with its tape; null if it is none.
struct Input {
  explicit Input(std::string_view text) : bytes(text) {
    bytes.append(kBatchPadding, '\0');
    json::WalkError error;
    if (json::Walker().walk({bytes.data(), text.size()}, tape, error)) return;
    bytes.replace(0, text.size(), "null");
    json::Walker().walk_unchecked({bytes.data(), 4}, tape);
  }
  json::ValueView view() const { return {bytes.data(), tape.data(), 0}; }

  std::string bytes;
  std::vector<TapeToken> tape;
};

CompileOptions options(bool optimize) {
  CompileOptions out;
  out.optimize = optimize;
  out.any_metric = true;
  return out;
}

bool met_a_bound(std::string_view outcome) {
  return outcome.starts_with("error limit");
}

std::string outcome(Evaluator& evaluator, const Input& input) {
  const json::ValueView view = input.view();
  std::vector<char> bytes;
  std::vector<TapeToken> tape;
  if (evaluator.evaluate({&view, 1}) && evaluator.write(bytes, &tape)) {
    return std::string(bytes.begin(), bytes.end());
  }
  const ScriptError& error = evaluator.error();
  return "error " + std::string(to_string(error.category)) + " at " + error.path;
}

// A function among the results is shown as its script, which sugar writes with wrappers: those are taken off.
void append_plain(const json::ValueView& value, std::string& out) {
  const bool object = value.type() == TokenType::kObject;
  if (!object && value.type() != TokenType::kArray) {
    out += value.raw();
    return;
  }
  const json::ValueView first = value.first_child();
  if (object && value.count() == 1 && first.raw() == "\"array\"" && first.next().type() == TokenType::kArray) {
    return append_plain(first.next(), out);
  }
  out += object ? '{' : '[';
  for (json::ValueView child = first; !child.at_end_of(value); child = child.next()) {
    append_plain(child, out);
    out += ',';
  }
  out += object ? '}' : ']';
}

std::string without_wrappers(const std::string& result) {
  const auto document = json::parse(result, "result", {8192});
  std::string out;
  if (!document) return result;  // an error
  append_plain({document->text.data(), document->tape.data(), 0}, out);
  return out;
}

// The written result must be JSON, with the tape that a walk finds.
std::string check_result(Evaluator& evaluator, const Input& input) {
  const json::ValueView view = input.view();
  std::vector<char> bytes;
  std::vector<TapeToken> tape, walked;
  if (!evaluator.evaluate({&view, 1}) || !evaluator.write(bytes, &tape)) return {};
  const size_t size = bytes.size();
  bytes.resize(size + kBatchPadding);
  json::WalkError error;
  if (!json::Walker({8192}).walk({bytes.data(), size}, walked, error)) return "the result is no JSON";
  const auto same = [](const TapeToken& a, const TapeToken& b) {
    return a.offset == b.offset && a.length == b.length && a.next == b.next && a.count == b.count &&
           a.flags == b.flags && a.type_bits == b.type_bits;
  };
  return std::equal(tape.begin(), tape.end(), walked.begin(), walked.end(), same) ? ""
                                                                                  : "the result's tape is wrong";
}

}  // namespace

Limits small_limits() {
  Limits limits;
  limits.steps = 20'000;
  limits.depth = 200;
  limits.memory_bytes = 4u << 20;
  limits.output_bytes = 1u << 20;
  return limits;
}

std::string evaluated(std::string_view script, std::string_view input, bool optimize) {
  CompileFailure failure;
  const ProgramPtr program = compile_json(script, options(optimize), failure);
  if (program == nullptr) return "no script: " + std::string(to_string(failure.errors.front().category));
  Evaluator evaluator(program, small_limits());
  return outcome(evaluator, Input(input));
}

std::string check_evaluation(std::string_view script, std::string_view input) {
  CompileFailure failure;
  const ProgramPtr program = compile_json(script, options(true), failure);
  if (program == nullptr) return {};
  Evaluator evaluator(program, small_limits());
  const Input first(input);
  const Input other(
      R"({"xs":[3,{"a":"\u00e9"},"long enough to need memory of its own",[],null],"b":{"c":-1.5e3}})");
  const std::string wanted = outcome(evaluator, first);
  const std::string result = check_result(evaluator, first);
  if (!result.empty()) return result;
  const std::string once = outcome(evaluator, other);
  const std::string again = outcome(evaluator, first);
  if (again != wanted) return "evaluated again it gives " + again + ", not " + wanted;
  const std::string plain = evaluated(script, input, false);
  if (plain != wanted && !met_a_bound(plain) && !met_a_bound(wanted)) {
    return "without optimisation it gives " + plain + ", not " + wanted;
  }
  Evaluator fresh(program, small_limits());
  const std::string twice = outcome(fresh, other);
  if (twice != once) return "after another input it gives " + once + ", not " + twice;
  return {};
}

std::string check_conversion(std::string_view script, std::string_view input) {
  ScriptError error;
  const auto sugar = to_sugar(script, {}, error);
  if (!sugar) return {};
  const auto json = to_json(*sugar, {}, error);
  if (!json) return error.category == Category::kLimit ? "" : "its sugar cannot be read: " + *sugar;
  const auto again = to_sugar(*json, {}, error);
  if (!again && error.category == Category::kLimit) return {};
  if (!again || *again != *sugar) return "its sugar is written differently the second time: " + *sugar;
  CompileFailure failure;
  if (compile_sugar(*sugar, options(true), failure) == nullptr) return "its sugar is no script: " + *sugar;
  // Object-form bindings become a sequence, integral doubles become integers, a function shows its normal form.
  const bool may_differ = script.find("let") != script.npos || script.find_first_of(".eE") != script.npos;
  if (may_differ) return {};
  const std::string wanted = evaluated(script, input);
  const std::string got = evaluated(*json, input);
  const bool same = met_a_bound(wanted) || met_a_bound(got) || without_wrappers(wanted) == without_wrappers(got);
  return same ? "" : "as sugar it gives " + got + ", not " + wanted + ": " + *sugar;
}

}  // namespace colloquium::computo::testing
