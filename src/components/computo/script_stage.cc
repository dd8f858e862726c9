#include "components/computo/script_stage.h"

#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "components/computo/script.h"

namespace colloquium {

template <>
struct ConfigEnum<components::Emit> {
  static constexpr std::pair<std::string_view, components::Emit> values[] = {{"one", components::Emit::kOne},
                                                                             {"each", components::Emit::kEach}};
};

namespace components {

namespace {

// The offsets of a batch are 32 bits; what a few thousand small events can be blown up to is stopped well below.
constexpr size_t kMaxOutputBytes = size_t{1} << 30;

struct ComputoConfig {
  Expression script;
  Emit emit = Emit::kOne;
};

struct FilterConfig {
  Expression expression;
};

const io::FileSystem& files_of(const ComponentContext& context) {
  const io::FileSystem* files = context.services.find<io::FileSystem>();
  return files == nullptr ? io::posix_file_system() : *files;
}

Result<std::shared_ptr<const computo::HostContext>> host_context(const ComponentContext& context) {
  if (context.script_variables == nullptr) return std::shared_ptr<const computo::HostContext>();
  return computo::HostContext::create(*context.script_variables);
}

Result<std::unique_ptr<PureStage>> create_computo(const ParsedConfig& parsed, ComponentContext context) {
  const auto& config = config_of<ComputoConfig>(parsed);
  TRY_ASSIGN(auto program, compile_setting(config.script.node, context.base_dir, files_of(context)));
  TRY_ASSIGN(auto host, host_context(context));
  return std::make_unique<ComputoStage>(std::move(program), std::move(host), config.emit);
}

Result<std::unique_ptr<PureStage>> create_filter(const ParsedConfig& parsed, ComponentContext context) {
  const auto& config = config_of<FilterConfig>(parsed);
  TRY_ASSIGN(auto program, compile_setting(config.expression.node, context.base_dir, files_of(context)));
  TRY_ASSIGN(auto host, host_context(context));
  return std::make_unique<FilterStage>(std::move(program), std::move(host));
}

// A script that is wrong is found before anything starts, with all that is wrong in it.
void check_script(const ConfigNode& node, const std::string& base_dir, ConfigProblems& problems) {
  compile_setting(node, base_dir, io::posix_file_system(), problems);
}

Descriptor describe_computo() {
  Descriptor d;
  d.kind = ComponentKind::kStage;
  d.name = "computo";
  d.summary = "Runs a Computo script on every event; what it gives takes the event's place.";
  d.description =
      "The script is an inline expression, or the path of a `.json` or `.computo` file, relative to the pipeline "
      "file. An expression is in JSON form, written as a YAML list, or in sugar, as a string that begins with "
      "`=`. "
      "It reads the event as `$input` and the variables `event_metadata`, `stream_metadata` and "
      "`pipeline_config`. "
      "A result of `null` drops the event. With `emit: each` an array becomes one event per element (`null` "
      "elements are dropped). Key, headers and time are the input event's.\n\n"
      "Values that a script only moves keep their bytes; objects it builds have their keys in ascending order.";
  d.input_trust =
      "A script cannot reach files, network, clock or environment; steps, depth, memory and output are bounded, "
      "and an "
      "event that passes a bound fails alone.";
  d.guarantee = "A function of the event: the same event gives the same results however often it is run.";
  d.examples = {{"Rename and compute",
                 "computo: [obj, id, [$input, /order/id], total, [\"*\", [$input, /price], [$input, /count]]]"},
                {"One event per line item", "computo:\n  script: [$input, /items]\n  emit: each"},
                {"Drop events without a customer", "computo: [if, [$input, /customer], [$input], null]"},
                {"The same in sugar", "computo: = if $input/customer then $input else null"}};
  bind_spec(
      d, ConfigSpec<ComputoConfig>()
             .field("script", &ComputoConfig::script,
                    {.description = "An expression, or the path of a `.json` or `.computo` file that holds one.",
                     .example = "[obj, id, [$input, /id]]",
                     .required = true})
             .field("emit", &ComputoConfig::emit,
                    {.description = "`one`: the result is one event. `each`: each element of a result that is "
                                    "an array is one."})
             .shorthand("script"));
  d.create_pure_stage = create_computo;
  d.check = [](const ParsedConfig& parsed, const std::string& base_dir, ConfigProblems& problems) {
    check_script(config_of<ComputoConfig>(parsed).script.node, base_dir, problems);
  };
  return d;
}

Descriptor describe_filter() {
  Descriptor d;
  d.kind = ComponentKind::kStage;
  d.name = "filter";
  d.summary = "Keeps the events for which a Computo expression is truthy.";
  d.description =
      "The expression is written and reads what the script of `computo` does. Falsy are `false`, `null`, 0, "
      "`\"\"`, "
      "`[]` and `{}`; everything else keeps the event, unchanged to the byte.";
  d.input_trust =
      "An expression cannot reach files, network, clock or environment; steps, depth and memory are bounded, and "
      "an "
      "event that passes a bound fails alone.";
  d.guarantee = "A function of the event: the same event is kept or dropped however often it is run.";
  d.examples = {{"Large orders", "filter: [\">\", [$input, /total], 1000]"},
                {"The same in sugar", "filter: = $input/total > 1000"},
                {"Events that have a value", "filter: [not, [$, /event_metadata/tombstone]]"}};
  bind_spec(
      d, ConfigSpec<FilterConfig>()
             .field("expression", &FilterConfig::expression,
                    {.description = "An expression, or the path of a `.json` or `.computo` file that holds one.",
                     .example = "[\">\", [$input, /total], 0]",
                     .required = true})
             .shorthand("expression"));
  d.create_pure_stage = create_filter;
  d.check = [](const ParsedConfig& parsed, const std::string& base_dir, ConfigProblems& problems) {
    check_script(config_of<FilterConfig>(parsed).expression.node, base_dir, problems);
  };
  return d;
}

}  // namespace

const Descriptor& computo_stage() {
  static const Descriptor descriptor = describe_computo();
  return descriptor;
}

const Descriptor& filter_stage() {
  static const Descriptor descriptor = describe_filter();
  return descriptor;
}

ComputoStage::ComputoStage(computo::ProgramPtr program, std::shared_ptr<const computo::HostContext> context,
                           Emit emit)
    : evaluator_(std::move(program), std::move(context)), emit_(emit) {}

template <class Write>
ComputoStage::Outcome ComputoStage::write_value(const Batch& input, size_t i, BatchBuilder& output, Write write) {
  output.begin_value();
  if (!write(output.bytes(), tape_wanted_ ? &output.tokens() : nullptr)) {
    output.abandon();
    return evaluator_.failure();
  }
  if (output.byte_size() > kMaxOutputBytes) {
    output.abandon();
    return Error{ErrorCode::kLimit, "the results of one batch of events are more than 1 GiB", false, {}};
  }
  output.finish_from(input, i, ordinal_++);
  return std::nullopt;
}

// All elements or, if one of them cannot be written, none.
ComputoStage::Outcome ComputoStage::write_elements(const Batch& input, size_t i, BatchBuilder& output) {
  computo::Evaluator& evaluator = evaluator_.evaluator();
  const size_t before = output.size();
  const size_t count = evaluator.array_size();
  for (size_t element = 0; element < count; ++element) {
    if (evaluator.is_element_null(element)) continue;
    Outcome outcome = write_value(input, i, output, [&](std::vector<char>& bytes, std::vector<TapeToken>* tape) {
      return evaluator.write_element(element, bytes, tape);
    });
    if (!outcome) continue;
    output.truncate(before);
    return outcome;
  }
  return std::nullopt;
}

ComputoStage::Outcome ComputoStage::run_event(const Batch& input, size_t i, BatchBuilder& output) {
  if (!evaluator_.evaluate(input, i)) return evaluator_.failure();
  computo::Evaluator& evaluator = evaluator_.evaluator();
  if (evaluator.is_null()) return std::nullopt;
  if (emit_ == Emit::kEach && evaluator.is_array()) return write_elements(input, i, output);
  return write_value(input, i, output, [&](std::vector<char>& bytes, std::vector<TapeToken>* tape) {
    return evaluator.write(bytes, tape);
  });
}

void ComputoStage::run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) {
  for (size_t i = 0; i < input.size(); ++i) {
    // An earlier stage of the leg may have made several events of one that was accepted: ordinals run on
    // through all of them, so that ids stay distinct.
    if (i == 0 || input.entry(i).offset_delta != input.entry(i - 1).offset_delta) ordinal_ = 0;
    if (Outcome outcome = run_event(input, i, output)) failed.push_back({i, std::move(*outcome)});
  }
}

FilterStage::FilterStage(computo::ProgramPtr program, std::shared_ptr<const computo::HostContext> context)
    : evaluator_(std::move(program), std::move(context)) {}

void FilterStage::run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) {
  for (size_t i = 0; i < input.size(); ++i) {
    if (!evaluator_.evaluate(input, i)) {
      failed.push_back({i, evaluator_.failure()});
    } else if (evaluator_.evaluator().is_truthy()) {
      output.keep(input, i);
    }
  }
}

}  // namespace components
}  // namespace colloquium
