// EventEvaluator: an Evaluator over the events of batches, with the variables every stage's script may read.
//
// $input is the event's value, null for a tombstone. $event_metadata is {headers, id, key, offset, partition,
// source, stream, timestamp, tombstone}, made only for programs that read it: `key` is null if the event has
// none; `headers` is an object, of repeated names the last counts; a key, header name or header value that is
// no UTF-8 appears in base64; `timestamp` is RFC 3339 in UTC. The other variables come from a HostContext.
//
// Thread safety: EventEvaluator belongs to one thread; HostContext is immutable.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"
#include "colloquium/script_host.h"

#include "computo/program.h"
#include "json/walk.h"

namespace colloquium::computo {

// What stays the same for all events of a pipeline: variables as JSON, parsed once.
class HostContext {
 public:
  // JSON texts by variable name: stream_metadata, pipeline_config, …
  static Result<std::shared_ptr<const HostContext>> create(const std::map<std::string, std::string>& variables);

  // Null if it has no such variable.
  const json::ValueView* find(const std::string& name) const;

 private:
  HostContext() = default;
  struct Variable {
    explicit Variable(json::Document parsed);
    json::Document document;
    json::ValueView view;
  };
  std::map<std::string, std::unique_ptr<const Variable>> variables_;
};

// The program's variables as the context has them, in their order; null for any that it has not, or without one.
std::vector<Binding> host_bindings(const Program& program, const HostContext* context);

// Hands the changes of metrics that an evaluation asks for to `metrics`, which may be null.
// REQUIRES: the evaluation succeeded.
Status apply_effects(const Evaluator& evaluator, ScriptMetrics* metrics);

// An error as scripts read it: {arguments, category, column, line, message, path}.
std::string error_json(const ScriptError& error);

class EventEvaluator {
 public:
  // `context` may be null: its variables are null then.
  EventEvaluator(ProgramPtr program, std::shared_ptr<const HostContext> context, Limits limits = {});

  // Evaluates over event `i`; false on error, see failure(). The result, in evaluator(), is valid until the
  // next evaluation and as long as `batch`. A batch without a tape is walked here.
  bool evaluate(const Batch& batch, size_t i);

  // Evaluates once over all events of `batch`: together they are $inputs, and the meta data is the first's (null
  // if there is none). Else as above.
  bool evaluate_together(const Batch& batch);

  // Gives a variable that only some events have its value, a JSON text, for the evaluations that follow. Nothing
  // happens if the program does not know it.
  void bind(std::string_view variable, const std::string& json);

  // Whether the last evaluation, or writing its result, failed.
  bool failed() const { return evaluator_.failed(); }

  Evaluator& evaluator() { return evaluator_; }
  const Program& program() const { return *program_; }

  // REQUIRES: the last evaluation, or writing its result, failed. "file:line:col: error[category]: …".
  Error failure() const;

 private:
  const TapeToken* tape(const Batch& batch, size_t i);
  void write_metadata(const Batch& batch, size_t i);

  ProgramPtr program_;
  std::shared_ptr<const HostContext> context_;
  Evaluator evaluator_;
  std::vector<Binding> bindings_;
  std::unique_ptr<json::Document> bound_;  // by bind()
  json::ValueView bound_view_;
  bool metadata_wanted_ = false;
  json::ValueView metadata_;
  std::vector<char> metadata_text_;
  std::vector<TapeToken> metadata_tape_;
  json::Walker walker_;
  std::vector<TapeToken> input_tape_;
  std::vector<json::ValueView> inputs_;
};

}  // namespace colloquium::computo
