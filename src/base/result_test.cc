#include "colloquium/result.h"

#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>

namespace colloquium {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalidInput, "odd", "here", true);
  return number / 2;
}

Result<int> quarter(int number) {
  TRY_ASSIGN(const int once, half(number));
  TRY_ASSIGN(const int twice, half(once));
  return twice;
}

Status even_twice(int number) {
  TRY(quarter(number));
  return {};
}

Result<std::unique_ptr<int>> owned(int number) {
  TRY_ASSIGN(const int value, half(number));
  return std::make_unique<int>(value);
}

TEST_CASE("a result is a value or an error with everything it was given") {
  CHECK(half(4).value() == 2);
  const auto failed = half(3);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::kInvalidInput);
  CHECK(failed.error().retryable);
  CHECK(failed.error().describe() == "here: odd");
  CHECK(Error{ErrorCode::kIo, "alone", false, {}}.describe() == "alone");
}

TEST_CASE("a failure returns through every function that tries") {
  CHECK(quarter(8).value() == 2);
  CHECK_FALSE(quarter(7));
  CHECK(quarter(6).error().describe() == "here: odd");
  CHECK(even_twice(8));
  CHECK_FALSE(even_twice(6));
}

TEST_CASE("a result may own what can only be moved") {
  auto result = owned(4);
  REQUIRE(result);
  const std::unique_ptr<int> number = std::move(*result);
  CHECK(*number == 2);
  CHECK_FALSE(owned(5));
}

TEST_CASE("every error code has a name of its own in snake case") {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const std::string name(to_string(static_cast<ErrorCode>(code)));
    INFO(name);
    CHECK(names.insert(name).second);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
  }
}

}  // namespace
}  // namespace colloquium
