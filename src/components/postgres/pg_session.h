// PgSession: what a postgres sink does on its own thread: connects, claims its leg, and writes groups of batches,
// each group in one transaction with the progress behind it.
//
// The first attempt writes all rows with one COPY. If the server refuses a row, that transaction is rolled back
// and a second one looks for the culprits with savepoints: first at the row the server named, then by halves; they
// become dead letters, and all other rows are written.
//
// Epochs: every connection takes a new one, so that nothing of the connection before, which the server may still
// be working on, can commit behind its back; and whoever finds another claimant's name on the leg has been
// replaced.
//
// Thread safety: interrupt() on any thread; everything else on one thread at a time. Ownership: the clock outlives
// it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/sink.h"

#include "base/write_queue.h"
#include "components/postgres/pg_connection.h"
#include "components/postgres/pg_progress.h"
#include "components/postgres/pg_rows.h"
#include "components/postgres/pg_table.h"
#include "components/postgres/postgres_config.h"

namespace colloquium::components {

struct PgSessionOptions {
  PostgresConfig config;
  std::string base_dir;
  std::vector<PgColumnScript> scripts;
  std::shared_ptr<const computo::HostContext> context;  // of the scripts; may be null
  std::string claimant;                                 // random: no other process has it
};

// What the engine said since the last write, by partition.
struct PgNews {
  std::map<std::string, int64_t> settled;                              // ProgressKeeper::settled
  std::map<std::string, std::vector<SinkProgress::GivenUp>> given_up;  // ProgressKeeper::gave_up
};

enum class PgVerdict {
  kDone,     // committed
  kAgain,    // not committed; the same may succeed later
  kUnknown,  // the connection went while the commit was under way: find_out()
  kBroken,   // not committed, and nothing will be
};
struct PgAnswer {
  PgVerdict verdict = PgVerdict::kDone;
  Error error;  // unless kDone
};

class PgSession {
 public:
  static Result<std::unique_ptr<PgSession>> create(PgSessionOptions options, const Clock& clock);

  // Takes the place of whoever wrote for the leg before. kDone: progress() tells how far it came.
  PgAnswer recover(const std::string& leg, const std::vector<std::string>& partitions);

  // By partition, what is committed.
  const PgPartitions& progress() const { return progress_; }

  // One transaction of all of them.
  PgAnswer write(std::vector<SinkWrite>& writes, PgNews news);

  // After kUnknown: whether that write was committed. kDone, or kAgain if it certainly was not; kUnknown while
  // nobody answers.
  PgAnswer find_out(const std::vector<SinkWrite>& writes);

  void interrupt() { connection_->interrupt(); }

 private:
  struct Row {
    size_t write;
    size_t event;
    size_t begin;  // in text_
    size_t end;
  };
  struct Range {
    size_t begin;  // rows
    size_t end;
  };

  PgSession(PgSessionOptions options, std::unique_ptr<PgConnection> connection);

  PgResult<void> ensure();
  PgResult<void> connect();
  PgResult<void> look_at_table();
  PgResult<void> look_at_columns(const std::string& quoted);
  PgResult<void> try_out();
  void take_news(PgNews news);
  PgResult<void> claim();
  PgResult<void> take(int64_t epoch);
  PgError replaced(const PgRows& owner) const;

  void make_rows(std::vector<SinkWrite>& writes);
  PgResult<void> write_at_once();
  PgResult<void> write_carefully(std::vector<SinkWrite>& writes, int64_t hint);
  PgResult<void> put_careful(Range range, std::vector<Range>& left, std::vector<SinkWrite>& writes);
  PgResult<void> put(const std::string& before, Range range);
  PgResult<void> advance_partition(const std::string& partition, const PgPartition& to);
  PgPartitions progress_with(const std::vector<SinkWrite>& writes) const;
  PgResult<void> commit();
  PgAnswer answer_to(const PgError& error);
  PgAnswer broken_or_again(const PgError& error, const std::string& attempted) const;
  std::string table_shown() const;

  const PgSessionOptions options_;
  const std::string progress_table_;  // quoted
  const std::unique_ptr<PgConnection> connection_;
  PgTable table_;
  PgRowMaker rows_of_;
  std::string leg_;
  std::string server_ = "the server";  // the last one connected to, for messages
  bool has_connected_ = false;         // once
  int64_t epoch_ = 0;                  // 0: nothing claimed yet
  std::vector<std::string> wholes_;    // as recover() was asked for; their parts are ours, too
  PgPartitions progress_;
  std::map<std::string, std::vector<SinkProgress::GivenUp>> given_up_by_engine_;  // not yet committed

  // Of the write at hand.
  std::string text_;
  std::vector<Row> rows_;
  PgPartitions next_progress_;
  bool committing_ = false;
};

}  // namespace colloquium::components
