#include "components/postgres/pg_session.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "base/logging.h"
#include "base/part_name.h"

namespace colloquium::components {
namespace {

constexpr const char* kComponent = "postgres";
constexpr const char* kNoTableState = "42P01";
constexpr const char* kNoColumnState = "42703";
constexpr const char* kReplacedState = "CQ001";  // ours: no server has it
constexpr const char* kNoUniqueIndexState = "42P10";

std::optional<int64_t> number_in(const std::optional<std::string>& text) {
  int64_t number = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc()) return {};
  return number;
}

PgError setup_error(const char* sqlstate, std::string message) {
  return {.sqlstate = sqlstate, .message = std::move(message), .context = {}};
}

void refuse(SinkWrite& write, size_t event, Error error) {
  if (write.outcomes.empty()) write.outcomes.resize(write.batch->size());
  write.outcomes[event] = {Outcome::kDeadLetter, std::move(error), 0};
}

int64_t next_of(const Batch& batch) {
  ASSERT(!batch.empty());
  return batch.offset(batch.size() - 1) + 1;
}

}  // namespace

PgSession::PgSession(PgSessionOptions options, std::unique_ptr<PgConnection> connection)
    : options_(std::move(options)),
      progress_table_(quote_table(options_.config.progress_table)),
      connection_(std::move(connection)),
      table_(pg_table(options_.config)),
      rows_of_(options_.scripts, options_.context) {
  ASSERT(table_.columns.size() == options_.scripts.size());
}

Result<std::unique_ptr<PgSession>> PgSession::create(PgSessionOptions options, const Clock& clock) {
  const PostgresConfig& config = options.config;
  TRY_ASSIGN(auto connection, PgConnection::create(clock, config.connect_timeout.ms, config.timeout.ms));
  return std::unique_ptr<PgSession>(new PgSession(std::move(options), std::move(connection)));
}

std::string PgSession::table_shown() const {
  return "table " + table_.name + " of " + server_;
}

PgAnswer PgSession::broken_or_again(const PgError& error, const std::string& attempted) const {
  Error told = to_error(attempted, error);
  if (error.sqlstate == kReplacedState) {
    told = {ErrorCode::kConflict, error.message, false, {}};
  } else if (error.sqlstate == kNoUniqueIndexState) {
    told.message += "; make a unique index of just the columns of key";
  }
  const bool again = trouble_of(error) != PgTrouble::kSetup;
  return {again ? PgVerdict::kAgain : PgVerdict::kBroken, std::move(told)};
}

// --- connecting

PgResult<void> PgSession::ensure() {
  if (connection_->is_open()) return {};
  PG_TRY(connect());
  auto ready = look_at_table();
  if (ready) ready = claim();
  // Half a session is none: the next attempt begins at the beginning.
  if (!ready) connection_->close();
  return ready;
}

PgResult<void> PgSession::connect() {
  PG_TRY(connection_->open(pg_settings(options_.config, options_.base_dir, leg_)));
  server_ = connection_->shown();
  has_connected_ = true;
  const std::string timeout = std::to_string(options_.config.timeout.ms);
  auto set = connection_->run("SET standard_conforming_strings = on; SET idle_in_transaction_session_timeout = " +
                              timeout + "; SET DateStyle = ISO");
  if (!set) {
    connection_->close();
    return tl::unexpected(std::move(set).error());
  }
  log_info(kComponent, "connected", {{"server", server_}, {"table", table_.name}, {"leg", leg_}});
  return {};
}

PgResult<void> PgSession::look_at_table() {
  const std::string quoted = quote_table(table_.name);
  PG_TRY_ASSIGN(const PgRows found, connection_->run(look_up_table_sql(), {quoted}));
  if (found.rows.empty()) {
    return tl::unexpected(
        setup_error(kNoTableState, "there is no such table; create it, or name another with the setting table"));
  }
  const auto& row = found.rows[0];
  const bool is_plain = row[0] == "r" || row[0] == "p";
  table_.staged = table_.upsert || !is_plain || row[1] == "t" || row[2] == "t";
  PG_TRY(look_at_columns(quoted));
  if (table_.staged) PG_TRY(connection_->run(create_staging_sql(table_)));
  return try_out();
}

