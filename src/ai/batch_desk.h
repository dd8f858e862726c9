// BatchDesk: where questions that are asked in batches wait for each other, and the batches that are out.
//
// Those of one stage to one model go together: as soon as there are enough of them, or the first has waited for
// long enough. What a budget does not allow by then is refused, or waits on, as the budget says; what a provider
// can't take goes to the next model of the question.
//
// Ownership: the desk outlives it. Destroyed only when closed, or with the process's end. Thread safety: loop
// only.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/loop.h"

#include "ai/batch_run.h"
#include "ai/call_desk.h"
#include "ai/call_run.h"
#include "base/liveness.h"

namespace colloquium::ai {

class BatchDesk {
 public:
  using Ticket = uint64_t;
  using Done = UniqueFunction<void(RunEnd)>;

  explicit BatchDesk(const CallDesk& desk) : desk_(desk) {}

  // `done` runs once, in a later turn. REQUIRES: the question is to be batched, and all its models' providers do
  // that.
  Ticket add(std::shared_ptr<const AiQuestion> question, const io::Digest128& digest, Done done);
  // It is not wanted any more: true if it has not gone out, and then `done` never runs.
  bool remove(Ticket ticket);

  // Goes on with what an earlier run has sent; `done_of` is asked for each of its calls. False: nobody here can,
  // as the provider is gone or has no batches, or can't say whether this one was made.
  bool resume(const OpenBatch& batch, const std::function<Done(const CallTags& call)>& done_of);

  // What is out is left where it is, for the next run. `closed` runs once; nobody else is told anything any more.
  void close(Task closed);

  size_t under_way() const { return runs_.size(); }

 private:
  using Key = std::tuple<std::string, std::string, std::string, AiTask>;  // who, provider, model
  struct Waiting {
    Ticket ticket = 0;
    std::shared_ptr<const AiQuestion> question;
    io::Digest128 digest{};
    std::vector<AiModelChoice> choices;
    size_t at = 0;  // of choices
    int64_t since_ns = 0;
    bool is_wanted = true;
    std::optional<CallAccount> account;  // with the present model, until it goes
    Done done;
  };
  using Waiter = std::shared_ptr<Waiting>;
  struct Group {
    std::list<Waiter> waiting;
    std::unique_ptr<Timer> timer;
    bool is_held = false;  // by a budget: nothing goes before the timer
  };
  // What is put together for one batch.
  struct Load {
    std::vector<std::pair<Waiter, CallAccount>> calls;
    Records intents;
    std::vector<AiBatchCall> bodies;
    size_t bytes = 0;
  };

  void open_account(Waiting& waiting);
  void queue(Waiter waiter);
  void go_later(const Key& key, int64_t wait_ms);
  void go(const Key& key);
  std::list<Waiter> take_due(Group& group);
  void wait_on(const Key& key, std::optional<int64_t> again_ms);
  std::string new_batch();
  // How long it is to wait, if it is.
  std::optional<int64_t> take(const Waiter& waiter, ModelState& model, const std::string& batch, Load& load);
  void send(const Key& key, const std::string& batch, ModelState& model, Load load);
  void run_ended(const std::string& batch);
  void ended(const Waiter& waiter, RunEnd end);
  void next_model(const Waiter& waiter, AiFailure failure, bool budget);
  void refuse(const Waiter& waiter, AiRefusal refusal);

  const CallDesk& desk_;
  std::map<Key, Group> groups_;
  struct Place {
    Key key;
    std::list<Waiter>::iterator at;
  };
  std::map<Ticket, Place> collecting_;
  std::map<Ticket, Waiter> out_;
  std::map<std::string, std::unique_ptr<BatchRun>> runs_;  // by the batch's id
  Ticket next_ = 1;
  size_t closing_runs_ = 0;
  Task closed_;
  Liveness alive_;
};

}  // namespace colloquium::ai
