#include "components/ai/ai_stage.h"

#include <algorithm>
#include <utility>

#include "ai/call_record.h"
#include "base/assert.h"
#include "components/ai/ai_answers.h"
#include "io/digest.h"
#include "json/put.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::components {

namespace {

std::optional<computo::EventEvaluator> evaluator_of(const computo::ProgramPtr& program,
                                                    const std::shared_ptr<const computo::HostContext>& context) {
  if (program == nullptr) return std::nullopt;
  return std::optional<computo::EventEvaluator>(std::in_place, program, context);
}

// Between 0 and 1, the same for the same text in every run.
double share_of(std::string_view text) {
  return static_cast<double>(io::Digester().digest(text)[0] >> 11) / static_cast<double>(uint64_t{1} << 53);
}

Result<json::Document> document_of(const Batch& batch, size_t event) {
  return json::parse(batch.is_tombstone(event) ? std::string_view("null") : batch.value(event), batch.id(event));
}

}  // namespace

Result<std::unique_ptr<AiStage>> AiStage::create(const AiStageConfig& config,
                                                 std::shared_ptr<const AiStageProgram> program, std::string name,
                                                 const std::shared_ptr<const computo::HostContext>& context,
                                                 AiCalls& calls) {
  std::unique_ptr<AiStage> stage(new AiStage(config, std::move(program), std::move(name), context, calls));
  if (Status status = stage->check(); !status) {
    Error error = std::move(status).error();
    error.message = "stage " + stage->name_ + ": " + error.message;
    return fail(std::move(error));
  }
  return stage;
}

AiStage::AiStage(const AiStageConfig& config, std::shared_ptr<const AiStageProgram> program, std::string name,
                 const std::shared_ptr<const computo::HostContext>& context, AiCalls& calls)
    : config_(config),
      program_(std::move(program)),
      name_(std::move(name)),
      calls_(calls),
      into_(config_.into.empty() ? std::vector{name_} : *json::parse_pointer(config_.into)),
      details_(*json::parse_pointer(config_.details)),
      messages_(evaluator_of(program_->messages, context)),
      input_(evaluator_of(program_->input, context)),
      cache_key_(evaluator_of(program_->cache_key, context)),
      by_(evaluator_of(program_->by, context)),
      on_error_(evaluator_of(program_->on_error, context)) {
  for (const AiStageProgram::Arm& plan : program_->arms) {
    Arm& arm = arms_.emplace_back();
    arm.plan = &plan;
    if (!plan.prompt.messages.empty()) arm.prompt.emplace(plan.prompt, context);
    weights_ += plan.weight;
  }
}

AiQuestion AiStage::question_of(const AiStageProgram::Arm& arm) const {
  AiQuestion question;
  question.who = name_;
  question.request = program_->request;
  question.models = arm.models;
  question.routing = config_.route;
  question.on_unknown = config_.on_unknown;
  question.cache_ttl_ms = config_.cache ? config_.cache->ttl.ms : 0;
  question.shares = config_.share;
  if (config_.batch) {
    question.batching =
        AiBatching{static_cast<size_t>(config_.batch->size), config_.batch->every.ms, config_.batch->poll.ms};
  }
  question.prompt = arm.prompt_label;
  question.arm = arm.name;
  return question;
}

// With messages that stand for those of any event.
Status AiStage::check() const {
  for (const AiStageProgram::Arm& arm : program_->arms) {
    AiQuestion question = question_of(arm);
    if (question.request.task == AiTask::kEmbed) {
      question.request.inputs = {"text"};
    } else {
      question.request.messages.push_back({AiRole::kUser, {AiText{"text"}}});
    }
    TRY(calls_.check(question));
  }
  return {};
}

Result<AiStage::Arm*> AiStage::arm_of(const Batch& batch, size_t event) {
  if (arms_.size() == 1) return &arms_.front();
  std::string by;
  if (by_) {
    TRY_ASSIGN(by, ai::text_value(*by_, batch, event));
  } else {
    const auto key = batch.key(event);
    by = key ? std::string(*key) : batch.id(event);
  }
  double left = share_of(name_ + "/" + by) * weights_;
  for (Arm& arm : arms_) {
    left -= arm.plan->weight;
    if (left < 0) return &arm;
  }
  return &arms_.back();
}

void AiStage::process(std::shared_ptr<const Batch> batch, size_t event, UniqueFunction<void(AsyncOutput)> done) {
  const uint64_t id = next_++;
  Asking& asking = asking_[id];
  asking.batch = std::move(batch);
  asking.event = event;
  asking.done = std::move(done);
  auto arm = arm_of(*asking.batch, event);
  Status filled = arm ? fill(asking, **arm) : Status(fail(arm.error()));
  if (!filled) return fail_with(id, {.values = {}, .error = std::move(filled).error()});
  ask(id);
}

