// PgTable: the table that events are written to, and the statements that do it.
//
// Rows travel by COPY in text form: the quickest way in, and its errors say which row they are about. Where COPY
// into the table itself will not do (an upsert, a view, a table with rules or row-level security) they go into a
// temporary table first and from there on with one INSERT.
//
// Thread safety: values and pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace colloquium::components {

// How a value is written for a column.
enum class PgColumnKind {
  kText,   // a string as its text, anything else as its JSON
  kJson,   // as JSON
  kArray,  // an array as PostgreSQL's own array text
};

// "name" with whatever it holds, as an identifier.
std::string quote_identifier(std::string_view name);
// "schema.table" or "table", each part quoted by itself. A name that holds a dot is written in quotes.
std::string quote_table(std::string_view name);
// As a string constant.
std::string quote_literal(std::string_view text);

struct PgTable {
  std::string name;                  // as configured
  std::vector<std::string> columns;  // in the order of the values
  std::vector<std::string> key;      // with an upsert
  bool staged = false;
  bool upsert = false;
};

// Looks the table up: relkind, whether it has rules or row-level security applies to this user. $1: its quoted
// name.
std::string look_up_table_sql();
// Its columns: name, type category, type name. $1: as above.
std::string look_up_columns_sql();
PgColumnKind kind_of_column(std::string_view type_category, std::string_view type_name);

// Makes the temporary table of a session.
std::string create_staging_sql(const PgTable& table);
std::string empty_staging_sql();
// COPY of the rows; with staging each begins with its number.
std::string copy_sql(const PgTable& table);
// From the temporary table on. Of several rows with one key the last one counts.
std::string move_sql(const PgTable& table);

}  // namespace colloquium::components
