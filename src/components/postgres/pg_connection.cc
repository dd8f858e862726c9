#include "components/postgres/pg_connection.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <libpq-fe.h>
#include <limits>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::components {
namespace {

constexpr size_t kCopyChunkBytes = size_t{256} << 10;
constexpr int64_t kNsPerMs = 1'000'000;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

// Warnings of the server would go to stderr as they are.
void take_notice(void*, const PGresult* result) {
  log_debug("postgres", one_line(PQresultErrorMessage(result)));
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : one_line(text);
}

PgRows rows_of(const PGresult* result) {
  PgRows out;
  const int columns = PQnfields(result);
  for (int i = 0; i < PQntuples(result); ++i) {
    auto& row = out.rows.emplace_back();
    for (int j = 0; j < columns; ++j) {
      if (PQgetisnull(result, i, j) != 0) {
        row.emplace_back();
      } else {
        row.emplace_back(std::string(PQgetvalue(result, i, j), static_cast<size_t>(PQgetlength(result, i, j))));
      }
    }
  }
  auto* const counted = const_cast<PGresult*>(result);  // libpq takes these two without const
  out.tag = PQcmdStatus(counted);
  const std::string_view affected = PQcmdTuples(counted);
  std::from_chars(affected.data(), affected.data() + affected.size(), out.affected);
  return out;
}

bool is_failure(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_NONFATAL_ERROR;
}

}  // namespace

PgConnection::PgConnection(const Clock& clock, int wake_fd, int64_t connect_timeout_ms,
                           int64_t statement_timeout_ms)
    : clock_(clock),
      wake_fd_(wake_fd),
      connect_timeout_ms_(connect_timeout_ms),
      statement_timeout_ms_(statement_timeout_ms) {
  ASSERT(wake_fd >= 0 && connect_timeout_ms > 0 && statement_timeout_ms > 0);
}

PgConnection::~PgConnection() {
  close();
  ::close(wake_fd_);
}

Result<std::unique_ptr<PgConnection>> PgConnection::create(const Clock& clock, int64_t connect_timeout_ms,
                                                           int64_t statement_timeout_ms) {
  const int wake_fd = eventfd(0, EFD_CLOEXEC);
  if (wake_fd < 0) {
    return fail(ErrorCode::kLimit, "cannot make a connection: " + std::generic_category().message(errno) +
                                       "; raise the limit of open files (ulimit -n)");
  }
  return std::unique_ptr<PgConnection>(new PgConnection(clock, wake_fd, connect_timeout_ms, statement_timeout_ms));
}

void PgConnection::close() {
  if (connection_ != nullptr) PQfinish(std::exchange(connection_, nullptr));
}

void PgConnection::interrupt() {
  interrupted_ = true;
  const uint64_t one = 1;
  // Never read, so it stays readable; only its overflow could fail.
  const ssize_t written = ::write(wake_fd_, &one, sizeof one);
  ASSERT(written == sizeof one);
}

PgError PgConnection::lost(const std::string& why) {
  close();
  return {.sqlstate = {}, .message = why, .context = {}, .lost = true};
}

PgError PgConnection::lost_by_libpq() {
  const std::string text = PQerrorMessage(connection_);
  PgError error = lost(one_line(text));
  error.sqlstate = sqlstate_in(text);
  return error;
}

PgError PgConnection::refused(const PGresult* result) {
  PgError error;
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state != nullptr) error.sqlstate = state;
  error.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (error.message.empty()) error.message = one_line(PQresultErrorMessage(result));
  const std::string detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  const std::string hint = field(result, PG_DIAG_MESSAGE_HINT);
  if (!detail.empty()) error.message += "; " + detail;
  if (!hint.empty()) error.message += "; " + hint;
  error.context = field(result, PG_DIAG_CONTEXT);
  return error;
}

void PgConnection::begin(int64_t timeout_ms) {
  deadline_ns_ = clock_.monotonic_ns() + timeout_ms * kNsPerMs;
}

// Until the socket is ready, or has an error that libpq will tell.
PgResult<void> PgConnection::wait(short events) {
  for (;;) {
    pollfd watched[2] = {{PQsocket(connection_), events, 0}, {wake_fd_, POLLIN, 0}};
    const int64_t left_ms = (deadline_ns_ - clock_.monotonic_ns()) / kNsPerMs;
    if (left_ms <= 0) return tl::unexpected(lost("no answer in time; see the settings timeout, connect_timeout"));
    const int ready =
        poll(watched, 2, static_cast<int>(std::min<int64_t>(left_ms, std::numeric_limits<int>::max())));
    if (ready < 0 && errno != EINTR) {
      return tl::unexpected(lost("cannot wait: " + std::generic_category().message(errno)));
    }
    if (watched[1].revents != 0) return tl::unexpected(lost("the sink is being closed"));
    if (ready > 0 && watched[0].revents != 0) return {};
  }
}

