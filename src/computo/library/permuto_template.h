// What filling a template and reading it backwards share: options and placeholders.
//
// Thread safety: as the machine's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "computo/library/places.h"
#include "computo/machine.h"
#include "computo/value.h"

namespace colloquium::computo::ops {

struct TemplateOptions {
  std::string_view start;
  std::string_view end;
  bool interpolation;
  PermutoOptions::MissingKey missing_key;
  uint32_t max_depth;
};

// Those of argument `i`, if the call has it, over those of the program. Errors: type, value.
bool template_options(Machine& machine, const Value* arguments, uint32_t count, uint32_t i, TemplateOptions& out);

// The pointer if the whole text is one placeholder; nothing if it is ordinary text, or text with placeholders.
std::optional<std::string_view> exact_placeholder(std::string_view text, const TemplateOptions& options);

// Whether what stands between the markers makes a placeholder.
inline bool is_placeholder(std::string_view inner) {
  return inner.empty() || inner[0] == '/';
}

// Fails if data at this level, the root's being 1, is nested too deep for a template.
bool check_level(Machine& machine, const TemplateOptions& options, uint32_t level);

}  // namespace colloquium::computo::ops
