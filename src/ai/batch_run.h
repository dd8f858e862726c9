// BatchRun: one batch on its way: from the intents of its calls until each of them has its end.
//
//   start ── intents ── upload ── (recorded) create ── (recorded) wait … ── fetch ── each call's end
//                                     │ nobody knows                  resume goes on from what is recorded
//                                     └── find, or all of them are unknown
//
// What a provider refuses before the batch is there costs nothing. From then on a batch is looked after for as
// long as the provider knows it, also where a key is refused or nothing can be reached: what is in it may be paid
// already. A call that is in no line of the results is unknown.
//
// Ownership: the desk and the model outlive it. Destroyed at any time: nobody is told any more, and what its calls
// have reserved is given back. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/ai_batches.h"
#include "colloquium/loop.h"

#include "ai/batch_request.h"
#include "ai/call_account.h"
#include "ai/call_desk.h"
#include "ai/call_run.h"
#include "base/liveness.h"

namespace colloquium::ai {

// Which batch, and how it is looked after.
struct BatchSpec {
  std::string id;
  std::string who;
  AiTask task = AiTask::kChat;
  int64_t look_ms = 0;
};

class BatchRun {
 public:
  struct Member {
    CallAccount account;
    std::shared_ptr<const AiQuestion> question;  // null: an earlier run asked it
    UniqueFunction<void(RunEnd)> done;
  };

  BatchRun(const CallDesk& desk, BatchSpec spec, ModelState& model, Task ended);
  ~BatchRun();
  BatchRun(const BatchRun&) = delete;
  BatchRun& operator=(const BatchRun&) = delete;

  // Before it begins.
  void add(const std::string& call, Member member);
  size_t size() const { return members_.size(); }

  // Calls that have reserved what they may cost, with the intents and bodies of each.
  void start(Records intents, std::vector<AiBatchCall> calls);
  // Calls whose intents are written, from where their batch was.
  void resume(AiBatchPlace place);

  // It is left alone where it is; only whether a batch was created is waited for, a while. `closed` runs once;
  // nobody else is told anything any more.
  void close(Task closed);

 private:
  const AiBatches& format() const { return *model_.provider.provider->batches(); }
  AiBatchSending sending() const;
  void write_intents(Records intents);
  void go_on(AiBatchPlace place);
  CallRecord place_record() const;
  void create();
  void created();
  void send();
  void replied(BatchReply reply);
  void lost(const BatchReply& reply);
  void look_later();
  void again_later(const AiFailure& failure);
  void take_line(std::string_view line, bool is_whole);
  void too_long(std::string_view line);
  std::map<std::string, Member>::iterator member_of(const std::string& call);
  void fetched(AiBatchPlace next);
  bool is_gone(const AiFailure& failure);
  bool is_a_day_since(int64_t& since_ns) const;
  void give_up(const AiFailure& failure);
  void stop_here();

  void member_ended(std::map<std::string, Member>::iterator member, AttemptEnd end);
  void all_ended(AttemptEnds how, const AiFailure& failure);
  void finish();
  void tell_closed();
  void warn(const std::string& what) const;

  const CallDesk& desk_;
  const BatchSpec spec_;
  const ModelState& model_;
  Gauge& under_way_;
  Task ended_;
  std::map<std::string, Member> members_;  // by call; those without an end
  std::vector<AiBatchCall> calls_;         // until they are sent
  AiBatchPlace place_;
  bool finds_ = false;        // it has looked once, and found none
  bool may_be_made_ = false;  // a request to create it has gone out, and nobody has said no
  bool is_resumed_ = false;
  bool is_placing_ = false;  // where it is, is being recorded
  int64_t pages_ = 0;        // of a list that have been looked through
  int64_t denied_since_ns_ = -1, empty_since_ns_ = -1;
  size_t results_ = 0, bad_lines_ = 0;  // of the present fetch
  std::optional<AiBatchPlace> empty_;   // what held no results
  std::set<std::string> told_;          // calls that have their end
  int64_t attempt_ = 1;
  size_t intents_under_way_ = 0;
  Status intents_written_;
  size_t answered_ = 0, not_answered_ = 0;
  std::unique_ptr<BatchRequest> request_;
  std::unique_ptr<Timer> timer_;
  Task closed_;
  bool closing_ = false;
  Liveness alive_;
};

}  // namespace colloquium::ai
