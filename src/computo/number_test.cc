#include "computo/number.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "computo/testing.h"

namespace colloquium::computo {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr uint64_t kTop = std::numeric_limits<uint64_t>::max();

bool is_int(const Value& v, int64_t wanted) {
  return v.kind == Kind::kInt && v.integer == wanted;
}
bool is_double(const Value& v, double wanted) {
  return v.kind == Kind::kDouble && v.number == wanted;
}

Value number_of(std::string_view text) {
  const testing::Text parsed(text);
  const Source source{parsed.view().text(), parsed.view().root()};
  return decode_number(view_value(&source, 0));
}

}  // namespace

TEST_CASE("literals are integers as far as 64 bits reach, then doubles") {
  CHECK(is_int(number_of("-9223372036854775808"), kMin));
  CHECK(is_int(number_of("9223372036854775807"), kMax));
  CHECK(number_of("9223372036854775808").kind == Kind::kUint);
  CHECK(number_of("18446744073709551615").natural == kTop);
  CHECK(is_double(number_of("18446744073709551616"), 18446744073709551616.0));
  CHECK(is_double(number_of("-9223372036854775809"), -9223372036854775808.0));
  CHECK(is_double(number_of("1.0"), 1.0));
  CHECK(is_double(number_of("1e2"), 100.0));
  CHECK(is_int(number_of("-0"), 0));
}

TEST_CASE("steps of arithmetic are exact where the result fits") {
  Value out;
  CHECK(add(int_value(kMax), int_value(-1), out) == Arithmetic::kOk);
  CHECK(is_int(out, kMax - 1));
  CHECK(add(int_value(kMax), int_value(1), out) == Arithmetic::kOk);
  CHECK(is_double(out, 9223372036854775808.0));
  CHECK(add(uint_value(kTop), int_value(kMin), out) == Arithmetic::kOk);
  CHECK(is_int(out, kMax));
  CHECK(subtract(int_value(-1), int_value(kMax), out) == Arithmetic::kOk);
  CHECK(is_int(out, kMin));
  CHECK(subtract(uint_value(kTop), uint_value(kTop - 5), out) == Arithmetic::kOk);
  CHECK(is_int(out, 5));
  CHECK(multiply(int_value(kMin), int_value(-1), out) == Arithmetic::kOk);
  CHECK(is_double(out, 9223372036854775808.0));
  CHECK(multiply(uint_value(kTop), uint_value(kTop), out) == Arithmetic::kOk);
  CHECK(is_double(out, 3.402823669209385e38));
  CHECK(multiply(uint_value(kTop), int_value(0), out) == Arithmetic::kOk);
  CHECK(is_int(out, 0));
  CHECK(divide(uint_value(kTop), int_value(5), out) == Arithmetic::kOk);
  CHECK(is_int(out, static_cast<int64_t>(kTop / 5)));
  CHECK(divide(int_value(kMin), int_value(-1), out) == Arithmetic::kOk);
  CHECK(is_double(out, 9223372036854775808.0));
  CHECK(remainder(int_value(kMin), int_value(-1), out) == Arithmetic::kOk);
  CHECK(is_int(out, 0));
  CHECK(remainder(uint_value(kTop), int_value(10), out) == Arithmetic::kOk);
  CHECK(is_int(out, 5));
}

TEST_CASE("a result may take the place of an operand") {
  Value x = int_value(6);
  CHECK(divide(x, int_value(4), x) == Arithmetic::kOk);
  CHECK(is_double(x, 1.5));
  CHECK(arithmetic_step(Opcode::kMultiply, x, x, x) == Arithmetic::kOk);
  CHECK(is_double(x, 2.25));
}

TEST_CASE("zero divides nothing and infinity is no result") {
  Value out = int_value(7);
  for (const Value& zero : {int_value(0), double_value(0.0), double_value(-0.0)}) {
    CHECK(divide(int_value(1), zero, out) == Arithmetic::kDivisionByZero);
    CHECK(remainder(double_value(1.5), zero, out) == Arithmetic::kDivisionByZero);
  }
  CHECK(add(double_value(1.7e308), double_value(1.7e308), out) == Arithmetic::kNotFinite);
  CHECK(divide(double_value(1e308), double_value(1e-10), out) == Arithmetic::kNotFinite);
  CHECK(is_int(out, 7));
}

TEST_CASE("numbers compare by exact value, whatever holds them") {
  // Ascending; each is less than all behind it.
  const std::vector<Value> ascending = {double_value(-1e300),
                                        double_value(-9223372036854777856.0),
                                        int_value(kMin),
                                        int_value(kMin + 1),
                                        double_value(-1.5),
                                        int_value(-1),
                                        double_value(-0.5),
                                        int_value(0),
                                        double_value(5e-324),
                                        int_value(9007199254740992),
                                        int_value(9007199254740993),
                                        double_value(9007199254740994.0),
                                        int_value(kMax),
                                        double_value(9223372036854775808.0),
                                        uint_value(9223372036854775809u),
                                        uint_value(kTop),
                                        double_value(18446744073709551616.0)};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t k = 0; k < ascending.size(); ++k) {
      INFO(i << " and " << k);
      const int wanted = i < k ? -1 : i > k;
      CHECK(compare_numbers(ascending[i], ascending[k]) == wanted);
    }
  }
}

TEST_CASE("equal numbers have equal hashes") {
  const std::vector<std::pair<Value, Value>> equal = {
      {int_value(1), double_value(1.0)},
      {int_value(0), double_value(-0.0)},
      {uint_value(9223372036854775808u), double_value(9223372036854775808.0)},
      {int_value(kMin), double_value(-9223372036854775808.0)}};
  for (const auto& [a, b] : equal) {
    CHECK(compare_numbers(a, b) == 0);
    CHECK(hash_number(a) == hash_number(b));
  }
  CHECK(hash_number(int_value(1)) != hash_number(int_value(2)));
}

}  // namespace colloquium::computo
