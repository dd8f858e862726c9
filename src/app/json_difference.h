// json_difference: where two JSON texts differ as values, for the messages of failing cases.
//
// Objects are compared without order, numbers by value. Thread safety: a pure function.
#pragma once

#include <string>
#include <string_view>

namespace colloquium::app {

// What stands before each of the two values.
struct DifferenceWords {
  const char* first = "expected";
  const char* second = "got";
};

// "at /items/0/price: expected 3, got 4", or nothing if they are equal.
std::string json_difference(std::string_view expected, std::string_view actual, const DifferenceWords& words = {});

}  // namespace colloquium::app
