#include "computo/event_evaluator.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "computo/code.h"
#include "computo/timestamp.h"
#include "json/utf8.h"
#include "json/writer.h"

namespace colloquium::computo {

namespace {

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t k) {
      return i + k < bytes.size() ? static_cast<uint32_t>(static_cast<unsigned char>(bytes[i + k])) : 0u;
    };
    const uint32_t bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    out.push_back(kDigits[bits >> 18]);
    out.push_back(kDigits[bits >> 12 & 63]);
    out.push_back(i + 1 < bytes.size() ? kDigits[bits >> 6 & 63] : '=');
    out.push_back(i + 2 < bytes.size() ? kDigits[bits & 63] : '=');
  }
  ASSERT(out.size() % 4 == 0);
  return out;
}

bool is_text(std::string_view bytes) {
  return json::valid_utf8_prefix(bytes) == bytes.size();
}

std::string readable(std::string_view bytes) {
  return is_text(bytes) ? std::string(bytes) : base64(bytes);
}

void write_text(json::Writer& writer, std::string_view bytes) {
  if (is_text(bytes)) {
    writer.string(bytes);
  } else {
    writer.string(base64(bytes));
  }
}

void write_headers(json::Writer& writer, const Batch& batch, size_t i) {
  writer.begin_object();
  if (batch.header_count(i) > 0) {
    std::map<std::string, std::string_view> by_name;
    for (const auto& [name, value] : batch.headers(i)) by_name[readable(name)] = value;
    ASSERT(!by_name.empty());
    for (const auto& [name, value] : by_name) {
      writer.key(name);
      write_text(writer, value);
    }
  }
  writer.end_object();
}

// The value of a tombstone.
const json::ValueView& null_view() {
  static const TapeToken token{0, 4, 1, 0, 0, static_cast<uint32_t>(TokenType::kNull)};
  static const json::ValueView view("null", &token, 0);
  ASSERT(view.type() == TokenType::kNull);
  return view;
}

}  // namespace

HostContext::Variable::Variable(json::Document parsed)
    : document(std::move(parsed)), view(document.text.data(), document.tape.data(), 0) {
  ASSERT(!document.tape.empty());
}

Result<std::shared_ptr<const HostContext>> HostContext::create(
    const std::map<std::string, std::string>& variables) {
  std::shared_ptr<HostContext> context(new HostContext());
  for (const auto& [name, text] : variables) {
    TRY_ASSIGN(json::Document document, json::parse(text, "$" + name));
    context->variables_.emplace(name, std::make_unique<const Variable>(std::move(document)));
  }
  ASSERT(context->variables_.size() == variables.size());
  return std::shared_ptr<const HostContext>(std::move(context));
}

const json::ValueView* HostContext::find(const std::string& name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? nullptr : &found->second->view;
}

std::vector<Binding> host_bindings(const Program& program, const HostContext* context) {
  std::vector<Binding> bindings;
  for (const std::string& name : program.variables) {
    bindings.push_back({context == nullptr ? nullptr : context->find(name)});
  }
  ASSERT(bindings.size() == program.variables.size());
  return bindings;
}

EventEvaluator::EventEvaluator(ProgramPtr program, std::shared_ptr<const HostContext> context, Limits limits)
    : program_(std::move(program)),
      context_(std::move(context)),
      evaluator_(program_, limits),
      bindings_(host_bindings(*program_, context_.get())),
      bound_view_(null_view()),
      metadata_(null_view()) {
  // Bindings are made once; only what the meta data's view looks at changes from event to event.
  const std::vector<std::string>& names = program_->variables;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != "event_metadata") continue;
    metadata_wanted_ = uses_variable(*program_, i);
    bindings_[i].value = &metadata_;
  }
}

// The old value's text may go: no evaluation is looked at any more.
void EventEvaluator::bind(std::string_view variable, const std::string& json) {
  auto parsed = json::parse(json, variable);
  ASSERT(parsed.has_value());
  bound_ = std::make_unique<json::Document>(std::move(*parsed));
  bound_view_ = {bound_->text.data(), bound_->tape.data(), 0};
  const std::vector<std::string>& names = program_->variables;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == variable) bindings_[i].value = &bound_view_;
  }
}

