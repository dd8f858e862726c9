// PlanData: what Plan::compile found out. Private to src/engine.
#pragma once

#include <map>
#include <optional>
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

// The legs of a pipeline that read the same stream: what the sources bring, or what an asynchronous stage makes.
// They end in the next asynchronous stage, or in the sinks.
struct SectionPlan {
  std::string stream;
  size_t first_stage = 0, end_stage = 0;  // its pure stages, as in config
  std::optional<size_t> async_stage;      // that it ends in; nothing: it is the last, and ends in the sinks
  // It has a stage other than a filter: what reaches a leg's end is another event for each, and gets an id of its
  // own.
  bool makes_events = false;
};

struct PlanData {
  config::PipelineConfig config;
  std::vector<SourcePlan> sources;  // as in config
  std::vector<SinkPlan> sinks;      // as in config
  computo::ProgramPtr partition_by;
  std::vector<SectionPlan> sections;  // one or more, in order

  bool logged() const { return config.log.enabled; }
  bool any_rereadable() const;
  log::Codec codec() const;
  log::AckLevel ack() const;
  RetryPolicy retry(const config::ComponentConfig& component) const;
  config::FailureAction failure_action(const config::ComponentConfig& component) const;
  // The pipeline that gets what a component gives up instead of the dead letters; empty: none.
  std::string forward_to(const config::ComponentConfig& component) const;
  // All of those.
  std::vector<std::string> rescuers() const;
  // With the one that gets the alerts.
  std::vector<std::string> forward_targets() const;
  std::string dead_stream() const;
  // The names of the legs of a section: of its asynchronous stage, or of the sinks.
  std::vector<std::string> legs(const SectionPlan& section) const;

  // What every script may read beside the event: JSON texts by variable name.
  std::map<std::string, std::string> script_variables() const;
};

}  // namespace colloquium::engine