PgResult<void> PgSession::look_at_columns(const std::string& quoted) {
  PG_TRY_ASSIGN(const PgRows found, connection_->run(look_up_columns_sql(), {quoted}));
  std::vector<PgColumnKind> kinds;
  for (const std::string& column : table_.columns) {
    const auto at =
        std::find_if(found.rows.begin(), found.rows.end(), [&](const auto& row) { return row[0] == column; });
    if (at == found.rows.end()) {
      return tl::unexpected(setup_error(
          kNoColumnState, "it has no column " + column + "; add it to the table, or change the setting columns"));
    }
    kinds.push_back(kind_of_column((*at)[1].value_or(""), (*at)[2].value_or("")));
  }
  rows_of_.set_kinds(std::move(kinds));
  return {};
}

// No rows, rolled back: permissions and a missing unique index are told now and not with the first event.
PgResult<void> PgSession::try_out() {
  PG_TRY(connection_->copy("BEGIN; " + copy_sql(table_), ""));
  if (table_.staged) PG_TRY(connection_->run(move_sql(table_)));
  PG_TRY(connection_->run("ROLLBACK"));
  return {};
}

PgResult<void> PgSession::claim() {
  PG_TRY_ASSIGN(const PgRows exists, connection_->run("SELECT to_regclass($1)", {progress_table_}));
  if (exists.rows.empty() || !exists.rows[0][0]) PG_TRY(connection_->run(create_progress_sql(progress_table_)));
  PG_TRY(connection_->run(end_sessions_sql(progress_table_), {leg_}));
  PG_TRY(connection_->run("BEGIN"));
  PG_TRY(connection_->run(lock_leg_sql(), {leg_}));
  PG_TRY_ASSIGN(const PgRows owner, connection_->run(owner_sql(progress_table_), {leg_}));
  const auto highest = owner.rows.empty() ? std::nullopt : number_in(owner.rows[0][0]);
  if (epoch_ > 0 && (!highest || owner.rows[0][1] != options_.claimant)) return tl::unexpected(replaced(owner));
  PG_TRY(take(highest.value_or(0) + 1));
  PG_TRY(connection_->run("COMMIT"));
  return {};
}

PgResult<void> PgSession::take(int64_t epoch) {
  // Before the commit: if that is uncertain, the claimant's name tells that the epoch is ours.
  epoch_ = epoch;
  const std::string text = std::to_string(epoch);
  for (const auto& [partition, at] : progress_) {
    PG_TRY(connection_->run(add_partition_sql(progress_table_), {leg_, partition, text}));
  }
  PG_TRY_ASSIGN(const PgRows claimed,
                connection_->run(claim_sql(progress_table_), {leg_, text, options_.claimant}));
  for (const auto& row : claimed.rows) {
    const std::string partition = row[0].value_or("");
    if (!progress_.contains(partition) && !is_of_any(partition, wholes_)) continue;  // of another data directory
    auto given_up = given_up_of(row[2].value_or("[]"));
    if (!given_up) return tl::unexpected(setup_error("XX001", given_up.error().message));
    progress_[partition] = {number_in(row[1]), std::move(*given_up)};
  }
  return {};
}

PgError PgSession::replaced(const PgRows& owner) const {
  std::string who = "its progress was deleted";
  if (!owner.rows.empty()) {
    const auto& row = owner.rows[0];
    who = "another process took it over at " + row[2].value_or("?") + " from " + row[3].value_or("?") +
          " (epoch " + row[0].value_or("?") + ", this one had " + std::to_string(epoch_) + ")";
  }
  return setup_error(kReplacedState, "cannot write to " + table_shown() + " for " + leg_ + " any more: " + who +
                                         "; run one process per pipeline, or give the other another name");
}

PgAnswer PgSession::recover(const std::string& leg, const std::vector<std::string>& partitions) {
  leg_ = leg;
  wholes_ = partitions;
  for (const std::string& partition : partitions) progress_.try_emplace(partition);
  const auto ready = ensure();
  if (ready) return {};
  const PgError& error = ready.error();
  PgAnswer answer = broken_or_again(error, "prepare " + table_shown());
  // A wrong password does not come right by waiting. Later it may be somebody at work on the server.
  if (!has_connected_ && is_refusal_of_login(error)) {
    answer.verdict = PgVerdict::kBroken;
    answer.error = {ErrorCode::kPermission,
                    "cannot log in to PostgreSQL: " + error.message + "; check user, password and database",
                    false,
                    {}};
  }
  return answer;
}

