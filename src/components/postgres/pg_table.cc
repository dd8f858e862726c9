#include "components/postgres/pg_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace colloquium::components {
namespace {

constexpr std::string_view kStaging = "pg_temp.colloquium_staging";
constexpr std::string_view kNumber = "colloquium_row";

std::string quoted_with(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + quote_identifier(name);
  return list;
}

// Rows with a NULL in the key are no duplicates of each other: to a unique index they are distinct.
std::string distinct_by(const PgTable& table) {
  std::string any_null;
  for (const std::string& column : table.key) {
    any_null += (any_null.empty() ? "" : " OR ") + quote_identifier(column) + " IS NULL";
  }
  return list_of(table.key) + ", CASE WHEN " + any_null + " THEN " + std::string(kNumber) + " END";
}

std::string on_conflict(const PgTable& table) {
  std::string set;
  for (const std::string& column : table.columns) {
    if (std::find(table.key.begin(), table.key.end(), column) != table.key.end()) continue;
    const std::string name = quote_identifier(column);
    set += (set.empty() ? "" : ", ") + name + " = EXCLUDED." + name;
  }
  return " ON CONFLICT (" + list_of(table.key) + ") DO " + (set.empty() ? "NOTHING" : "UPDATE SET " + set);
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  return quoted_with(name, '"');
}

std::string quote_literal(std::string_view text) {
  // standard_conforming_strings is on (the session sets it): a backslash is a backslash.
  return quoted_with(text, '\'');
}

std::string quote_table(std::string_view name) {
  std::string out, part;
  bool quoted = false;
  for (const char c : name) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      out += quote_identifier(std::exchange(part, {})) + ".";
    } else {
      part += c;
    }
  }
  return out + quote_identifier(part);
}

std::string look_up_table_sql() {
  return "SELECT relkind, relhasrules, row_security_active(oid) FROM pg_class WHERE oid = to_regclass($1)";
}

std::string look_up_columns_sql() {
  return "SELECT a.attname, t.typcategory, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
         " WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped";
}

PgColumnKind kind_of_column(std::string_view type_category, std::string_view type_name) {
  if (type_name == "json" || type_name == "jsonb") return PgColumnKind::kJson;
  return type_category == "A" ? PgColumnKind::kArray : PgColumnKind::kText;
}

std::string create_staging_sql(const PgTable& table) {
  ASSERT(table.staged && !table.columns.empty());
  // AS SELECT, so that columns have the table's types and none of its constraints.
  return "DROP TABLE IF EXISTS " + std::string(kStaging) + "; CREATE TEMPORARY TABLE colloquium_staging" +
         " ON COMMIT DELETE ROWS AS SELECT 0::bigint AS " + std::string(kNumber) + ", " + list_of(table.columns) +
         " FROM " + quote_table(table.name) + " WITH NO DATA";
}

std::string empty_staging_sql() {
  return "DELETE FROM " + std::string(kStaging);
}

std::string copy_sql(const PgTable& table) {
  if (!table.staged) return "COPY " + quote_table(table.name) + " (" + list_of(table.columns) + ") FROM STDIN";
  return "COPY " + std::string(kStaging) + " (" + std::string(kNumber) + ", " + list_of(table.columns) +
         ") FROM STDIN";
}

std::string move_sql(const PgTable& table) {
  ASSERT(table.staged && (!table.upsert || !table.key.empty()));
  const std::string columns = list_of(table.columns);
  const std::string into = "INSERT INTO " + quote_table(table.name) + " (" + columns + ") SELECT ";
  const std::string from = columns + " FROM " + std::string(kStaging) + " ORDER BY ";
  if (!table.upsert) return into + from + std::string(kNumber);
  const std::string distinct = distinct_by(table);
  return into + "DISTINCT ON (" + distinct + ") " + from + distinct + ", " + std::string(kNumber) + " DESC" +
         on_conflict(table);
}

}  // namespace colloquium::components
