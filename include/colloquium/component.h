// Descriptor: everything the rest of Colloquium knows about a component.
//
// A component is one folder under src/components and one add_component line. It exports functions such as
// `const Descriptor& file_sink()`; the build writes the table of them (no static initialisers: a static
// archive drops those). The engine, the reference pages, the schema and the compliance suite read the table.
//
// Thread safety: descriptors are immutable and live for ever; create functions run on the loop.
#pragma once

#include <any>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <typeindex>
#include <vector>

#include "colloquium/ai_provider.h"
#include "colloquium/clock.h"
#include "colloquium/config_spec.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"
#include "colloquium/script_host.h"
#include "colloquium/sink.h"
#include "colloquium/source.h"
#include "colloquium/stage.h"

namespace colloquium {

class AiCalls;

enum class ComponentKind { kSource, kStage, kSink, kProvider };
enum class ComponentStatus { kStable, kBeta, kExperimental };

// Things of the process that some components share (the ingest server, the file system), by type. The
// pointers outlive every component.
class Services {
 public:
  template <class T>
  void provide(T* service) {
    services_[std::type_index(typeid(T))] = service;
  }
  // Null if the process has none.
  template <class T>
  T* find() const {
    auto it = services_.find(std::type_index(typeid(T)));
    return it == services_.end() ? nullptr : static_cast<T*>(it->second);
  }

 private:
  std::map<std::type_index, void*> services_;
};

// What every component is given. References outlive the component.
struct ComponentContext {
  Loop& loop;
  const Clock& clock;
  Random& random;
  const Services& services;
  std::string pipeline;
  std::string name;      // of the component in its pipeline
  std::string base_dir;  // relative paths in the configuration start here
  // What scripts may read beside the event and its meta data: JSON texts by variable name (stream_metadata,
  // pipeline_config, what `context` has). May be null.
  std::shared_ptr<const std::map<std::string, std::string>> script_variables = nullptr;
  // What scripts may count. Null: nothing is declared.
  std::shared_ptr<ScriptMetrics> script_metrics = nullptr;
  AiCalls* ai = nullptr;  // through which models are asked; null: the pipeline has no `ai` section
};

// A service that a component cannot do without. `who` and `what` are for the message: "a kafka sink", "executor".
template <class T>
Result<T*> required_service(const ComponentContext& context, const char* who, const char* what) {
  if (T* const service = context.services.find<T>()) return service;
  return fail(ErrorCode::kInternal, std::string(who) + " needs the process's " + what,
              context.pipeline + "/" + context.name);
}

struct SourceContext : ComponentContext {
  Intake& intake;
  bool from_start = false;  // --from-start: read again what is still there, whatever was read before
  Task finished;            // call once when a finite source has emitted everything; loop only
  // Instead of `finished`, by a source that cannot read on and will not try again: what it has emitted goes its
  // way, and the run ends with this error.
  UniqueFunction<void(Error)> failed;
  // What the door acknowledges is no safer than memory (`ack: queued`, `log: off`): a source that answers a peer
  // need not wait for the acknowledgement, as long as it keeps what it was given.
  bool acks_from_memory = false;
};

// What a pipeline needs to know about a source before it is created.
struct SourceTraits {
  bool rereadable = false;            // it can resume from a cursor
  bool finite = false;                // it ends by itself
  bool needs_log = false;             // its parts' positions are kept nowhere else: not with `log: off`
  bool listens = false;               // peers come to it at the ingest port, which is opened for it
  int64_t max_event_bytes = 1 << 20;  // longest event the door takes from it; longer ones are bad events
  // With rereadable: when what is accepted may come again all the same, as a sentence goes on behind "at least
  // once". Dedupe makes up for it. Empty: never.
  std::string repeats = {};
};

// Something outside of the process that a component takes: pipelines that are to run together are checked for two
// that take the same.
struct Claim {
  std::string what;     // for messages, and equal exactly where it is the same thing: "the path /in"
  std::string field;    // the setting that names it; empty: the component as a whole
  bool shared = false;  // several may have it if all of them say so
  std::string advice;   // "give every http source a path of its own"
};

// A configuration that has been read; only the descriptor that made it looks inside.
using ParsedConfig = std::shared_ptr<const void>;

struct ComponentExample {
  std::string title;
  std::string yaml;  // the component as it stands in a pipeline's list, e.g. "http: {path: /orders}"
};

struct Descriptor {
  ComponentKind kind = ComponentKind::kSource;
  std::string name;
  ComponentStatus status = ComponentStatus::kStable;
  std::string summary;                           // one sentence
  std::string description;                       // Markdown
  std::string input_trust;                       // what it does with hostile input, in one sentence
  std::string guarantee;                         // what delivery it promises, in one sentence
  Guarantee delivery = Guarantee::kAtLeastOnce;  // sinks: the same for the engine; equals Sink::guarantee()
  std::function<Guarantee(const ParsedConfig&)> delivery_of;  // instead, where the settings decide. May be empty.
  std::vector<ComponentExample> examples;
  ObjectSpec spec;