Status AiStage::fill(Asking& asking, Arm& arm) {
  const Batch& batch = *asking.batch;
  asking.arm = arm.plan;
  AiQuestion& question = asking.question = question_of(*arm.plan);
  question.event = AiEvent{batch.id(asking.event), partition_id(batch.origin()), batch.offset(asking.event)};
  if (cache_key_) {
    TRY_ASSIGN(const std::string key, ai::text_value(*cache_key_, batch, asking.event));
    // Of this stage, prompt and models alone.
    question.cache_key = name_ + "/" + arm.plan->name + "/" + arm.plan->prompt_label;
    for (const AiModelChoice& model : arm.plan->models)
      question.cache_key += "/" + model.provider + "/" + model.model;
    question.cache_key += "/" + key;
  }
  // Before anything is paid for. What the answer will be is not known, but where it goes.
  TRY(with_answer(batch, asking.event, "{}", "{}"));
  if (program_->task == AiStageTask::kEmbed) return fill_inputs(asking);
  if (arm.prompt) {
    TRY_ASSIGN(question.request.messages, arm.prompt->render(batch, asking.event));
  } else {
    TRY_ASSIGN(const std::string json, ai::json_value(*messages_, batch, asking.event));
    TRY_ASSIGN(question.request.messages, ai::messages_of(json));
  }
  return {};
}

Status AiStage::fill_inputs(Asking& asking) {
  std::vector<std::string>& inputs = asking.question.request.inputs;
  if (!input_) {
    inputs = {std::string(asking.batch->value(asking.event))};
    return {};
  }
  TRY_ASSIGN(const std::string json, ai::json_value(*input_, *asking.batch, asking.event));
  TRY_ASSIGN(const json::Document document, json::parse(json, "input"));
  const json::ValueView value(document.text.data(), document.tape.data(), 0);
  std::string scratch;
  if (value.type() == TokenType::kString) {
    inputs = {std::string(value.string(scratch))};
    return {};
  }
  asking.list_of_inputs = value.type() == TokenType::kArray;
  if (!asking.list_of_inputs)
    return fail(ErrorCode::kInvalidInput, "'input' gives neither a text nor a list of texts");
  for (json::ValueView text = value.first_child(); !text.at_end_of(value); text = text.next()) {
    if (text.type() != TokenType::kString) {
      return fail(ErrorCode::kInvalidInput,
                  "'input' gives a list in which " + std::to_string(inputs.size() + 1) + " is no text");
    }
    scratch.clear();
    inputs.emplace_back(text.string(scratch));
  }
  return {};
}

void AiStage::ask(uint64_t id) {
  Asking& asking = asking_.at(id);
  // Nothing is asked of nothing.
  if (program_->task == AiStageTask::kEmbed && asking.question.request.inputs.empty()) {
    return succeed(id, "[]", {});
  }
  // A repair asks on: what was asked stays.
  const AiCalls::Number number =
      calls_.ask(asking.question, [this, id](AiOutcome outcome) { answered(id, std::move(outcome)); });
  // It may be answered by now.
  const auto still = asking_.find(id);
  if (still != asking_.end()) still->second.number = number;
}

void AiStage::answered(uint64_t id, AiOutcome outcome) {
  Asking& asking = asking_.at(id);
  asking.number = 0;
  if (!outcome.answer) return fail_with(id, output_of(outcome.refusal));
  const auto value =
      value_of(*program_, *outcome.answer, asking.question.request.inputs.size(), asking.list_of_inputs);
  if (value) return succeed(id, *value, details_of(*outcome.answer, *asking.arm, asking.repairs));
  const bool repairs = repair(asking, *outcome.answer, value.error().message);
  // Without a key of its own the repair is kept beside what it repairs: whoever asks the same is given both.
  if (!repairs || asking.question.renews) calls_.reject(outcome.answer->call);
  if (repairs) return ask(id);
  fail_with(id,
            {.values = {},
             .error = Error{
                 ErrorCode::kInvalidInput,
                 "the answer of " + outcome.answer->model.provider + "/" + outcome.answer->model.model +
                     (asking.repairs > 0 ? ", asked again " + std::to_string(asking.repairs) + " time(s)," : "") +
                     " is not what it has to be: " + value.error().message,
                 false,
                 {}}});
}

