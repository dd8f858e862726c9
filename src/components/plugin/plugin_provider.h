// The `plugin` provider, as a pipeline's `ai` section has it: one that somebody wrote, as a program or as an HTTP
// endpoint.
//
// Thread safety: a descriptor is immutable and lives for ever.
#pragma once

#include "colloquium/component.h"

namespace colloquium::components {

const Descriptor& plugin_provider();

}  // namespace colloquium::components