  // Reads and checks the settings without creating anything.
  std::function<ParsedConfig(const ConfigNode& node, ConfigProblems& problems)> parse;

  // Exactly one of these is set, by kind.
  std::function<Result<std::unique_ptr<Source>>(const ParsedConfig&, SourceContext)> create_source;
  std::function<Result<std::unique_ptr<Sink>>(const ParsedConfig&, ComponentContext)> create_sink;
  std::function<Result<std::unique_ptr<PureStage>>(const ParsedConfig&, ComponentContext)> create_pure_stage;
  std::function<Result<std::unique_ptr<AsyncStage>>(const ParsedConfig&, ComponentContext)> create_async_stage;

  // Of an asynchronous stage: all that it does outside of the process it does through ComponentContext::ai, and it
  // is done with an event as soon as that has answered. So the answers can come from a test or a record instead.
  bool asks_models_only = false;

  // For how long what models answered it may be given again to whoever asks the same (AiQuestion::cache_ttl_ms);
  // 0: not at all. May be empty.
  std::function<int64_t(const ParsedConfig&)> keeps_answers_ms;

  // Opens nothing: `base_dir` is where relative paths start.
  std::function<Result<AiConnection>(const ParsedConfig&, const std::string& base_dir)> create_provider;

  std::function<SourceTraits(const ParsedConfig&)> source_traits;  // sources only
  // What it takes. May be empty.
  std::function<std::vector<Claim>(const ParsedConfig&, const std::string& base_dir)> claims;
  // Sinks that deliver at least once: how a receiver can tell a repeat, as a sentence goes on. May be empty.
  std::string repeats_known_by = {};
  // Sinks: what happens twice when events are delivered again with the ids they had, as a sentence goes on behind
  // the sink's name: "appends each line again". Nothing where ids overwrite, or nothing was delivered yet. Not
  // set: it delivers each event again.
  std::function<std::string(const ParsedConfig&, const std::string& base_dir)> repeats;
  // Further checks that need the surroundings (a script that compiles, a file that exists). May be empty.
  std::function<void(const ParsedConfig&, const std::string& base_dir, ConfigProblems& problems)> check;
  // The same for scripts among the settings, which may use what the whole pipeline declares. May be empty.
  std::function<void(const ParsedConfig&, const ScriptNames& names, ConfigProblems& problems)> check_scripts;
};

// Checks what types cannot, of the settings that `node` holds, and may complete them.
template <class Config>
using ConfigCheck = std::function<void(Config& config, const ConfigNode& node, ConfigProblems& problems)>;

// Fills spec and parse of a descriptor from one ConfigSpec. `check` may be null.
template <class Config>
void bind_spec(Descriptor& descriptor, ConfigSpec<Config> spec,
               std::type_identity_t<ConfigCheck<Config>> check = nullptr) {
  descriptor.spec = spec.object();
  descriptor.parse = [spec = std::move(spec), name = descriptor.name, check = std::move(check)](
                         const ConfigNode& node, ConfigProblems& problems) -> ParsedConfig {
    auto config = std::make_shared<Config>(spec.read(node, name, problems));
    if (check) check(*config, node, problems);
    return config;
  };
}

template <class Config>
const Config& config_of(const ParsedConfig& parsed) {
  return *static_cast<const Config*>(parsed.get());
}

}  // namespace colloquium
