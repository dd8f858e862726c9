// Scalars: how plain text is typed, and how a value is written so that it reads back the same.
//
// A plain scalar is null, true, false or a JSON number (RFC 8259, section 6) if it is spelled exactly so;
// everything else (no, on, 010, ~, .inf) is a string. That is YAML 1.2's JSON schema with strings for the rest.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "colloquium/config_spec.h"

namespace colloquium::config {

bool is_json_number(std::string_view text);

// Types `text` as a plain scalar and puts it into `node`; its mark stays. An integer too large for 64 bits is
// a kDouble whose text keeps every digit.
void set_plain(ConfigNode& node, std::string text);

// Makes `node` a string.
void set_string(ConfigNode& node, std::string text);

// A finite number as JSON writes it: the shortest text that reads back the same.
std::string show_number(double value);

// A string as a YAML flow scalar: plain where that reads back as the same string, else in double quotes.
std::string yaml_string(std::string_view text);

}  // namespace colloquium::config
