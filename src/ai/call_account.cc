#include "ai/call_account.h"

#include <utility>

#include "base/assert.h"

namespace colloquium::ai {
namespace {

std::string call_id(Random& random) {
  return digest_text({random.next(), random.next()});
}

RecordKind kind_of(AttemptEnds how) {
  switch (how) {
    case AttemptEnds::kAnswered:
      return RecordKind::kAnswer;
    case AttemptEnds::kLost:
      return RecordKind::kUnknown;
    case AttemptEnds::kUnsent:
    case AttemptEnds::kRefused:
    case AttemptEnds::kBroken:
      break;
  }
  return RecordKind::kFailure;
}

}  // namespace

CallLabels CallAccount::labels() const {
  return {desk_->settings.pipeline, model_->provider.name, model_->model, model_->provider.key};
}

Result<CallAccount> CallAccount::open(const CallDesk& desk, const ModelState& model, const AiQuestion& question,
                                      const io::Digest128& digest, bool in_batch) {
  TRY_ASSIGN(CallPrice price, price_of(desk.settings, model.provider, model.model));
  price.in_batch = in_batch;
  CallAccount account(desk, model, std::move(price));
  account.request_ = request_for(model.provider, {model.provider.name, model.model, 1}, question.request);
  if (in_batch) account.request_.stream = false;
  account.input_ = desk.estimates.input(account.name(), account.request_);
  CallTags& tags = account.tags_;
  tags.who = question.who;
  tags.event = question.event;
  tags.question = digest;
  tags.provider = model.provider.name;
  tags.model = model.model;
  tags.key = model.provider.key;
  tags.prompt = question.prompt;
  tags.arm = question.arm;
  tags.reserved = account.price_.most(account.input_.tokens, most_output(account.request_));
  const bool is_bounded = question.request.parameters.max_output_tokens.has_value();
  tags.tokens = account.input_.tokens + (is_bounded ? most_output(account.request_) : 0);
  return account;
}

Result<CallAccount> CallAccount::reopen(const CallDesk& desk, const CallRecord& intent) {
  const CallTags& tags = intent.tags;
  ASSERT(!tags.batch.empty());
  if (desk.models.provider(tags.provider) == nullptr) {
    return fail(ErrorCode::kNotFound, "there is no AI provider '" + tags.provider + "' in this pipeline any more");
  }
  const ModelState& model = desk.models.at(tags.provider, tags.model);
  TRY_ASSIGN(CallPrice price, price_of(desk.settings, model.provider, model.model));
  price.in_batch = true;
  CallAccount account(desk, model, std::move(price));
  account.request_.task = tags.embeds ? AiTask::kEmbed : AiTask::kChat;
  account.request_.model = tags.model;
  account.request_.stream = false;
  account.input_ = {tags.tokens, 0};
  account.tags_ = tags;
  account.reservation_ = desk.budgets.hold(account.labels(), tags.reserved, tags.at_ms, desk.clock.wall_ms());
  return account;
}

BudgetShare::Reserved CallAccount::reserve() {
  ASSERT(reservation_ == 0);
  BudgetShare::Reserved reserved = desk_->budgets.reserve(labels(), tags_.reserved, desk_->clock.wall_ms());
  reservation_ = reserved.call;
  return reserved;
}

void CallAccount::release() {
  desk_->budgets.release(std::exchange(reservation_, 0));
}

CallRecord CallAccount::intent(int64_t attempt, const std::string& batch) {
  tags_.call = call_id(desk_->random);
  tags_.attempt = attempt;
  tags_.batch = batch;
  tags_.embeds = !batch.empty() && request_.task == AiTask::kEmbed;
  tags_.at_ms = desk_->clock.wall_ms();
  CallRecord intent;
  intent.tags = tags_;
  return intent;
}

CallRecord CallAccount::record_of(const AttemptEnd& end) const {
  CallRecord record;
  record.kind = kind_of(end.how);
  record.tags = tags_;
  record.took_ms = end.took_ms;
  record.first_ms = end.first_ms;
  record.content = end.content;
  record.failure = end.failure;
  if (end.how != AttemptEnds::kAnswered && end.how != AttemptEnds::kBroken) return record;
  const bool complete = end.how == AttemptEnds::kAnswered;
  const Took what = took(end.usage, end.content, end.reasoning_bytes, complete, request_, name(), input_.tokens,
                         desk_->estimates);
  record.usage = what.usage;
  record.estimated = what.estimated || price_.call;
  record.cost = price_.cost(what.usage);
  return record;
}

void CallAccount::settle(const CallRecord& record, const AiQuestion& question) {
  const int64_t now_ms = desk_->clock.wall_ms();
  const auto call = std::exchange(reservation_, 0);
  if (record.kind == RecordKind::kUnknown) {
    desk_->budgets.unknown(call, now_ms);
  } else if (record.cost.value == 0) {
    desk_->budgets.release(call);
  } else {
    desk_->budgets.settle(call, record.cost, now_ms);
  }
  // What an earlier run asked for is not here any more, nor how it had been estimated.
  if (!record.estimated && record.kind == RecordKind::kAnswer && input_.factor > 0) {
    desk_->estimates.learn(name(), input_, record.usage.total_input());
  }
  desk_->models.at(tags_.provider, tags_.model).counters.count(record);
  if (desk_->audit != nullptr) desk_->audit->add(record, question);
}

}  // namespace colloquium::ai
