// Calls: AiCalls over records, cache, limits, budgets and a transport. Who asks is given, in this order: what is
// recorded for its event, what was answered a short while ago, what is under way for the same question, or an
// answer that is paid for.
//
//   asks ──> flights (one for each question that is under way) ──> CallRun ──> provider
//            its first asker leads; when that fails, the next one leads a flight of its own
//            those that are asked in a batch go through the BatchDesk, in the place of a CallRun
//
// An answer and what it gives to followers is one append: whoever was told, every one of them is durable.
//
// Ownership: log, loop, clock, random, transport and book outlive it. Destroyed only when closed, or with the
// process's end. Thread safety: loop only. Memory: that of questions under way, the cache, and what EventAnswers
// says.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"

#include "ai/answer_cache.h"
#include "ai/audit.h"
#include "ai/batch_desk.h"
#include "ai/budget_book.h"
#include "ai/call_records.h"
#include "ai/call_run.h"
#include "ai/call_settings.h"
#include "ai/model_state.h"
#include "ai/token_counter.h"
#include "ai/token_estimate.h"
#include "ai/transport.h"
#include "base/liveness.h"
#include "log/log.h"

namespace colloquium::ai {

// What it works with.
struct CallSurroundings {
  log::Log* log = nullptr;  // null: nothing is recorded, so after a crash everything is asked again
  Loop& loop;
  const Clock& clock;
  Random& random;
  AiTransport& transport;
  BudgetBook& book;
  Models::Found found_model = nullptr;  // for metrics: told once of each model
};

class Calls final : public AiCalls {
 public:
  // Reads the records of earlier runs, which blocks. kInvalidConfig for budgets that contradict another
  // pipeline's, kCorrupt for records that cannot be read.
  static Result<std::unique_ptr<Calls>> create(CallSettings settings, CallSurroundings with);

  Status check(const AiQuestion& question) const override;
  Number ask(AiQuestion question, AiAnswered answered, AiListen listen = nullptr) override;
  void reject(const std::string& call) override;
  void cancel(Number number) override;
  Number count(AiQuestion question, AiCounted counted) override;
  void settled(const std::string& who, const std::string& partition, int64_t offset) override;

  // Nobody is answered any more. What is under way is stopped and recorded; `closed` runs once that is durable.
  void close(Task closed);

  const Ledger& ledger() const { return records_->ledger(); }
  std::vector<BudgetStatus> budgets() const { return budgets_->status(with_.clock.wall_ms()); }
  // The counters live as long as this.
  std::vector<ModelHealth> health() const { return models_.health(); }
  size_t under_way() const { return flights_.size(); }
  // Where the leg's position is, or would be.
  int64_t position() const { return records_->position(); }

 private:
  using FlightNumber = uint64_t;
  // A batch takes up to a day: who asks alone is not to wait for it, and has a flight beside it.
  using QuestionKey = std::pair<io::Digest128, bool>;  // whether it goes in a batch
  struct Ask {
    std::shared_ptr<const AiQuestion> question;
    io::Digest128 digest{};
    AiAnswered answered;
    AiListen listen;
    FlightNumber flight = 0;  // 0: none
    bool heard = false;       // `listen` was handed what there is
  };
  struct Flight {
    io::Digest128 digest{};
    std::vector<Number> asks;            // the first leads
    std::unique_ptr<CallRun> run;        // null: it is in a batch, or ended
    BatchDesk::Ticket batched = 0;       // until it goes out
    bool batches = false;                // it goes in a batch …
    bool in_batch = false;               // … and has not ended
    std::optional<io::Digest128> event;  // that an earlier run asked this for: event_key()
    bool shares = false;
  };

  Calls(CallSettings settings, CallSurroundings with);
  Status check_settings() const;
  Status start();
  void charge_past();
  void charge_unknown(const Records& unknown);
  void resume(const std::vector<OpenBatch>& batches, Records& unknown);
  BatchDesk::Done take_up(const CallTags& call);

  // The ways to an answer.
  bool find_recorded(Number number);
  void read_recorded(Number number, Result<CallRecord> record);
  bool find_cached(Number number);
  std::optional<FlightNumber> joinable(const Ask& ask) const;
  bool join(Number number);
  bool join_batched(Number number);
  void take_off(std::vector<Number> asks);
  void find_answer(Number number);

  // The ends of flights.
  bool hear(FlightNumber flight, const AiOutput& output);
  void run_ended(FlightNumber flight, RunEnd end);
  void refused(FlightNumber flight, const RunEnd& end);
  void record_answer(FlightNumber flight, CallRecord answer);
  void recorded(FlightNumber flight, std::shared_ptr<const CallRecord> answer, const std::vector<Number>& given,
                const Status& status);
  void leave_question(FlightNumber flight);
  void land(FlightNumber flight);
  CallRecord reuse_of(const CallRecord& answer, const Ask& ask, AiAnswerFrom from) const;
  void reuse(Number number, const CallRecord& answer, AiAnswerFrom from);
  void count(const CallRecord& reuse, const Ask& ask);

  void give(Number number, const CallRecord& record, AiAnswerFrom from);
  void refuse(Number number, AiRefusal refusal);
  // As whoever asked hears it; a listener that has heard nothing yet hears all of it.
  AiOutcome outcome_of(Number number, const CallRecord& record, AiAnswerFrom from);
  void tell_later(Number number, AiOutcome outcome);
  void tell(Number number, AiOutcome outcome);
  void stop_unwanted();
  void close_when_done();

  const CallSettings settings_;
  CallSurroundings with_;
  std::unique_ptr<BudgetShare> budgets_;
  std::unique_ptr<CallRecords> records_;
  std::unique_ptr<AuditTrail> audit_;
  TokenEstimates estimates_;
  Models models_;
  std::unique_ptr<CallDesk> desk_;
  std::unique_ptr<BatchDesk> batches_;
  AnswerCache cache_;
  TokenCounter counter_{with_.loop, with_.clock, with_.transport};

  std::map<Number, Ask> asks_;
  struct Count {
    AiCounted counted;
    TokenCounter::Number asked = 0;  // 0: nobody is
  };
  void tell_count(Number number, const AiCount& count);
  std::map<Number, Count> counts_;
  std::map<FlightNumber, Flight> flights_;
  std::map<QuestionKey, FlightNumber> by_question_;    // those that may be joined
  std::map<io::Digest128, FlightNumber> by_event_;     // those of an earlier run's batches
  Number next_ask_ = 1;
  FlightNumber next_flight_ = 1;
  bool closing_ = false;
  bool batches_closed_ = false;
  bool stops_unwanted_ = false;  // soon
  Task closed_;
  Liveness alive_;
};

}  // namespace colloquium::ai