PgAnswer PgSession::find_out(const std::vector<SinkWrite>& writes) {
  ASSERT(!writes.empty());
  if (const auto ready = ensure(); !ready) {
    PgAnswer answer = broken_or_again(ready.error(), "find out what became of a commit to " + table_shown());
    if (answer.verdict == PgVerdict::kAgain) answer.verdict = PgVerdict::kUnknown;
    return answer;
  }
  // One transaction: all of them or none.
  const Batch& any = *writes.front().batch;
  if (progress_[partition_id(any.origin())].next.value_or(0) >= next_of(any)) return {};
  return {PgVerdict::kAgain,
          {ErrorCode::kUnavailable, "the connection to " + server_ + " was lost before the commit", true, {}}};
}

// --- writing

void PgSession::take_news(PgNews news) {
  for (auto& [partition, more] : news.given_up) {
    auto& known = given_up_by_engine_[partition];
    known.insert(known.end(), more.begin(), more.end());
  }
  for (const auto& [partition, offset] : news.settled) {
    // A part of which nothing was written yet has no row, and write() makes it by its not being here.
    if (const auto at = progress_.find(partition); at != progress_.end()) forget_below(offset, at->second.given_up);
    if (const auto at = given_up_by_engine_.find(partition); at != given_up_by_engine_.end()) {
      forget_below(offset, at->second);
    }
  }
}

PgAnswer PgSession::write(std::vector<SinkWrite>& writes, PgNews news) {
  ASSERT(!writes.empty());
  for (const SinkWrite& one : writes) {
    // Not known to recover(): its row is made by claiming again.
    if (progress_.try_emplace(partition_id(one.batch->origin())).second) connection_->close();
  }
  const auto ready = ensure();
  // Behind it, as a new connection reads the progress again.
  take_news(std::move(news));
  if (!ready) return broken_or_again(ready.error(), "write to " + table_shown());
  make_rows(writes);
  next_progress_ = progress_with(writes);
  committing_ = false;
  auto done = write_at_once();
  if (!done && trouble_of(done.error()) == PgTrouble::kRow) {
    committing_ = false;
    auto rolled_back = connection_->run("ROLLBACK");
    done = rolled_back ? write_carefully(writes, row_hint(done.error().context))
                       : PgResult<void>(tl::unexpected(std::move(rolled_back).error()));
  }
  if (!done) return answer_to(done.error());
  for (auto& [partition, at] : next_progress_) {
    progress_[partition] = std::move(at);
    given_up_by_engine_.erase(partition);
  }
  return {};
}

PgAnswer PgSession::answer_to(const PgError& error) {
  PgAnswer answer = broken_or_again(error, "write to " + table_shown());
  if (committing_ && error.lost) {
    answer.verdict = PgVerdict::kUnknown;
  } else if (connection_->is_open() && !connection_->run("ROLLBACK")) {
    connection_->close();
  }
  return answer;
}

void PgSession::make_rows(std::vector<SinkWrite>& writes) {
  text_.clear();
  rows_.clear();
  for (size_t i = 0; i < writes.size(); ++i) {
    const Batch& batch = *writes[i].batch;
    writes[i].outcomes.clear();
    for (size_t event = 0; event < batch.size(); ++event) {
      const size_t begin = text_.size();
      const auto number = table_.staged ? std::optional<size_t>(rows_.size()) : std::nullopt;
      if (auto error = rows_of_.append(batch, event, number, text_)) {
        refuse(writes[i], event, std::move(*error));
      } else {
        rows_.push_back({i, event, begin, text_.size()});
      }
    }
  }
}

PgResult<void> PgSession::put(const std::string& before, Range range) {
  ASSERT(range.begin <= range.end && range.end <= rows_.size());
  std::string_view text;
  if (range.begin < range.end) {
    const size_t begin = rows_[range.begin].begin;
    text = std::string_view(text_).substr(begin, rows_[range.end - 1].end - begin);
  }
  PG_TRY(connection_->copy(before + copy_sql(table_), text));
  if (table_.staged) PG_TRY(connection_->run(move_sql(table_)));
  return {};
}

PgResult<void> PgSession::write_at_once() {
  PG_TRY(put("BEGIN; ", {0, rows_.size()}));
  for (const auto& [partition, to] : next_progress_) PG_TRY(advance_partition(partition, to));
  return commit();
}

