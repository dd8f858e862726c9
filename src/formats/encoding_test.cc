#include "formats/encoding.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::formats {
namespace {

std::string found(const std::string& json, const std::string& path) {
  const auto document = json::parse(json, "test").value();
  const auto value = MemberPath(path).find(json::ValueView(document.text.data(), document.tape.data(), 0));
  std::string scratch;
  return value ? std::string(text_of(*value, scratch)) : "nothing";
}

}  // namespace

TEST_CASE("a member is found by its key or by a pointer") {
  CHECK(found(R"({"a":{"b":[1,{"c":"x\n"}]},"a/b":2})", "a/b") == "2");
  CHECK(found(R"({"a":{"b":[1,{"c":"x\n"}]}})", "/a/b/1/c") == "x\n");
  CHECK(found(R"({"a":{"b": [1, {"c": 2}]}})", "a") == R"({"b":[1,{"c":2}]})");
  CHECK(found(R"({"a/b":1,"~":2})", "/a~1b") == "1");
  CHECK(found(R"({"a/b":1,"~":2})", "/~0") == "2");
  CHECK(found(R"({"a":null})", "a") == "nothing");
  CHECK(found(R"({"a":[1]})", "/a/1") == "nothing");
  CHECK(found(R"({"a":[1]})", "/a/x") == "nothing");
  CHECK(found(R"({"a":1})", "/a/b") == "nothing");
}

}  // namespace colloquium::formats
