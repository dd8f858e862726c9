// What the tests of src/computo share: texts with their tape, and running a script in one line.
//
// Tests only. Thread safety: none needed.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"

#include "computo/program.h"
#include "json/walk.h"

namespace colloquium::computo::testing {

// A JSON text, padded, with its tape.
class Text {
 public:
  explicit Text(std::string_view text) : bytes_(text) {
    bytes_.append(kBatchPadding, '\0');
    json::WalkError error;
    INFO(text.substr(0, 200));
    REQUIRE(json::Walker().walk({bytes_.data(), text.size()}, tape_, error));
  }
  json::ValueView view() const { return {bytes_.data(), tape_.data(), 0}; }

 private:
  std::string bytes_;
  std::vector<TapeToken> tape_;
};

inline ProgramPtr compiled(std::string_view script, const CompileOptions& options = {}) {
  CompileFailure failure;
  ProgramPtr program = compile_json(script, options, failure);
  INFO(script.substr(0, 200));
  INFO((failure.errors.empty() ? std::string() : failure.errors.front().message()));
  REQUIRE(program != nullptr);
  return program;
}

// "3", or "type /+/1".
inline std::string outcome(Evaluator& evaluator, const std::vector<json::ValueView>& inputs = {}) {
  std::vector<char> bytes;
  if (evaluator.evaluate(inputs) && evaluator.write(bytes, nullptr))
    return std::string(bytes.begin(), bytes.end());
  return std::string(to_string(evaluator.error().category)) + " " + evaluator.error().path;
}

inline std::string outcome(std::string_view script, std::string_view input = "null", const Limits& limits = {}) {
  const Text text(input);
  Evaluator evaluator(compiled(script), limits);
  return outcome(evaluator, {text.view()});
}

// `depth` times `before`, then `inner`, then as often `after`.
inline std::string nested(size_t depth, std::string_view before, std::string_view inner, std::string_view after) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += before;
  text += inner;
  for (size_t i = 0; i < depth; ++i) text += after;
  return text;
}

// A list of the numbers below `count`.
inline std::string numbers(size_t count) {
  std::string text = "[";
  for (size_t i = 0; i < count; ++i) text += (i > 0 ? "," : "") + std::to_string(i);
  return text + "]";
}

}  // namespace colloquium::computo::testing