// Tells the model what is wrong, behind what it said.
bool AiStage::repair(Asking& asking, const AiAnswer& answer, const std::string& problem) {
  const int most = config_.output ? config_.output->repairs : program_->schema ? 1 : 0;
  if (asking.repairs >= most || closing_) return false;
  ++asking.repairs;
  // Under a key of the stage's own the answer that is no good may be there again by now: of another event.
  asking.question.renews = !asking.question.cache_key.empty();
  std::vector<AiMessage>& messages = asking.question.request.messages;
  messages.push_back({AiRole::kAssistant, {AiText{answer.text.empty() ? "(nothing)" : answer.text}}});
  messages.push_back({AiRole::kUser,
                      {AiText{"That is not what was asked for: " + problem +
                              ". Answer again, with nothing but JSON that satisfies the schema " +
                              *program_->request.output_schema}}});
  return true;
}

void AiStage::succeed(uint64_t id, const std::string& value, const std::string& details) {
  const Asking& asking = asking_.at(id);
  auto out = with_answer(*asking.batch, asking.event, value, details);
  if (!out) return give(id, {.values = {}, .error = std::move(out).error()});
  give(id, {.values = {std::move(*out)}, .error = {}});
}

Result<std::string> AiStage::with_answer(const Batch& batch, size_t event, const std::string& value,
                                         const std::string& details) const {
  TRY_ASSIGN(const json::Document document, document_of(batch, event));
  std::string out;
  bool placed = json::put(json::ValueView(document.text.data(), document.tape.data(), 0), into_, value, out);
  if (placed && !details_.empty() && !details.empty()) {
    TRY_ASSIGN(const json::Document with_value, json::parse(out, batch.id(event)));
    out.clear();
    placed = json::put(json::ValueView(with_value.text.data(), with_value.tape.data(), 0), details_, details, out);
  }
  if (placed) return out;
  return fail(
      ErrorCode::kInvalidInput,
      "the event has no place for the answer at 'into' or 'details': the way there leads through what is no "
      "object");
}

// What fails for good may have something to take the answer's place.
void AiStage::fail_with(uint64_t id, AsyncOutput output) {
  const Asking& asking = asking_.at(id);
  ASSERT(output.error.has_value());
  if (!on_error_ || output.error->retryable || closing_) return give(id, std::move(output));
  std::vector<char> text;
  json::Writer(text, nullptr).string(ai::valid_utf8(output.error->describe()));
  on_error_->bind("error", std::string(text.begin(), text.end()));
  const auto value = ai::json_value(*on_error_, *asking.batch, asking.event);
  if (!value) return give(id, {.values = {}, .error = value.error()});
  succeed(id, *value, {});
}

void AiStage::give(uint64_t id, AsyncOutput output) {
  auto node = asking_.extract(id);
  node.mapped().done(std::move(output));
}

// A provider that is not there, or takes nothing at present, is no event's fault, and is waited for. So is
// somebody who mends the key, or pays.
AsyncOutput AiStage::output_of(const AiRefusal& refusal) {
  AsyncOutput output;
  output.error = refusal.error();
  const bool waits_for_somebody =
      refusal.failure.kind == AiFailureKind::kKey || refusal.failure.kind == AiFailureKind::kQuota;
  if (waits_for_somebody && !refusal.unknown) output.error->retryable = true;
  output.retry_after_ms = refusal.failure.retry_after_ms.value_or(0);
  const int status = refusal.failure.status;
  const bool is_outage = status == 502 || status == 503 || status == 504 || status == 529;
  output.is_attempt =
      !refusal.budget && refusal.failure.kind == AiFailureKind::kTransient && status >= 500 && !is_outage;
  return output;
}

void AiStage::settled(const std::string& partition, int64_t offset) {
  calls_.settled(name_, partition, offset);
}

size_t AiStage::concurrency() const {
  const auto asked = static_cast<size_t>(config_.concurrency);
  // One batch is collected while another is out.
  return config_.batch ? std::max(asked, size_t{2} * static_cast<size_t>(config_.batch->size)) : asked;
}

void AiStage::take_back(std::map<uint64_t, Asking>::iterator asking) {
  if (asking->second.number != 0) calls_.cancel(asking->second.number);
  give(asking->first,
       {.values = {}, .error = Error{ErrorCode::kCancelled, "the pipeline stops", true, {}}, .is_attempt = false});
}

// What is in a batch is answered in hours, and waits for the next run.
void AiStage::wind_down() {
  if (!config_.batch) return;
  while (!asking_.empty()) take_back(asking_.begin());
}

void AiStage::close(Task closed) {
  closing_ = true;
  while (!asking_.empty()) take_back(asking_.begin());
  closed();
}

}  // namespace colloquium::components
