// The `anthropic` provider, as a pipeline's `ai` section has it.
//
// Thread safety: a descriptor is immutable and lives for ever.
#pragma once

#include "colloquium/component.h"

namespace colloquium::components {

const Descriptor& anthropic_provider();

}  // namespace colloquium::components
