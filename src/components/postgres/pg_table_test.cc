#include "components/postgres/pg_table.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

TEST_CASE("identifiers are quoted whatever they hold") {
  CHECK(quote_identifier("total") == "\"total\"");
  CHECK(quote_identifier("a\"; DROP TABLE x; --") == "\"a\"\"; DROP TABLE x; --\"");
  CHECK(quote_table("orders") == "\"orders\"");
  CHECK(quote_table("shop.orders") == "\"shop\".\"orders\"");
  CHECK(quote_table("\"a.b\".c") == "\"a.b\".\"c\"");
}

TEST_CASE("an insert copies straight into the table") {
  const PgTable table{.name = "shop.orders", .columns = {"id", "total"}, .key = {}};
  CHECK(copy_sql(table) == "COPY \"shop\".\"orders\" (\"id\", \"total\") FROM STDIN");
}

TEST_CASE("an upsert copies into a temporary table, and moves the last row of each key on") {
  const PgTable table{.name = "c", .columns = {"id", "name"}, .key = {"id"}, .staged = true, .upsert = true};
  CHECK(copy_sql(table) == "COPY pg_temp.colloquium_staging (colloquium_row, \"id\", \"name\") FROM STDIN");
  CHECK(
      move_sql(table) ==
      "INSERT INTO \"c\" (\"id\", \"name\") SELECT DISTINCT ON (\"id\", CASE WHEN \"id\" IS NULL THEN "
      "colloquium_row END) \"id\", \"name\" FROM pg_temp.colloquium_staging ORDER BY \"id\", CASE WHEN \"id\" IS "
      "NULL THEN colloquium_row END, colloquium_row DESC ON CONFLICT (\"id\") DO UPDATE SET \"name\" = "
      "EXCLUDED.\"name\"");
}

TEST_CASE("an upsert of nothing but its key leaves a row that is there") {
  const PgTable table{.name = "c", .columns = {"id"}, .key = {"id"}, .staged = true, .upsert = true};
  CHECK_THAT(move_sql(table), Catch::EndsWith("ON CONFLICT (\"id\") DO NOTHING"));
}

TEST_CASE("what COPY can't take by itself is inserted in the order of the events") {
  const PgTable table{.name = "v", .columns = {"id"}, .key = {}, .staged = true};
  CHECK(move_sql(table) ==
        "INSERT INTO \"v\" (\"id\") SELECT \"id\" FROM pg_temp.colloquium_staging ORDER BY colloquium_row");
}

TEST_CASE("a column's type says how values are written") {
  CHECK(kind_of_column("U", "jsonb") == PgColumnKind::kJson);
  CHECK(kind_of_column("U", "json") == PgColumnKind::kJson);
  CHECK(kind_of_column("A", "_int4") == PgColumnKind::kArray);
  CHECK(kind_of_column("A", "_jsonb") == PgColumnKind::kArray);
  CHECK(kind_of_column("S", "text") == PgColumnKind::kText);
}

}  // namespace
}  // namespace colloquium::components
