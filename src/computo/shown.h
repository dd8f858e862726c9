// Shown: values as messages show them: compact, cut to a readable length, and without what must stay secret.
//
// A value is secret if the name it stands under looks like one: that of the member it is the value of, or one on
// the way of the expression that reads it.
//
// Thread safety: functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "computo/code.h"
#include "computo/value.h"

namespace colloquium::computo {

inline constexpr size_t kShownBytes = 80;
inline constexpr std::string_view kMasked = "***";

// "password", "api_key", "X-Auth-Token", "cardNumber": whatever has a word of secrets in it, in any case, with or
// without '_' and '-'.
bool looks_secret(std::string_view name);

// Whether a value on a tape is that of a member whose name looks secret; or also, if any of the containers around
// it is, which takes time in proportion to the tape: too much for what a script may let happen in a loop.
enum class Around : uint8_t { kNearest, kAll };
bool stands_under_secret(const Value& value, Around around);

// Whether the expression reads from a place that has a secret's name: ["$input", "/user/password"].
bool reads_secret(const Program& program, uint32_t token);

// Compact JSON of about kShownBytes at most; what is left out is "…". Functions are "function".
std::string shown(const Value& value);

// The first names of an object's members, enough to find the one that was meant. REQUIRES: an object.
std::vector<std::string> member_names(const Value& object);

// `text` cut within `most` bytes, never within a character, with "…" behind it if it was.
std::string shortened(std::string_view text, size_t most);

}  // namespace colloquium::computo
