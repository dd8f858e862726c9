// Program: a Computo script compiled once, and Evaluator: what runs it.
//
// The language is specified in docs/language; this is its machine's front door. A Program is immutable and
// shared by all threads without locks; an Evaluator holds arena and stack, belongs to one thread, and is
// reused from event to event so that steady state allocates nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/result.h"
#include "colloquium/tape.h"

#include "json/view.h"

namespace colloquium::computo {

// Section 7.1 of the language specification.
enum class Category : uint8_t {
  kParse,
  kSyntax,
  kUnknownOperator,
  kUnknownVariable,
  kArity,
  kType,
  kLambda,
  kPointer,
  kValue,
  kDivisionByZero,
  kEmptyArray,
  kNumber,
  kPatch,
  kLimit,
  kUnrepresentable,
  kUser,  // raised by the script itself: `error`
};
std::string_view to_string(Category category);

struct ScriptError {
  Category category = Category::kType;
  std::string path;     // of the failing expression: "/let/body/+/1"
  std::string problem;  // "expected number, got string \"x\""
  std::string hint;     // a name that was probably meant; may be empty
  uint32_t line = 0;    // in the source text, from 1; 0 if it has none
  uint32_t column = 0;  // in characters, from 1
  std::string origin;   // the imported file it is in; empty: the script itself
  std::string advice;   // what may help: "use toNumber to make a number of it"; may be empty
  // What the operator was given, from its argument `first_argument` on, as JSON cut to a readable length; what is
  // under a name of secrets is "***". Empty if it is not known.
  std::vector<std::string> arguments;
  uint32_t first_argument = 0;

  // "Error at <path>: <problem>. Did you mean '<hint>'?"
  std::string message() const;
  // The arguments, with commas between them.
  std::string argument_list() const;
  // On one line, for logs and dead letters: "<origin>:<line>:<column>: error[<category>]: <message> Arguments:
  // …."; the place is left out as far as it is unknown. error_text.h has the form for people.
  std::string describe(std::string_view script) const;
};

// What a compiled script knows about itself beyond what running it needs (trace.h): where its expressions lie;
// and the names that are visible, for which functions take along every name they could use.
enum class TraceInfo : uint8_t { kNone, kPlaces, kNames };

// Where a byte of a generated JSON text came from (an expression inside a YAML file, a script in sugar).
struct TextPosition {
  uint32_t byte = 0;
  uint32_t line = 0;
  uint32_t column = 0;
};

// A metric that a script may change. The pipeline declares it; the language stays pure: an evaluation gives its
// changes as Effects, and the host applies them.
enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };
struct Metric {
  std::string name;
  MetricKind kind;
};
struct Effect {
  std::string_view metric;
  MetricKind kind;
  double number;            // to add, set or observe
  std::string_view labels;  // a JSON object of scalars; empty: none
};

// How templates are filled (section 13.1 of the language) where a call does not say otherwise.
struct PermutoOptions {
  enum class MissingKey : uint8_t { kIgnore, kError, kRemove };
  std::string start = "${";
  std::string end = "}";
  bool interpolation = false;
  MissingKey missing_key = MissingKey::kIgnore;
  uint32_t max_depth = 64;
};

// Gives the text of the script that `from` calls `path`, and the name that messages and further imports know it
// by; nothing if it cannot, with the reason in `problem`.
using ImportScript = std::function<std::optional<std::string>(const std::string& path, const std::string& from,
                                                              std::string& origin, std::string& problem)>;

struct CompileOptions {
  std::string array_key = "array";
  std::string origin;       // file name for messages
  uint32_t first_line = 1;  // where the text starts in `origin` (an expression inside a YAML file)
  uint32_t first_column = 1;
  std::vector<std::string> variables;  // names bound by the host: event_metadata, pipeline_config, …
  bool core_only = false;              // only the core's operators exist (section 8 of the language)
  ImportScript import;                 // null: nothing can be imported
  std::vector<Metric> metrics;         // that may be named
  bool any_metric = false;             // …or any, for trying a script by itself
  PermutoOptions permuto;
  bool strict = false;                 // unknown names and wrong argument counts are errors at compile time
  bool optimize = true;                // false: nothing is worked out ahead; only steps and time may differ
  TraceInfo trace = TraceInfo::kNone;  // for Evaluator::evaluate_traced
  // If not empty, in rising order of `byte`: an expression in JSON stands where the last entry at or before its
  // first byte says; in sugar each entry begins a line, or a part of one, and places count on from there. Else
  // places are counted in the text from first_line and first_column.
  std::vector<TextPosition> positions;
};

