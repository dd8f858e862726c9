// PostgresSink: rows in a table, exactly once: each write is a transaction of the server that also holds the leg's
// progress (ProgressKeeper).
//
// All that talks to the server runs on a thread of the sink's own, one call at a time, and not on the offload
// pool: a frozen server may keep it waiting for as long as `timeout`, and the pool serves everybody. Writes that
// wait meanwhile share the next transaction.
//
// A commit whose answer was lost is looked for until the server tells: its writes stay open so long. Every other
// failure ends a write with kRetry, and the engine comes back.
//
// Thread safety: loop only; what the thread works on is a struct of its own. Ownership: Executor, loop and clock
// outlive the sink.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/executor.h"
#include "colloquium/sink.h"

#include "components/postgres/pg_session.h"

namespace colloquium::components {

const Descriptor& postgres_sink();

class PostgresSink final : public Sink, public ProgressKeeper {
 public:
  PostgresSink(ComponentContext context, Executor& executor, std::unique_ptr<PgSession> session);
  ~PostgresSink() override;  // REQUIRES: closed, or never started

  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Status restore(const std::string& token) override;
  Status start() override { return {}; }
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  bool has_token() const override { return false; }
  void token(TokenDone done) override;
  ProgressKeeper* progress() override { return this; }
  void recover(const std::string& leg, std::vector<std::string> partitions, ProgressDone done) override;
  void gave_up(const std::string& partition, int64_t offset, const std::string& error) override;
  void settled(const std::string& partition, int64_t offset) override;
  std::optional<Error> broken() const override { return broken_; }
  void close(Task closed) override;

 private:
  // What the thread works on, and what it answers.
  struct Call;
  using Handler = void (PostgresSink::*)();

  // Runs `work` on the thread, then `handler` on the loop.
  void call(void (*work)(Call&), Handler handler);
  void returned(Handler handler);
  // Begins whatever can be done now.
  void pump();
  void has_recovered();
  void has_written();
  void has_found_out();
  void finish_recovery(Result<std::vector<SinkProgress>> progress);
  void wait_and_pump(const Error& why);
  void finish_closing();
  Error closing_error() const;

  ComponentContext context_;
  const std::shared_ptr<Call> call_;  // the thread's while is_calling_, else ours
  std::unique_ptr<TaskQueue> thread_;
  WriteQueue waiting_;
  PgNews news_;              // since the last write
  ProgressDone recovering_;  // set while recover() is under way
  bool is_calling_ = false;
  bool is_unknown_ = false;  // what became of the writes under way
  std::optional<Error> broken_;
  int64_t failures_ = 0;  // in a row
  std::unique_ptr<Timer> timer_;
  bool closing_ = false;
  Task closed_;
};

}  // namespace colloquium::components
