#include "components/postgres/pg_rows.h"

#include <catch2/catch.hpp>

#include "computo/expression.h"
#include "json/walk.h"

namespace colloquium::components {
namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) {
    EventMeta meta;
    meta.key = "k\t1";
    meta.offset_delta = static_cast<uint32_t>(builder.size());
    if (value.empty()) {
      builder.add_tombstone(meta);
    } else {
      builder.add(value, {}, meta);
    }
  }
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "s";
  origin->tag = "abcdefgh";
  return builder.seal(origin, 5);
}

PgColumnScript script(const std::string& column, const std::string& sugar) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kString;
  node.text = "=" + sugar;
  node.mark.line = node.mark.column = 1;
  return {column, computo::compile_expression(node, computo::host_variables()).value()};
}

std::string copied(const std::string& json, PgColumnKind kind) {
  const json::Document document = json::parse(json, "test").value();
  std::string scratch, rows;
  append_copy_value({document.text.data(), document.tape.data(), 0}, kind, scratch, rows);
  return rows;
}

TEST_CASE("a value is written as its column reads it, with COPY's four escapes") {
  CHECK(copied(R"("a\tb\n\\c\r")", PgColumnKind::kText) == R"(a\tb\n\\c\r)");
  CHECK(copied(R"("\u00e9\\N")", PgColumnKind::kText) == "\xC3\xA9\\\\N");
  CHECK(copied("12.50", PgColumnKind::kText) == "12.50");
  CHECK(copied("true", PgColumnKind::kText) == "true");
  CHECK(copied("123456789012345678901234567890", PgColumnKind::kText) == "123456789012345678901234567890");
  CHECK(copied(R"({"a": "x\ny"})", PgColumnKind::kText) == R"({"a": "x\\ny"})");
  CHECK(copied(R"("x")", PgColumnKind::kJson) == R"("x")");
  CHECK(copied("[1,\n2]", PgColumnKind::kJson) == R"([1,\n2])");
}

TEST_CASE("an array is written as PostgreSQL reads one") {
  CHECK(copied("[1, 2.5, null]", PgColumnKind::kArray) == R"({"1","2.5",NULL})");
  CHECK(copied(R"(["a,b", "c\"d", "e\\f", "NULL", ""])", PgColumnKind::kArray) ==
        R"({"a,b","c\\"d","e\\\\f","NULL",""})");
  CHECK(copied("[[1],[2]]", PgColumnKind::kArray) == R"({{"1"},{"2"}})");
  CHECK(copied(R"([{"a":1}])", PgColumnKind::kArray) == R"({"{\\"a\\":1}"})");
  CHECK(copied("[]", PgColumnKind::kArray) == "{}");
  CHECK(copied(R"("{1,2}")", PgColumnKind::kArray) == "{1,2}");
}

TEST_CASE("a row has a value per column, the meta data among what it may name, and null is NULL") {
  PgRowMaker maker({script("id", "event_metadata/id"), script("key", "event_metadata/key"),
                    script("n", "$input/n"), script("x", "$input/x")},
                   nullptr);
  const auto batch = batch_of({R"({"n": 1, "x": null})"});
  std::string rows;
  CHECK_FALSE(maker.append(*batch, 0, std::nullopt, rows));
  CHECK(rows == "s.abcdefgh-0-5\tk\\t1\t1\t\\N\n");
  rows.clear();
  CHECK_FALSE(maker.append(*batch, 0, 17, rows));
  CHECK(rows.starts_with("17\ts.abcdefgh-0-5\t"));
}

TEST_CASE("an event that an expression fails on has no row, and the error names the column") {
  PgRowMaker maker({script("a", "1"), script("total", "$input/a + 1")}, nullptr);
  const auto batch = batch_of({R"({"a": "x"})", R"({"a": 1})"});
  std::string rows = "before\n";
  const auto error = maker.append(*batch, 0, std::nullopt, rows);
  REQUIRE(error);
  CHECK_THAT(error->message, Catch::StartsWith("column total: "));
  CHECK(rows == "before\n");
  CHECK_FALSE(maker.append(*batch, 1, std::nullopt, rows));
  CHECK(rows == "before\n1\t2\n");
}

TEST_CASE("a tombstone's value is NULL") {
  PgRowMaker maker({script("event", "$input")}, nullptr);
  maker.set_kinds({PgColumnKind::kJson});
  std::string rows;
  CHECK_FALSE(maker.append(*batch_of({""}), 0, std::nullopt, rows));
  CHECK(rows == "\\N\n");
}

}  // namespace
}  // namespace colloquium::components
