// Components that break one promise each, and honest ones of the same making: the twins of the checks.
//
// Thread safety: as components.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "metrics/registry.h"
#include "tests/compliance/component_contract.h"

namespace colloquium::compliance {

struct Twin {
  const char* fault;  // "loses what is turned away"
  const char* check;  // the check that has to find it
  const char* why;    // what that has to say, or a part of it
  Subject subject;
};

// The honest one, which keeps every promise; then the broken ones.
Subject honest_source();
Subject honest_sink();
Subject honest_stage();
Subject honest_provider();
std::vector<Twin> broken_sources();
std::vector<Twin> broken_sinks();
std::vector<Twin> broken_stages();
std::vector<Twin> broken_providers();

// A descriptor that nothing is wrong with, for twins; it lives for ever.
Descriptor& twin_descriptor(ComponentKind kind);

// The same component, badly documented.
Subject undocumented(Subject subject);
Subject with_broken_example(Subject subject);

// A metric of a twin.
struct TwinMetric {
  static std::shared_ptr<TwinMetric> make(const ComponentContext& context, const std::string& component);
  Gauge gauge;
  metrics::Registration registration;
};

// A connection to a port of this machine, which the caller closes.
int connect_to(int64_t port);

inline constexpr int64_t kTwinLimitMs = 300;  // a broken component is waited for no longer

}  // namespace colloquium::compliance
