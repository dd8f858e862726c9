// PgConnection: one libpq connection whose every wait ends: with an answer, at a deadline, or by interrupt().
//
// libpq's own blocking calls wait for as long as a frozen server likes and can't be ended from elsewhere, so this
// uses its asynchronous half (libpq, "Asynchronous Command Processing") and waits in poll(2) for the socket and a
// wake-up. Only looking up a host name is libpq's own blocking affair.
//
// After an error with `lost` the connection is closed; open() makes another. Any other error leaves it as the
// server left it: inside a transaction that can only be rolled back, or outside of one.
//
// Thread safety: interrupt() on any thread, everything else on one thread at a time. Ownership: the clock outlives
// it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/clock.h"

#include "components/postgres/pg_error.h"

struct pg_conn;
struct pg_result;

namespace colloquium::components {

// What a statement gave. Values are text; nothing is NULL.
struct PgRows {
  std::vector<std::vector<std::optional<std::string>>> rows;
  int64_t affected = 0;
  std::string tag;  // "COMMIT"
};

using PgParameter = std::optional<std::string>;
using PgSettings = std::vector<std::pair<std::string, std::string>>;  // libpq's keywords; a later one wins

class PgConnection {
 public:
  // Fails if the process has no file descriptor left.
  static Result<std::unique_ptr<PgConnection>> create(const Clock& clock, int64_t connect_timeout_ms,
                                                      int64_t statement_timeout_ms);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  // Replaces what was open.
  PgResult<void> open(const PgSettings& settings);
  bool is_open() const { return connection_ != nullptr; }
  void close();

  // Several statements with semicolons between them; what the last one gave.
  PgResult<PgRows> run(const std::string& sql);
  // One statement with $1, $2, …
  PgResult<PgRows> run(const std::string& sql, const std::vector<PgParameter>& parameters);
  // The same, whose last statement is COPY … FROM STDIN, fed with `text`.
  PgResult<PgRows> copy(const std::string& sql, std::string_view text);

  // Whether the server is inside of no transaction. REQUIRES: is_open().
  bool is_idle() const;

  // "host:port/database", without user or password.
  std::string shown() const;

  // Every call under way or to come ends as a lost connection.
  void interrupt();

 private:
  PgConnection(const Clock& clock, int wake_fd, int64_t connect_timeout_ms, int64_t statement_timeout_ms);
  PgError lost(const std::string& why);
  PgError lost_by_libpq();
  PgError refused(const pg_result* result);
  void begin(int64_t timeout_ms);
  PgResult<void> wait(short events);
  PgResult<void> finish_connecting();
  PgResult<void> flush();
  PgResult<pg_result*> next_result();
  PgResult<PgRows> results();
  PgResult<void> feed(std::string_view text);

  const Clock& clock_;
  const int wake_fd_;
  const int64_t connect_timeout_ms_;
  const int64_t statement_timeout_ms_;
  int64_t deadline_ns_ = 0;
  pg_conn* connection_ = nullptr;
  std::atomic<bool> interrupted_{false};
};

}  // namespace colloquium::components
