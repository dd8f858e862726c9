#include "ai/batch_desk.h"

#include <algorithm>
#include <utility>

#include "ai/over_budget.h"
#include "base/assert.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// Between looks for money that batches which are out may give back, in hours.
constexpr int64_t kMoneyMs = 1000;

bool others_may(const AiFailure& failure) {
  return failure.kind != AiFailureKind::kCaller;
}

}  // namespace

BatchDesk::Ticket BatchDesk::add(std::shared_ptr<const AiQuestion> question, const io::Digest128& digest,
                                 Done done) {
  LOOP_ASSERT(desk_.loop);
  ASSERT(question->batching && done);
  auto waiter = std::make_shared<Waiting>();
  waiter->ticket = next_++;
  waiter->choices = routed(*question, desk_.settings, desk_.models, desk_.estimates, desk_.random);
  waiter->question = std::move(question);
  waiter->digest = digest;
  waiter->done = std::move(done);
  open_account(*waiter);
  const Ticket ticket = waiter->ticket;
  queue(std::move(waiter));
  return ticket;
}

bool BatchDesk::remove(Ticket ticket) {
  const auto collecting = collecting_.find(ticket);
  if (collecting == collecting_.end()) {
    const auto out = out_.find(ticket);
    if (out != out_.end()) out->second->is_wanted = false;
    return false;
  }
  groups_.at(collecting->second.key).waiting.erase(collecting->second.at);
  collecting_.erase(collecting);
  return true;
}

// --- collecting

void BatchDesk::queue(Waiter waiter) {
  const AiModelChoice& choice = waiter->choices[waiter->at];
  const AiBatching& batching = *waiter->question->batching;
  const Key key{waiter->question->who, choice.provider, choice.model, waiter->question->request.task};
  waiter->since_ns = desk_.clock.monotonic_ns();
  Group& group = groups_[key];
  const Ticket ticket = waiter->ticket;
  collecting_.emplace(ticket, Place{key, group.waiting.insert(group.waiting.end(), std::move(waiter))});
  if (group.is_held) return;
  if (group.waiting.size() >= batching.size) {
    go_later(key, 0);
  } else if (group.timer == nullptr) {
    go_later(key, batching.every_ms);
  }
}

void BatchDesk::go_later(const Key& key, int64_t wait_ms) {
  groups_.at(key).timer = desk_.loop.start_timer(wait_ms, [this, key] {
    Group& group = groups_.at(key);
    const auto fired = std::move(group.timer);
    group.is_held = false;
    go(key);
  });
}

// Whole batches, and the rest once its first has waited for long enough.
std::list<BatchDesk::Waiter> BatchDesk::take_due(Group& group) {
  if (group.waiting.empty()) return {};
  const Waiting& first = *group.waiting.front();
  const AiBatching& batching = *first.question->batching;
  const bool is_due = desk_.clock.monotonic_ns() - first.since_ns >= batching.every_ms * kNsPerMs;
  const size_t size = group.waiting.size();
  std::list<Waiter> due;
  const auto count = static_cast<std::ptrdiff_t>(is_due ? size : size - size % batching.size);
  due.splice(due.begin(), group.waiting, group.waiting.begin(), std::next(group.waiting.begin(), count));
  return due;
}

std::string BatchDesk::new_batch() {
  return digest_text({desk_.random.next(), desk_.random.next()});
}

void BatchDesk::go(const Key& key) {
  Group& group = groups_.at(key);
  ModelState& model = desk_.models.at(std::get<1>(key), std::get<2>(key));
  const AiBatches::Limits limits = model.provider.provider->batches()->limits();
  std::optional<int64_t> again_ms;
  std::list<Waiter> held;
  Load load;
  std::string batch = new_batch();
  const auto send_it = [&] {
    if (!load.calls.empty()) send(key, batch, model, std::exchange(load, {}));
    batch = new_batch();
  };
  std::list<Waiter> due = take_due(group);
  for (const Waiter& waiter : due) {
    collecting_.erase(waiter->ticket);
    // Who comes behind one that has to wait for money waits, too.
    if (again_ms) {
      held.push_back(waiter);
      continue;
    }
    if (load.calls.size() == std::min(limits.calls, waiter->question->batching->size)) send_it();
    again_ms = take(waiter, model, batch, load);
    if (load.bytes >= limits.bytes) send_it();
    if (again_ms) held.push_back(waiter);
  }
  send_it();
  group.waiting.splice(group.waiting.begin(), held);
  for (auto at = group.waiting.begin(); at != group.waiting.end() && !collecting_.contains((*at)->ticket); ++at) {
    collecting_.emplace((*at)->ticket, Place{key, at});
  }
  wait_on(key, again_ms);
}

void BatchDesk::wait_on(const Key& key, std::optional<int64_t> again_ms) {
  Group& group = groups_.at(key);
  if (again_ms) {
    group.is_held = true;
    return go_later(key, std::max(*again_ms, kMoneyMs));
  }
  if (group.timer != nullptr) return;
  if (group.waiting.empty()) return (void)groups_.erase(key);
  const Waiting& first = *group.waiting.front();
  const int64_t waited_ms = (desk_.clock.monotonic_ns() - first.since_ns) / kNsPerMs;
  go_later(key, std::max<int64_t>(first.question->batching->every_ms - waited_ms, 0));
}