// The event's own, or made behind what input_tape_ holds: null then, since that may still grow.
const TapeToken* EventEvaluator::tape(const Batch& batch, size_t i) {
  const auto tape = batch.tape(i);
  if (!tape.empty()) return tape.data();
  // Bytes in a batch have been checked when they came in, so no second check is needed.
  walker_.walk_unchecked(batch.value(i), input_tape_);
  ASSERT(!input_tape_.empty());
  return nullptr;
}

// Keys ascend, as those of every built object do.
void EventEvaluator::write_metadata(const Batch& batch, size_t i) {
  metadata_text_.clear();
  metadata_tape_.clear();
  json::Writer writer(metadata_text_, &metadata_tape_);
  char time[kTimestampBytes];
  format_timestamp(batch.entry(i).timestamp_ms, time);
  const auto key = batch.key(i);
  writer.begin_object();
  writer.key("headers");
  write_headers(writer, batch, i);
  writer.key("id");
  writer.string(batch.id(i));
  writer.key("key");
  if (key) {
    write_text(writer, *key);
  } else {
    writer.null();
  }
  writer.key("offset");
  writer.integer(batch.offset(i));
  writer.key("partition");
  writer.integer(batch.origin().partition);
  writer.key("source");
  // Of a part of a source ("hook/3") the source: the rest is the door's.
  const std::string_view source = batch.origin().source;
  writer.string(source.substr(0, source.find('/')));
  writer.key("stream");
  writer.string(batch.origin().stream);
  writer.key("timestamp");
  writer.string({time, kTimestampBytes});
  writer.key("tombstone");
  writer.boolean(batch.is_tombstone(i));
  writer.end_object();
  ASSERT(!metadata_tape_.empty());
  metadata_ = {metadata_text_.data(), metadata_tape_.data(), 0};
}

bool EventEvaluator::evaluate(const Batch& batch, size_t i) {
  ASSERT(i < batch.size());
  if (metadata_wanted_) write_metadata(batch, i);
  if (batch.is_tombstone(i)) return evaluator_.evaluate({&null_view(), 1}, bindings_);
  input_tape_.clear();
  const TapeToken* tokens = tape(batch, i);
  const json::ValueView value(batch.value(i).data(), tokens != nullptr ? tokens : input_tape_.data(), 0);
  return evaluator_.evaluate({&value, 1}, bindings_);
}

bool EventEvaluator::evaluate_together(const Batch& batch) {
  if (batch.empty()) metadata_ = null_view();
  if (metadata_wanted_ && !batch.empty()) write_metadata(batch, 0);
  input_tape_.clear();
  inputs_.clear();
  std::vector<std::pair<size_t, size_t>> walked;  // which inputs, and where their tapes begin
  for (size_t i = 0; i < batch.size(); ++i) {
    const size_t begin = input_tape_.size();
    const TapeToken* tokens = batch.is_tombstone(i) ? nullptr : tape(batch, i);
    if (input_tape_.size() > begin) walked.emplace_back(i, begin);
    inputs_.push_back(tokens == nullptr ? null_view() : json::ValueView(batch.value(i).data(), tokens, 0));
  }
  for (const auto& [i, begin] : walked) inputs_[i] = {batch.value(i).data(), input_tape_.data() + begin, 0};
  ASSERT(inputs_.size() == batch.size());
  return evaluator_.evaluate(inputs_, bindings_);
}

Status apply_effects(const Evaluator& evaluator, ScriptMetrics* metrics) {
  if (metrics == nullptr) return {};
  for (const Effect& effect : evaluator.effects()) {
    TRY(metrics->apply(effect.metric, effect.number, effect.labels));
  }
  return {};
}

std::string error_json(const ScriptError& error) {
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  const auto member = [&](std::string_view name, std::string_view text) {
    writer.key(name);
    writer.string(text);
  };
  writer.begin_object();
  writer.key("arguments");
  writer.begin_array();
  for (const std::string& argument : error.arguments) writer.string(argument);
  writer.end_array();
  member("category", to_string(error.category));
  writer.key("column");
  writer.integer(error.column);
  writer.key("line");
  writer.integer(error.line);
  member("message", error.problem);
  member("path", error.path);
  writer.end_object();
  ASSERT(!bytes.empty());
  return {bytes.begin(), bytes.end()};
}

Error EventEvaluator::failure() const {
  const ScriptError& error = evaluator_.error();
  ASSERT(!error.problem.empty());
  return {ErrorCode::kInvalidInput, error.describe(origin(*program_)), false, {}};
}

}  // namespace colloquium::computo
