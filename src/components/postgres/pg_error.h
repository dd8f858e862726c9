// PgError: how a statement, or a connection, failed, and what that means for what was to be written.
//
// Source: PostgreSQL 15, appendix A (error codes). Thread safety: values and pure functions.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "colloquium/result.h"

namespace colloquium::components {

struct PgError {
  std::string sqlstate;  // five characters; empty: the server said none (no connection, or time ran out)
  std::string message;   // one line, with the server's detail and hint
  std::string context;   // the server's: "COPY orders, line 7, column total: \"x\""
  bool lost = false;     // the connection is gone with it; whether the statement was done is not known
};

template <class T>
using PgResult = tl::expected<T, PgError>;

// What an error is about.
enum class PgTrouble {
  kRow,     // the values of a row: another row may well be taken
  kServer,  // the server, the connection or another transaction: the same may be taken later
  kSetup,   // the table, its columns, permissions, settings: nothing will be taken until somebody changes them
};
PgTrouble trouble_of(const PgError& error);

// Whether the server refused the connection for a reason that lies in the settings (password, database, role).
bool is_refusal_of_login(const PgError& error);

// The SQLSTATE in libpq's text of a failed connection, written with verbosity "verbose":
// "connection to server at … failed: FATAL:  28P01: password authentication failed". Empty if there is none.
std::string sqlstate_in(std::string_view text);

// libpq's text on one line, without the SQLSTATE and the place in the server's source.
std::string one_line(std::string_view text);

// The row an error of COPY is about, from 0: what "line 7" of its context says. It may be in another language, or
// name another row than the culprit: only where to look first. Nothing if it says none.
int64_t row_hint(std::string_view context);
inline constexpr int64_t kNoRow = -1;

// As it goes to the engine. `what` was attempted: "write to table orders of localhost:5432/shop".
Error to_error(const std::string& what, const PgError& error);

}  // namespace colloquium::components

// PG_TRY(expression): returns the failure of a PgResult.
#define PG_TRY(...)                                                                \
  do {                                                                             \
    auto pg_try_result = (__VA_ARGS__);                                            \
    if (!pg_try_result) return ::tl::unexpected(std::move(pg_try_result).error()); \
  } while (false)
// PG_TRY_ASSIGN(auto x, expression): x is the value, or the failure is returned.
#define PG_TRY_ASSIGN(declaration, ...) \
  PG_TRY_ASSIGN_INNER(COLLOQUIUM_CONCAT(pg_try_value_, __COUNTER__), declaration, __VA_ARGS__)
#define PG_TRY_ASSIGN_INNER(name, declaration, ...)            \
  auto name = (__VA_ARGS__);                                   \
  if (!name) return ::tl::unexpected(std::move(name).error()); \
  declaration = std::move(*name)
