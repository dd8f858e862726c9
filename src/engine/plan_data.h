// PlanData: what Plan::compile found out. Private to src/engine.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "colloquium/component.h"

#include "computo/program.h"
#include "config/pipeline_config.h"
#include "engine/retry_policy.h"
#include "log/log.h"

namespace colloquium::engine {

// Immutable once compiled, like everything here; programs are shared by all threads that evaluate them.
struct SourcePlan {
  SourceTraits traits;
  computo::ProgramPtr dedupe_key;       // null: no dedupe
  computo::ProgramPtr dedupe_sequence;  // null: dedupe_key is the event's id, else its producer's
};

struct RouteCase {
  computo::ProgramPtr program;
  bool wanted = false;  // by this sink
};

struct SinkPlan {
  computo::ProgramPtr when;      // null: every event
  std::vector<RouteCase> route;  // every case, in their order; empty: the sink takes no part in `route`
  bool first_match = true;       // else every case that is true counts
  bool takes_rest = false;       // what no case takes
  bool selects() const { return when != nullptr || !route.empty(); }
  Guarantee guarantee = Guarantee::kAtLeastOnce;
};

struct PlanData {
  config::PipelineConfig config;
  std::vector<SourcePlan> sources;  // as in config
  std::vector<SinkPlan> sinks;      // as in config
  computo::ProgramPtr partition_by;
  // A stage other than a filter: what reaches a sink is another event for every sink, and gets an id of its own.
  bool makes_events = false;

  bool logged() const { return config.log.enabled; }
  bool any_rereadable() const;
  log::Codec codec() const;
  log::AckLevel ack() const;
  RetryPolicy retry(size_t sink) const;
  config::FailureAction failure_action(const config::ComponentConfig& component) const;
  // The pipeline that gets what a component gives up instead of the dead letters; empty: none.
  std::string forward_to(const config::ComponentConfig& component) const;
  // All of those.
  std::vector<std::string> rescuers() const;
  // With the one that gets the alerts.
  std::vector<std::string> forward_targets() const;
  std::string dead_stream() const;

  // What every script may read beside the event: JSON texts by variable name.
  std::map<std::string, std::string> script_variables() const;
};

}  // namespace colloquium::engine
