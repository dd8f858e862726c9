#include "base/units.h"

#include <charconv>
#include <span>

#include "base/assert.h"

namespace colloquium {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr int64_t kKi = 1024;
constexpr Unit kDurations[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
// Of two units that divide a number the earlier one writes it.
constexpr Unit kSizes[] = {{"TiB", kKi* kKi* kKi* kKi},
                           {"TB", 1'000'000'000'000},
                           {"GiB", kKi* kKi* kKi},
                           {"GB", 1'000'000'000},
                           {"MiB", kKi* kKi},
                           {"MB", 1'000'000},
                           {"KiB", kKi},
                           {"KB", 1000},
                           {"B", 1}};

constexpr char kDurationForm[] = "a whole number and a unit (ms, s, m, h, d), such as 500ms, 10s or 7d";
constexpr char kSizeForm[] =
    "a whole number and a unit (B, KB, MB, GB, TB, KiB, MiB, GiB, TiB), such as 64KiB or 1GB";

tl::unexpected<Error> malformed(std::string_view text, const char* what, const char* form) {
  return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' is no " + what + ": write " + form);
}

Result<int64_t> parse(std::string_view text, std::span<const Unit> units, int64_t bare_factor, const char* what,
                      const char* form) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  // from_chars would take a sign.
  const bool digits = !text.empty() && text[0] >= '0' && text[0] <= '9';
  if (!digits) return malformed(text, what, form);
  if (error == std::errc::result_out_of_range) {
    return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' is too large a " + what);
  }
  const std::string_view name(after, static_cast<size_t>(end - after));
  // Zero is zero in every unit; another number without one counts bytes, and is no duration.
  int64_t factor = name.empty() && (bare_factor != 0 || number == 0) ? 1 : 0;
  for (const Unit& unit : units) {
    if (unit.name == name) factor = unit.factor;
  }
  if (factor == 0) return malformed(text, what, form);
  int64_t product = 0;
  if (__builtin_mul_overflow(number, factor, &product)) {
    return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' is too large a " + what);
  }
  return product;
}

std::string format(int64_t number, std::span<const Unit> units, std::string_view zero) {
  ASSERT(number >= 0);
  if (number == 0) return std::string(zero);
  for (const Unit& unit : units) {
    if (number % unit.factor == 0) return std::to_string(number / unit.factor) + std::string(unit.name);
  }
  ASSERT_WHY(false, "the last unit divides everything");
  return {};
}

}  // namespace

Result<int64_t> parse_duration_ms(std::string_view text) {
  return parse(text, kDurations, 0, "duration", kDurationForm);
}

Result<int64_t> parse_size_bytes(std::string_view text) {
  return parse(text, kSizes, 1, "size", kSizeForm);
}

std::string format_duration(int64_t duration_ms) {
  return format(duration_ms, kDurations, "0s");
}

std::string format_size(int64_t size_bytes) {
  return format(size_bytes, kSizes, "0B");
}

}  // namespace colloquium
