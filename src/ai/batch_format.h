// What the batches of providers have in common as formats.
//
// Thread safety: functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/ai_batches.h"
#include "colloquium/ai_provider.h"

namespace colloquium::ai {

// A name that a provider gave, which becomes part of a URL: letters, digits, '-', '_' and '.', and no more than
// 200.
bool is_batch_name(std::string_view name);

// An answer that makes no sense: it is asked again.
AiFailure no_sense(std::string_view what, std::string_view body);

// The "custom_id" that a JSON line begins with, or has near its beginning; empty: none.
std::string custom_id_in(std::string_view beginning);

// Appends JSON that has been checked, on one line.
void append_on_a_line(std::string& to, std::string_view json);

// Headers for a GET.
AiHttpRequest get_request(std::string url, std::vector<std::pair<std::string, std::string>> headers,
                          const AiAccess& access);

// The head of a result, as if it were an answer of its own.
AiHead json_head(int status);

}  // namespace colloquium::ai
