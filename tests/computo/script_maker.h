// Scripts made of choices: those of a random generator, or of the bytes that a fuzzer gives.
//
// They are JSON scripts of every operator there is, with the right number of arguments or not, functions where
// functions belong or anywhere else, and names that are bound or not. Many fail when they are evaluated; about
// half give a value.
//
// Tests only. Thread safety: belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace colloquium::computo::testing {

class ScriptMaker {
 public:
  // A number below `bound`, which is positive. Zero ends things soonest.
  using Choose = std::function<uint32_t(uint32_t bound)>;
  explicit ScriptMaker(Choose choose) : choose_(std::move(choose)) {}

  // One expression, JSON text, nested up to `depth` calls deep. Scripts end in time whatever is chosen.
  std::string script(uint32_t depth);

  // Data, for an input.
  std::string data(uint32_t depth);

 private:
  bool one_in(uint32_t n) { return choose_(n) == n - 1; }
  std::string expression(uint32_t depth);
  std::string expressions(uint32_t count, uint32_t depth);
  std::string call(uint32_t depth);
  std::string argument(std::string_view example, uint32_t depth);
  std::string function(uint32_t parameters, uint32_t depth);
  std::string let(uint32_t depth);
  std::string loop(uint32_t depth);
  std::string access();
  std::string name();

  Choose choose_;
  uint32_t left_ = 0;  // expressions that may still be made
};

// Choices of bytes; when they are used up, zero.
ScriptMaker::Choose choices_of(std::string_view bytes);

// Choices of a generator that the seed starts.
ScriptMaker::Choose random_choices(uint32_t seed);

}  // namespace colloquium::computo::testing
