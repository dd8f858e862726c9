// PgRowMaker: events as rows of COPY's text form, by an expression per column.
//
// What a value is written as follows from its column: JSON for json and jsonb, PostgreSQL's array text for an
// array, else a string as its text and everything else as its JSON. null is NULL everywhere.
//
// Thread safety: belongs to one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "components/postgres/pg_table.h"
#include "computo/event_evaluator.h"
#include "json/view.h"

namespace colloquium::components {

struct PgColumnScript {
  std::string column;
  computo::ProgramPtr program;
};

class PgRowMaker {
 public:
  // `context` may be null.
  PgRowMaker(const std::vector<PgColumnScript>& columns, std::shared_ptr<const computo::HostContext> context);

  // As the table has its columns now, in the order of the scripts. Text until then.
  void set_kinds(std::vector<PgColumnKind> kinds);

  // Appends the event's row, its line break included; with an error nothing. `number` stands before it if it is
  // given.
  std::optional<Error> append(const Batch& batch, size_t event, std::optional<size_t> number, std::string& rows);

 private:
  std::optional<Error> append_value(size_t column, const Batch& batch, size_t event, std::string& rows);

  std::vector<std::unique_ptr<computo::EventEvaluator>> evaluators_;
  std::vector<std::string> names_;
  std::vector<PgColumnKind> kinds_;
  std::vector<char> bytes_;
  std::vector<TapeToken> tape_;
  std::string scratch_;
};

// Appends a value as it stands in COPY's text form. REQUIRES: not null.
void append_copy_value(const json::ValueView& value, PgColumnKind kind, std::string& scratch, std::string& rows);

}  // namespace colloquium::components