// Tokens are counted here, one question at a time, and not all of a batch's in one turn. What cannot be opened
// says so when it is taken.
void BatchDesk::open_account(Waiting& waiting) {
  const AiModelChoice& choice = waiting.choices[waiting.at];
  Result<CallAccount> opened = CallAccount::open(desk_, desk_.models.at(choice.provider, choice.model),
                                                 *waiting.question, waiting.digest, true);
  if (opened) waiting.account.emplace(std::move(*opened));
}

std::optional<int64_t> BatchDesk::take(const Waiter& waiter, ModelState& model, const std::string& batch,
                                       Load& load) {
  if (!waiter->account) {
    Result<CallAccount> opened = CallAccount::open(desk_, model, *waiter->question, waiter->digest, true);
    if (!opened) {
      next_model(waiter, {AiFailureKind::kCaller, opened.error().message, std::nullopt, 0}, false);
      return std::nullopt;
    }
    waiter->account.emplace(std::move(*opened));
  }
  std::optional<CallAccount>& account = waiter->account;
  const BudgetShare::Reserved reserved = account->reserve();
  if (reserved.refused) {
    OverBudget over = over_budget(reserved, desk_.settings, desk_.clock.wall_ms());
    if (over.again_ms) return over.again_ms;
    const bool goes_on = over.switches != nullptr &&
                         switched(*over.switches, *waiter->question, desk_.models, waiter->at, waiter->choices);
    if (!goes_on) waiter->at = waiter->choices.size() - 1;
    next_model(waiter, std::move(over.failure), true);
    return std::nullopt;
  }
  const AiProvider& provider = *model.provider.provider;
  load.intents.push_back(account->intent(1, batch));
  load.bodies.push_back({account->tags().call, provider.encode(account->request(), model.provider.access()).body});
  load.bytes += load.bodies.back().body.size();
  load.calls.emplace_back(waiter, std::move(*account));
  account.reset();
  return std::nullopt;
}

// --- batches

void BatchDesk::send(const Key& key, const std::string& batch, ModelState& model, Load load) {
  const AiQuestion& first = *load.calls.front().first->question;
  auto run = std::make_unique<BatchRun>(
      desk_, BatchSpec{batch, std::get<0>(key), std::get<3>(key), first.batching->look_ms}, model,
      [this, batch] { run_ended(batch); });
  for (auto& [waiter, account] : load.calls) {
    const std::string call = account.tags().call;
    out_.emplace(waiter->ticket, waiter);
    run->add(call, {std::move(account), waiter->question,
                    [this, waiter = waiter](RunEnd end) { ended(waiter, std::move(end)); }});
  }
  BatchRun& made = *runs_.emplace(batch, std::move(run)).first->second;
  made.start(std::move(load.intents), std::move(load.bodies));
}

bool BatchDesk::resume(const OpenBatch& batch, const std::function<Done(const CallTags& call)>& done_of) {
  ASSERT(!batch.calls.empty());
  const CallTags& tags = batch.place.tags;
  const ProviderSettings* provider = desk_.models.provider(tags.provider);
  if (provider == nullptr || provider->provider->batches() == nullptr) return false;
  if (batch.place.place.step == AiBatchStep::kCreate && !provider->provider->batches()->can_find()) return false;
  auto run = std::make_unique<BatchRun>(
      desk_, BatchSpec{tags.call, tags.who, tags.embeds ? AiTask::kEmbed : AiTask::kChat, batch.place.look_ms},
      desk_.models.at(tags.provider, tags.model), [this, id = tags.call] { run_ended(id); });
  for (const CallRecord& intent : batch.calls) {
    Result<CallAccount> account = CallAccount::reopen(desk_, intent);
    if (!account) return false;
    run->add(intent.tags.call, {std::move(*account), nullptr, done_of(intent.tags)});
  }
  BatchRun& made = *runs_.emplace(tags.call, std::move(run)).first->second;
  made.resume(batch.place.place);
  return true;
}

void BatchDesk::run_ended(const std::string& batch) {
  runs_.erase(batch);
}

// --- what comes of it

void BatchDesk::ended(const Waiter& waiter, RunEnd end) {
  out_.erase(waiter->ticket);
  const bool more = waiter->is_wanted && waiter->at + 1 < waiter->choices.size();
  if (!end.answer && more && !end.lost && others_may(end.refusal.failure)) {
    return next_model(waiter, std::move(end.refusal.failure), false);
  }
  waiter->done(std::move(end));
}

void BatchDesk::next_model(const Waiter& waiter, AiFailure failure, bool budget) {
  AiRefusal refusal;
  refusal.model = waiter->choices[waiter->at];
  refusal.failure = std::move(failure);
  refusal.budget = budget;
  waiter->account.reset();
  if (++waiter->at == waiter->choices.size()) return refuse(waiter, std::move(refusal));
  queue(waiter);
}

void BatchDesk::refuse(const Waiter& waiter, AiRefusal refusal) {
  RunEnd end;
  end.refusal = std::move(refusal);
  (void)desk_.loop.post(alive_.guard([waiter, end = std::move(end)]() mutable { waiter->done(std::move(end)); }));
}

// --- the end

void BatchDesk::close(Task closed) {
  LOOP_ASSERT(desk_.loop);
  groups_.clear();
  collecting_.clear();
  out_.clear();
  closed_ = std::move(closed);
  closing_runs_ = runs_.size() + 1;
  const auto one_less = [this] {
    if (--closing_runs_ > 0) return;
    runs_.clear();
    std::exchange(closed_, nullptr)();
  };
  for (const auto& [id, run] : runs_) run->close(alive_.guard(one_less));
  (void)desk_.loop.post(alive_.guard(one_less));
}

}  // namespace colloquium::ai