struct Limits {
  uint64_t steps = 10'000'000;
  uint32_t depth = 2500;  // nested evaluator activations
  uint64_t memory_bytes = 256u << 20;
  uint64_t output_bytes = 64u << 20;
  int64_t timeout_ms = 0;  // by `clock`; 0: none
  const Clock* clock = nullptr;
};

class Tracer;
class Program;
using ProgramPtr = std::shared_ptr<const Program>;

// More problems than these are not told at once.
inline constexpr size_t kMostErrors = 200;

struct CompileFailure {
  std::vector<ScriptError> errors;  // all of them with `strict`, else the first
};

// From JSON text. On failure null, and `failure` is filled.
ProgramPtr compile_json(std::string_view text, const CompileOptions& options, CompileFailure& failure);

// From sugar (section 10 of the language); places are those of the sugar.
ProgramPtr compile_sugar(std::string_view text, const CompileOptions& options, CompileFailure& failure);

// From a script's text in the notation that options.origin and the text itself say (notation.h).
ProgramPtr compile_source(std::string_view text, const CompileOptions& options, CompileFailure& failure);

// Whether the program reads host variable `index` of CompileOptions::variables, so that a host need not make
// what nobody looks at.
bool uses_variable(const Program& program, size_t index);

// CompileOptions::origin.
const std::string& origin(const Program& program);

// A host variable's value at evaluation: a view (its text and tape outlive the evaluation), null if absent.
struct Binding {
  const json::ValueView* value = nullptr;
};

// The result of one evaluation. Valid until the Evaluator's next evaluate().
class Evaluator {
 public:
  explicit Evaluator(ProgramPtr program, Limits limits = {});
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  // Evaluates over `inputs` (the first is $input) with host variables in the order of
  // CompileOptions::variables. False on error, see error().
  bool evaluate(std::span<const json::ValueView> inputs, std::span<const Binding> variables = {});

  // The same, telling `tracer` (trace.h) about it. REQUIRES: compiled with CompileOptions::trace.
  bool evaluate_traced(std::span<const json::ValueView> inputs, std::span<const Binding> variables,
                       Tracer& tracer);

  const ScriptError& error() const;
  bool failed() const;

  // Changes of metrics that the last evaluation, if it succeeded, asks for. Valid until the next.
  std::span<const Effect> effects() const;

  // What the last evaluation gave.
  bool is_null() const;
  bool is_truthy() const;
  bool is_array() const;
  size_t array_size() const;  // REQUIRES: is_array(), here and below
  bool is_element_null(size_t i) const;

  // Appends the result as JSON (and its tape, unless null) as Writer does: untouched values are their source
  // bytes, built objects ascend by key. False if output_bytes is exceeded or a function is to be rendered
  // too deep; see error().
  bool write(std::vector<char>& bytes, std::vector<TapeToken>* tape);
  bool write_element(size_t i, std::vector<char>& bytes, std::vector<TapeToken>* tape);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What an operator takes and gives, in words.
struct OperatorSignature {
  std::string_view group;      // one of operator_groups()
  std::string_view arguments;  // "text: string, length: integer, fill?: string"; one that may be missing ends in
                               // '?', the last in '…' if it stands for any number
  std::string_view gives;      // a type
  std::string_view errors;     // categories that are the operator's own, with spaces between; not those of its
                               // operands, nor `limit`, nor a wrong number of arguments
};

// For every operator: name, arity, one line of documentation. In byte order.
struct OperatorInfo {
  std::string_view name;
  int min_arguments;
  int max_arguments;  // -1: no upper bound
  OperatorSignature signature;
  std::string_view summary;
  std::string_view example;  // script as JSON, evaluated by the tests
  std::string_view result;   // of the example, as JSON
};
std::span<const OperatorInfo> operators();
std::span<const std::string_view> operator_groups();

// The reference page of all operators by group, in Markdown.
std::string operator_reference_markdown();

}  // namespace colloquium::computo