PgResult<void> PgSession::write_carefully(std::vector<SinkWrite>& writes, int64_t hint) {
  // A deferred constraint speaks up now and not at the commit, when nobody knows any more whom it means.
  PG_TRY(connection_->run("BEGIN; SET CONSTRAINTS ALL IMMEDIATE"));
  std::vector<Range> left = {{0, rows_.size()}};
  if (hint > 0 && static_cast<size_t>(hint) < rows_.size()) {
    const auto at = static_cast<size_t>(hint);
    left = {{at + 1, rows_.size()}, {at, at + 1}, {0, at}};
  }
  while (!left.empty()) {
    const Range range = left.back();
    left.pop_back();
    if (range.begin < range.end) PG_TRY(put_careful(range, left, writes));
  }
  next_progress_ = progress_with(writes);
  for (const auto& [partition, to] : next_progress_) PG_TRY(advance_partition(partition, to));
  return commit();
}

// Either the range is in, or its row is refused, or its parts are left to do.
PgResult<void> PgSession::put_careful(Range range, std::vector<Range>& left, std::vector<SinkWrite>& writes) {
  const auto done = put("SAVEPOINT part; ", range);
  if (done) {
    PG_TRY(connection_->run(table_.staged ? empty_staging_sql() + "; RELEASE part" : "RELEASE part"));
    return {};
  }
  if (trouble_of(done.error()) != PgTrouble::kRow) return done;
  PG_TRY(connection_->run("ROLLBACK TO part; RELEASE part"));
  if (range.end - range.begin == 1) {
    const Row& row = rows_[range.begin];
    refuse(writes[row.write], row.event, to_error("write a row to table " + table_.name, done.error()));
    return {};
  }
  // In the order of the rows: the last one pushed comes next.
  const size_t size = range.end - range.begin;
  const int64_t hint = row_hint(done.error().context);
  if (hint >= 0 && static_cast<size_t>(hint) < size) {
    const size_t at = range.begin + static_cast<size_t>(hint);
    left.insert(left.end(), {{at + 1, range.end}, {at, at + 1}, {range.begin, at}});
  } else {
    const size_t middle = range.begin + size / 2;
    left.insert(left.end(), {{middle, range.end}, {range.begin, middle}});
  }
  return {};
}

PgPartitions PgSession::progress_with(const std::vector<SinkWrite>& writes) const {
  PgPartitions out;
  for (const SinkWrite& write : writes) {
    const Batch& batch = *write.batch;
    const std::string name = partition_id(batch.origin());
    const auto [at, is_new] = out.try_emplace(name, progress_.at(name));
    PgPartition& partition = at->second;
    const auto engines = given_up_by_engine_.find(name);
    if (is_new && engines != given_up_by_engine_.end()) {
      partition.given_up.insert(partition.given_up.end(), engines->second.begin(), engines->second.end());
    }
    for (size_t event = 0; event < write.outcomes.size(); ++event) {
      if (write.outcomes[event].outcome != Outcome::kDeadLetter) continue;
      const int64_t offset = batch.offset(event);
      const bool known = !partition.given_up.empty() && partition.given_up.back().offset == offset;
      if (!known) partition.given_up.push_back({offset, write.outcomes[event].error.message});
    }
    partition.next = next_of(batch);
  }
  return out;
}

PgResult<void> PgSession::advance_partition(const std::string& partition, const PgPartition& to) {
  const PgPartition& from = progress_.at(partition);
  const PgParameter before = from.next ? PgParameter(std::to_string(*from.next)) : std::nullopt;
  PG_TRY_ASSIGN(const PgRows advanced, connection_->run(advance_sql(progress_table_),
                                                        {leg_, partition, std::to_string(epoch_), before,
                                                         std::to_string(*to.next), given_up_text(to.given_up)}));
  if (advanced.affected == 1) return {};
  PG_TRY_ASSIGN(const PgRows owner, connection_->run(owner_sql(progress_table_), {leg_}));
  return tl::unexpected(replaced(owner));
}

PgResult<void> PgSession::commit() {
  committing_ = true;
  PG_TRY_ASSIGN(const PgRows done, connection_->run("COMMIT"));
  if (done.tag == "COMMIT") return {};
  return tl::unexpected(
      PgError{.sqlstate = "40000", .message = "the server rolled the transaction back", .context = {}});
}

}  // namespace colloquium::components
