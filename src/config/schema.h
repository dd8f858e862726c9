// JSON Schema (draft 2020-12) from specs, for editors and other tools.
//
// A schema accepts what the spec accepts, and ${…} in the place of any scalar. What only the language can tell
// (expressions) is left open. Texts are indented JSON ending in a line break; the same specs give the same
// bytes. Thread safety: pure functions.
#pragma once

#include <string>

#include "config/pipeline_config.h"

namespace colloquium::config {

std::string object_schema_json(const ObjectSpec& spec, const std::string& title);
std::string settings_schema_json();

// A whole pipeline file with every component of the registry.
std::string pipeline_schema_json(const ComponentRegistry& registry);

}  // namespace colloquium::config