PgResult<void> PgConnection::finish_connecting() {
  // As the documentation of PQconnectStartParams has it: as if the last poll had said "writing".
  short events = POLLOUT;
  for (;;) {
    if (auto ready = wait(events); !ready) return ready;
    switch (PQconnectPoll(connection_)) {
      case PGRES_POLLING_READING:
        events = POLLIN;
        break;
      case PGRES_POLLING_WRITING:
        events = POLLOUT;
        break;
      case PGRES_POLLING_OK:
        return {};
      default:
        return tl::unexpected(lost_by_libpq());
    }
  }
}

PgResult<void> PgConnection::open(const PgSettings& settings) {
  close();
  if (interrupted_) return tl::unexpected(lost("the sink is being closed"));
  std::vector<const char*> keywords, values;
  for (const auto& [keyword, value] : settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_ = PQconnectStartParams(keywords.data(), values.data(), 1);
  if (connection_ == nullptr) return tl::unexpected(lost("libpq has no memory"));
  if (PQstatus(connection_) == CONNECTION_BAD) return tl::unexpected(lost_by_libpq());
  // Only with this does the text of a refused connection hold its SQLSTATE.
  PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(connection_, take_notice, nullptr);
  begin(connect_timeout_ms_);
  if (auto connected = finish_connecting(); !connected) return connected;
  if (PQsetnonblocking(connection_, 1) != 0) return tl::unexpected(lost_by_libpq());
  return {};
}

PgResult<void> PgConnection::flush() {
  for (;;) {
    const int left = PQflush(connection_);
    if (left == 0) return {};
    if (left < 0) return tl::unexpected(lost_by_libpq());
    // The server may have to get rid of an answer before it reads on.
    if (auto ready = wait(POLLIN | POLLOUT); !ready) return ready;
    if (PQconsumeInput(connection_) == 0) return tl::unexpected(lost_by_libpq());
  }
}

// Null when there are no more.
PgResult<PGresult*> PgConnection::next_result() {
  while (PQisBusy(connection_) != 0) {
    if (auto ready = wait(POLLIN); !ready) return tl::unexpected(std::move(ready).error());
    if (PQconsumeInput(connection_) == 0) return tl::unexpected(lost_by_libpq());
  }
  return PQgetResult(connection_);
}

// All of what was sent; the first error, else the last result. Stops where a COPY wants its data.
PgResult<PgRows> PgConnection::results() {
  if (auto sent = flush(); !sent) return tl::unexpected(std::move(sent).error());
  std::optional<PgError> failed;
  PgRows rows;
  for (;;) {
    auto next = next_result();
    if (!next) return tl::unexpected(std::move(next).error());
    if (*next == nullptr) break;
    const ResultPtr result(*next);
    if (is_failure(result.get())) {
      if (!failed) failed = refused(result.get());
    } else if (PQresultStatus(result.get()) == PGRES_COPY_IN) {
      return rows;
    } else {
      rows = rows_of(result.get());
    }
  }
  if (!failed) return rows;
  // FATAL: the server said why and went.
  if (PQstatus(connection_) == CONNECTION_BAD) {
    close();
    failed->lost = true;
  }
  return tl::unexpected(std::move(*failed));
}

PgResult<PgRows> PgConnection::run(const std::string& sql) {
  if (!is_open()) return tl::unexpected(lost("there is no connection"));
  begin(statement_timeout_ms_);
  if (PQsendQuery(connection_, sql.c_str()) == 0) return tl::unexpected(lost_by_libpq());
  return results();
}

PgResult<PgRows> PgConnection::run(const std::string& sql, const std::vector<PgParameter>& parameters) {
  if (!is_open()) return tl::unexpected(lost("there is no connection"));
  std::vector<const char*> values;
  for (const PgParameter& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  begin(statement_timeout_ms_);
  if (PQsendQueryParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                        nullptr, 0) == 0) {
    return tl::unexpected(lost_by_libpq());
  }
  return results();
}

PgResult<void> PgConnection::feed(std::string_view text) {
  while (!text.empty()) {
    const std::string_view chunk = text.substr(0, kCopyChunkBytes);
    text.remove_prefix(chunk.size());
    // The deadline is for standing still, not for the whole of a large group.
    begin(statement_timeout_ms_);
    // libpq's buffer holds a chunk and no more.
    if (PQputCopyData(connection_, chunk.data(), static_cast<int>(chunk.size())) != 1) {
      return tl::unexpected(lost_by_libpq());
    }
    if (auto sent = flush(); !sent) return sent;
  }
  if (PQputCopyEnd(connection_, nullptr) != 1) return tl::unexpected(lost_by_libpq());
  return {};
}

PgResult<PgRows> PgConnection::copy(const std::string& sql, std::string_view text) {
  auto ready = run(sql);
  if (!ready) return ready;
  if (auto fed = feed(text); !fed) return tl::unexpected(std::move(fed).error());
  begin(statement_timeout_ms_);
  return results();
}

bool PgConnection::is_idle() const {
  ASSERT(is_open());
  return PQtransactionStatus(connection_) == PQTRANS_IDLE;
}

std::string PgConnection::shown() const {
  if (connection_ == nullptr) return "the server";
  const auto text = [](const char* part) { return std::string(part == nullptr ? "" : part); };
  return text(PQhost(connection_)) + ":" + text(PQport(connection_)) + "/" + text(PQdb(connection_));
}

}  // namespace colloquium::components
