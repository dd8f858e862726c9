// What must not be shown is taken out of a text that somebody else wrote: a message of a provider's, a line of a
// program's.
//
// Thread safety: a function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace colloquium {

// What is shorter is no secret, and stands in words.
inline constexpr size_t kSecretBytesMin = 8;

// Each secret in it becomes "[key]", and so does each line of one that has several. The text may be a piece of a
// longer one that was cut anywhere: at its ends, so does what is left of a secret, if that is kSecretBytesMin
// long.
void hide_secrets(std::string& text, std::vector<std::string_view> secrets);

}  // namespace colloquium
