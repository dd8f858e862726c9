#include "computo/library/patches.h"

#include <catch2/catch.hpp>
#include <random>

#include "computo/testing.h"

namespace colloquium::computo {

using testing::outcome;

namespace {
std::string patched(const std::string& input, const std::string& operations) {
  return outcome(R"(["patch",["$input","/0"],["$input","/1"]])", "[" + input + "," + operations + "]");
}
std::string differences(const std::string& a, const std::string& b) {
  return outcome(R"(["diff",["$input","/0"],["$input","/1"]])", "[" + a + "," + b + "]");
}

// A random value; small numbers, so that parts are equal now and then.
std::string random_value(std::mt19937& random, int depth) {
  const auto kind = random() % (depth > 0 ? 7 : 4);
  if (kind == 0) return "null";
  if (kind == 1) return "\"" + std::string(1, static_cast<char>('a' + random() % 3)) + "\"";
  if (kind < 4) return std::to_string(random() % 4);
  std::string text;
  for (size_t i = 0, size = random() % 5; i < size; ++i) {
    if (i > 0) text += ',';
    if (kind == 6) text += "\"" + std::string(1, static_cast<char>('k' + i * 2 + random() % 2)) + "/\":";
    text += random_value(random, depth - 1);
  }
  return kind == 6 ? "{" + text + "}" : "[" + text + "]";
}
}  // namespace

TEST_CASE("patch does the operations of RFC 6902 one after the other", "[REQ-031]") {
  CHECK(patched(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/1","value":9}])") == R"({"a":[1,9,2]})");
  CHECK(patched(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-","value":9}])") == R"({"a":[1,2,9]})");
  CHECK(patched(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/2","value":9}])") == R"({"a":[1,2,9]})");
  CHECK(patched(R"({"a":1})", R"([{"op":"add","path":"/a","value":{"b":2.0}}])") == R"({"a":{"b":2.0}})");
  CHECK(patched(R"({"a":1})", R"([{"op":"add","path":"","value":[]}])") == "[]");
  CHECK(patched(R"({"a":1})", R"([{"op":"move","from":"/a","path":"/a"}])") == R"({"a":1})");
  CHECK(patched(R"([1,2,3])", R"([{"op":"move","from":"/0","path":"/2"}])") == "[2,3,1]");
  CHECK(patched(R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/a/c"}])") ==
        R"({"a":{"b":1,"c":{"b":1}}})");
  CHECK(patched(R"({"a":1})", R"([{"op":"test","path":"/a","value":1.0},{"op":"remove","path":"/a"}])") == "{}");
  CHECK(patched(R"({"a":1})", R"([{"op":"replace","path":"/a","value":null,"more":1}])") == R"({"a":null})");
}

TEST_CASE("whatever is wrong with a patch is an error of category patch") {
  for (const char* operation : {R"({"op":"add","path":"/b/c","value":1})",
                                R"({"op":"add","path":"/l/5","value":1})",
                                R"({"op":"add","path":"/b"})",
                                R"({"op":"remove","path":"/b"})",
                                R"({"op":"remove","path":""})",
                                R"({"op":"remove","path":"/l/-"})",
                                R"({"op":"replace","path":"/b","value":1})",
                                R"({"op":"replace","path":"/l/-","value":1})",
                                R"({"op":"move","from":"/b","path":"/c"})",
                                R"({"op":"move","from":"/l","path":"/l/0"})",
                                R"({"op":"move","path":"/c"})",
                                R"({"op":"copy","from":5,"path":"/c"})",
                                R"({"op":"test","path":"/a"})",
                                R"({"op":"test","path":"/a","value":"1"})",
                                R"({"op":"test","path":"/x","value":null})",
                                R"({"op":"Add","path":"/b","value":1})",
                                R"({"path":"/b","value":1})",
                                R"({"op":"add","value":1})",
                                R"({"op":"add","path":"b","value":1})",
                                R"({"op":"add","path":"/~2","value":1})",
                                R"([])",
                                "null"}) {
    INFO(operation);
    CHECK(patched(R"({"a":1,"l":[1]})", "[" + std::string(operation) + "]") == "patch /patch/1");
  }
  CHECK(outcome(R"(["patch",{},5])") == "type /patch/1");
}

TEST_CASE("an empty array that was built is as good as any other") {
  const std::string empty = R"(["filter",[1],["lambda",["x"],false]])";
  CHECK(outcome("[\"diff\"," + empty + ",[1]]") == R"([{"op":"add","path":"/0","value":1}])");
  CHECK(outcome("[\"diff\"," + empty + ",[\"diff\",1,1]]") == "[]");
  CHECK(outcome("[\"chunk\"," + empty + ",2]") == "[]");
  CHECK(outcome("[\"transpose\",[\"diff\",1,1]]") == "[]");
  for (const std::string name :
       {"sortBy", "uniqueBy", "mapWithIndex", "flatMap", "partition", "groupBy", "countBy"}) {
    const std::string function = name == "mapWithIndex" ? R"(["lambda",["x","i"],1])" : R"(["lambda",["x"],1])";
    const std::string result = outcome("[\"" + name + "\"," + empty + "," + function + "]");
    INFO(name);
    CHECK((result == "[]" || result == "{}" || result == "[[],[]]"));
  }
}

TEST_CASE("diff says little where little changed") {
  CHECK(differences("1", "1.0") == "[]");
  CHECK(differences(R"({"a":1,"b":{"c":[1,2,3]}})", R"({"b":{"c":[1,2,3]},"a":1})") == "[]");
  CHECK(differences("1", "\"1\"") == R"([{"op":"replace","path":"","value":"1"}])");
  CHECK(differences(R"({"a":{"b":1,"c":2}})", R"({"a":{"b":1,"c":3.0,"d~/":4}})") ==
        R"([{"op":"replace","path":"/a/c","value":3.0},{"op":"add","path":"/a/d~0~1","value":4}])");
  CHECK(differences("[1,2,3,4,5]", "[1,3,4,9,5]") ==
        R"([{"op":"remove","path":"/1"},{"op":"add","path":"/3","value":9}])");
  CHECK(differences(R"([{"id":1,"n":1},{"id":2,"n":2}])", R"([{"id":1,"n":1},{"id":2,"n":3}])") ==
        R"([{"op":"replace","path":"/1/n","value":3}])");
  CHECK(differences("[]", "[1,2]") ==
        R"([{"op":"add","path":"/0","value":1},{"op":"add","path":"/1","value":2}])");
  CHECK(differences("[1,2]", "{}") == R"([{"op":"replace","path":"","value":{}}])");
}

TEST_CASE("what diff says, patch does") {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    const std::string a = random_value(random, 4);
    const std::string b = random_value(random, 4);
    INFO(a << " " << b);
    CHECK(outcome(R"(["==",["$input","/1"],["patch",["$input","/0"],["diff",["$input","/0"],["$input","/1"]]]])",
                  "[" + a + "," + b + "]") == "true");
    CHECK(differences(a, a) == "[]");
  }
}

TEST_CASE("large arrays are compared place by place, and the patch is right all the same") {
  std::string a = "[";
  std::string b = "[";
  for (int i = 0; i < 1200; ++i) {
    a += std::to_string(i) + ",";
    b += std::to_string(i * 7 % 1200 + 1) + ",";
  }
  a += "0]";
  b += "5,6]";
  CHECK(outcome(R"(["==",["$input","/1"],["patch",["$input","/0"],["diff",["$input","/0"],["$input","/1"]]]])",
                "[" + a + "," + b + "]") == "true");
}

}  // namespace colloquium::computo
