// Reference pages (Markdown) from specs and descriptors, so that what is documented is what is read.
//
// The same input gives the same bytes. Thread safety: pure functions.
#pragma once

#include <string>

#include "config/pipeline_config.h"

namespace colloquium::config {

// A component's page: what it is, what it promises, its settings and its examples.
std::string component_reference_markdown(const Descriptor& descriptor);

// The pipeline file: its sections, and a list of the components there are, linked to pages named
// "<kind>-<name>.md".
std::string pipeline_reference_markdown(const ComponentRegistry& registry);

// The settings of the process: key, variable, flag.
std::string settings_reference_markdown();

// The table of an object's keys; nested objects as "rotate.size".
std::string fields_markdown(const ObjectSpec& spec);

}  // namespace colloquium::config
