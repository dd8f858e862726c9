#include "components/postgres/pg_error.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

PgError with_state(const char* state, bool lost = false) {
  return {.sqlstate = state, .message = "m", .context = {}, .lost = lost};
}

TEST_CASE("an SQLSTATE says whether the row, the server or the setup is to blame") {
  for (const char* state : {"22001", "22P02", "22003", "23502", "23505", "23503", "54000", "P0001", "44000"}) {
    INFO(state);
    CHECK(trouble_of(with_state(state)) == PgTrouble::kRow);
  }
  for (const char* state : {"08006", "40001", "40P01", "53300", "53100", "57P01", "57P03", "57014", "25006",
                            "25P03", "55P03", "XX000", ""}) {
    INFO(state);
    CHECK(trouble_of(with_state(state)) == PgTrouble::kServer);
  }
  for (const char* state : {"42P01", "42703", "42501", "28P01", "3D000", "42P10", "0A000", "54011"}) {
    INFO(state);
    CHECK(trouble_of(with_state(state)) == PgTrouble::kSetup);
  }
}

TEST_CASE("whatever the server said before the connection went, it is worth another attempt") {
  CHECK(trouble_of(with_state("42P01", true)) == PgTrouble::kServer);
  CHECK(trouble_of(with_state("23505", true)) == PgTrouble::kServer);
}

TEST_CASE("the SQLSTATE of a refused connection is found in libpq's text, whatever its language") {
  const std::string text =
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication failed for "
      "user \"u\"\nLOCATION:  auth_failed, auth.c:335\n";
  CHECK(sqlstate_in(text) == "28P01");
  CHECK(one_line(text) ==
        "connection to server at \"127.0.0.1\", port 5432 failed: FATAL: password authentication failed for user "
        "\"u\"");
  CHECK(sqlstate_in("SCHWERWIEGEND:  57P03: das Datenbanksystem startet").size() == 5);
  CHECK(sqlstate_in("connection to server at \"::1\", port 1 failed: Connection refused").empty());
  CHECK(sqlstate_in("FATAL:  abc").empty());
}

TEST_CASE("the row that COPY's context names is a hint, and text of another form gives none") {
  CHECK(row_hint("COPY orders, line 7, column total: \"x\"") == 6);
  CHECK(row_hint("COPY t2, Zeile 1") == 0);
  CHECK(row_hint("COPY t2") == kNoRow);
  CHECK(row_hint("SQL statement \"SELECT 1\", 5") == kNoRow);
  CHECK(row_hint("COPY t, line 99999999999999999999") == kNoRow);
  CHECK(row_hint("COPY t, line 0") == kNoRow);
}

TEST_CASE("an error for the engine says what was attempted, and whether to try again") {
  const Error error = to_error("write to table t", with_state("23505"));
  CHECK(error.message == "cannot write to table t: m (SQLSTATE 23505)");
  CHECK(error.code == ErrorCode::kInvalidInput);
  CHECK_FALSE(error.retryable);
  CHECK(to_error("x", with_state("40001")).retryable);
  CHECK(to_error("x", with_state("42501")).code == ErrorCode::kPermission);
  CHECK(to_error("x", with_state("42P01")).code == ErrorCode::kInvalidConfig);
}

}  // namespace
}  // namespace colloquium::components
