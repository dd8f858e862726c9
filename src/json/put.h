// put(): a value into a place of another, as a JSON Pointer (RFC 6901) names it; what is beside it stays as its
// bytes are.
//
// Thread safety: functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/view.h"

namespace colloquium::json {

// The reference tokens of a pointer, decoded: "/a~1b/0" is {"a/b", "0"}, and "" is none: the whole. Nothing if it
// is no pointer.
std::optional<std::vector<std::string>> parse_pointer(std::string_view pointer);

// Appends `root` with `value`, JSON, in the place of `path`. Members that are missing on the way are made, at the
// end of their object. False, and nothing appended, where the way leads into what is neither an object nor an
// element that is there.
bool put(const ValueView& root, const std::vector<std::string>& path, std::string_view value, std::string& out);

}  // namespace colloquium::json
