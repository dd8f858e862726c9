#include "computo/library/paths.h"

#include <catch2/catch.hpp>
#include <random>

#include "computo/testing.h"

namespace colloquium::computo {

using testing::outcome;

TEST_CASE("get finds a part of a computed value, or evaluates its default", "[REQ-031]") {
  CHECK(outcome(R"(["get",["$input"],"/a/1"])", R"({"a":[1,2.50]})") == "2.50");
  CHECK(outcome(R"(["get",["$input"],""])", R"({"b":1,"a":2})") == R"({"b":1,"a":2})");
  CHECK(outcome(R"(["get",["$input"],"/b"])", R"({"a":1})") == "pointer /");
  CHECK(outcome(R"(["get",["$input"],"/b",["+",1,1]])", R"({"a":1})") == "2");
  CHECK(outcome(R"(["get",["$input"],"/a",["/",1,0]])", R"({"a":null})") == "null");
  CHECK(outcome(R"(["get",["$input"],"/b",["/",1,0]])", R"({"a":1})") == "division_by_zero /get/2/~1/1");
  CHECK(outcome(R"(["get",["$input"],"",["/",1,0]])", "5") == "5");
  CHECK(outcome(R"(["get",["$input"],"b",0])", "{}") == "pointer /get/1");
  CHECK(outcome(R"(["get",["$input"],["+",1,2]])", "{}") == "type /get/1");
  CHECK(outcome(R"(["map",["$input"],["lambda",["x"],["get",["$","/x"],"/n",0]]])", R"([{"n":1},{},5])") ==
        "[1,0,0]");
}

TEST_CASE("has looks for a place, be it null") {
  CHECK(outcome(R"(["has",["$input"],"/a"])", R"({"a":null})") == "true");
  CHECK(outcome(R"(["has",["$input"],"/a/b"])", R"({"a":null})") == "false");
  CHECK(outcome(R"(["has",["$input"],"/1"])", "[1]") == "false");
  CHECK(outcome(R"(["has",["$input"],"/01"])", "[1,2]") == "false");
  CHECK(outcome(R"(["has",["$input"],""])") == "true");
  CHECK(outcome(R"(["has",["$input"],"/a~1b/~0"])", R"({"a/b":{"~":1}})") == "true");
  CHECK(outcome(R"(["has",["$input"],["strConcat","/","\u00e9"]])", R"({"é":1})") == "true");
  CHECK(outcome(R"(["has",["$input"],["strConcat","a"]])") == "pointer /has/1");
  CHECK(outcome(R"(["has",["$input"],["strConcat","/~2"]])") == "pointer /has/1");
  CHECK(outcome(R"(["has",["$input"],5])") == "type /has/1");
}

TEST_CASE("lookup finds a member or element whose name or index is computed") {
  CHECK(outcome(R"(["lookup",["$input"],["strConcat","b","c"]])", R"({"bc":2.50})") == "2.50");
  CHECK(outcome(R"(["lookup",["$input"],"a/b"])", R"({"a":{"b":1},"a/b":2})") == "2");
  CHECK(outcome(R"(["lookup",["$input"],"\u00e9"])", R"({"é":null})") == "null");
  CHECK(outcome(R"(["lookup",["$input"],["+",0,1]])", "[1,2,3]") == "2");
  CHECK(outcome(R"(["lookup",["$input"],-1])", "[1,2,3]") == "3");
  CHECK(outcome(R"(["lookup",["list",1,2],1.0])") == "2");
  CHECK(outcome(R"(["lookup",["groupBy",[7,8,7],["lambda",["n"],["$","/n"]]],7])") == "[7,7]");
  CHECK(outcome(R"(["lookup",["obj","-9223372036854775808",1],-9223372036854775808])") == "1");
}

TEST_CASE("lookup of what is not there gives its default, or fails") {
  for (const char* key : {"\"b\"", "3", "-4", "\"1\"", "9223372036854775807", "-9223372036854775808"}) {
    const std::string call = std::string(R"(["lookup",["$input"],)") + key;
    CHECK(outcome(call + ",9]", "[1,2,3]") == "9");
    CHECK(outcome(call + ",9]", R"({"a":1})") == "9");
    CHECK(outcome(call + ",9]", "null") == "9");
    CHECK(outcome(call + "]", "[1,2,3]") == "pointer /lookup/1");
  }
  CHECK(outcome(R"(["lookup",{"a":1},0.5,9])") == "type /lookup/1");
  CHECK(outcome(R"(["lookup",{"a":1},null,9])") == "type /lookup/1");
}

TEST_CASE("set changes one place and leaves the rest as it was written") {
  const auto set = [](const std::string& pointer, const std::string& input) {
    return outcome(R"(["set",["$input"],")" + pointer + R"(",9])", input);
  };
  CHECK(set("/a", R"({"b":1.50,"a":2,"c":{"y":1,"x":2}})") == R"({"a":9,"b":1.50,"c":{"y":1,"x":2}})");
  CHECK(set("/a/b/c", "{}") == R"({"a":{"b":{"c":9}}})");
  CHECK(set("/a/b", R"({"a":null})") == R"({"a":{"b":9}})");
  CHECK(set("/1", "[1,2,3]") == "[1,9,3]");
  CHECK(set("/3", "[1,2,3]") == "[1,2,3,9]");
  CHECK(set("/-", "[]") == "[9]");
  CHECK(set("/-/a", "[1]") == R"([1,{"a":9}])");
  CHECK(set("", "[1]") == "9");
  CHECK(set("/", "{}") == R"({"":9})");
  CHECK(set("/a", "null") == R"({"a":9})");
  CHECK(set("/4", "[1,2,3]") == "pointer /set/1");
  CHECK(set("/a/b", R"({"a":5})") == "pointer /set/1");
  CHECK(set("/x", "[1]") == "pointer /set/1");
  CHECK(outcome(R"(["set",["$input"],["join",["map",["range",3000],["lambda",["i"],"/a"]],""],1])", "{}") ==
        "limit /");
}

TEST_CASE("set takes the last of duplicate members and gives one") {
  CHECK(outcome(R"(["set",["$input"],"/a/b",3])", R"({"a":{"b":1},"a":{"c":2}})") == R"({"a":{"b":3,"c":2}})");
}

TEST_CASE("delete removes what is there and does not mind what is not") {
  CHECK(outcome(R"(["delete",["$input"],"/a/b"])", R"({"a":{"c":1.0,"b":2},"d":[1]})") ==
        R"({"a":{"c":1.0},"d":[1]})");
  CHECK(outcome(R"(["delete",["$input"],"/x"])", R"({"b":1,"a":2})") == R"({"b":1,"a":2})");
  CHECK(outcome(R"(["delete",["$input"],["list","/0","/2","/0"]])", "[1,2,3,4]") == "[2,4]");
  CHECK(outcome(R"(["delete",["$input"],["list","/2","/10","/1a","/-"]])", "[0,1,2,3,4,5,6,7,8,9,10,11]") ==
        "[0,1,3,4,5,6,7,8,9,11]");
  CHECK(outcome(R"(["delete",["$input"],["list","/a","/a/b"]])", R"({"a":{"b":1},"c":2})") == R"({"c":2})");
  CHECK(outcome(R"(["delete",["$input"],""])", "[1]") == "null");
  CHECK(outcome(R"(["delete",["$input"],[]])", R"({"b":1,"a":2})") == R"({"b":1,"a":2})");
  CHECK(outcome(R"(["delete",["$input"],[5]])", "[1]") == "type /delete/1");
  CHECK(outcome(R"(["delete",["$input"],["strConcat","a"]])", "[1]") == "pointer /delete/1");
}

TEST_CASE("rename moves members, all at once") {
  CHECK(outcome(R"(["rename",["$input"],"a","b"])", R"({"a":1.0,"c":2})") == R"({"b":1.0,"c":2})");
  CHECK(outcome(R"(["rename",["$input"],"a","b"])", R"({"a":1,"b":2})") == R"({"b":1})");
  CHECK(outcome(R"(["rename",["$input"],{"a":"b","b":"c","x":"y"}])", R"({"a":1,"b":2})") == R"({"b":1,"c":2})");
  CHECK(outcome(R"(["rename",["$input"],{}])", R"({"a":1})") == R"({"a":1})");
  CHECK(outcome(R"(["rename",["$input"],{"a":5}])", R"({"a":1})") == "type /rename/1");
  CHECK(outcome(R"(["rename",["$input"],"a"])", R"({"a":1})") == "type /rename/1");
  CHECK(outcome(R"(["rename",["$input"],"a",null])", R"({"a":1})") == "type /rename/2");
  CHECK(outcome(R"(["rename",["$input"],{}])", "[]") == "type /rename/0");
}

TEST_CASE("mergeDeep merges objects in objects and nothing else") {
  CHECK(outcome(R"(["mergeDeep",["$input"],{"a":{"y":{"z":1}},"b":[2]}])",
                R"({"a":{"x":1.0,"y":{"q":0}},"b":[1,1]})") == R"({"a":{"x":1.0,"y":{"q":0,"z":1}},"b":[2]})");
  CHECK(outcome(R"(["mergeDeep",{"a":{"x":1}},{"a":null}])") == R"({"a":null})");
  CHECK(outcome(R"(["mergeDeep",{"a":1},{"a":{"x":1}},{"a":{"y":2}}])") == R"({"a":{"x":1,"y":2}})");
  CHECK(outcome(R"(["mergeDeep",["$input"],{}])", R"({"b":1,"a":2})") == R"({"b":1,"a":2})");
  CHECK(outcome(R"(["mergeDeep",{},[]])") == "type /mergeDeep/1");
}

TEST_CASE("paths are the pointers of all leaves") {
  CHECK(outcome(R"(["paths",["$input"]])", R"({"b":{"~/":[1,[]]},"a":{},"":null})") ==
        R"(["/","/a","/b/~0~1/0","/b/~0~1/1"])");
  CHECK(outcome(R"(["paths",["$input"]])", "5") == R"([""])");
  CHECK(outcome(R"(["paths",["$input"]])", "[]") == R"([""])");
  CHECK(outcome(R"(["every",["paths",["$input"]],["lambda",["p"],["has",["$input"],["$","/p"]]]])",
                R"({"é":[{"k":1},"x"],"n":{"m":{"o":false}}})") == "true");
}

TEST_CASE("flattenObject and unflattenObject are inverses") {
  CHECK(outcome(R"(["flattenObject",["$input"],"__"])", R"({"a":{"b":{"c":1.0}},"d":[{"e":1}],"f":{}})") ==
        R"({"a__b__c":1.0,"d":[{"e":1}],"f":{}})");
  CHECK(outcome(R"(["flattenObject",["$input"]])", R"({"a.b":1,"a":{"b":2}})") == R"({"a.b":1})");
  CHECK(outcome(R"(["flattenObject",["$input"],""])", "{}") == "value /flattenObject/1");
  CHECK(outcome(R"(["unflattenObject",["$input"]])", R"({"a.b":1,"a-x":2,"a.c":3,"":4})") ==
        R"({"":4,"a":{"b":1,"c":3},"a-x":2})");
  CHECK(outcome(R"(["unflattenObject",["$input"]])", R"({"a":1,"a.b":2})") == "value /unflattenObject/0");
  CHECK(outcome(R"(["unflattenObject",["$input"]])", R"({".":1,"a.":2})") == R"({"":{"":1},"a":{"":2}})");
  const std::string input = R"({"z":{"y":{"x":1,"":{"w":null}}},"a":{"b-c":[1],"b":{"c":""}},"e":{}})";
  CHECK(outcome(R"(["==",["$input"],["unflattenObject",["flattenObject",["$input"]]]])", input) == "true");
  CHECK(outcome(R"(["==",["$input"],["unflattenObject",["flattenObject",["$input"],"::"],"::"]])", input) ==
        "true");
}

TEST_CASE("compact drops nulls, or all that is empty, and touches nothing else") {
  CHECK(outcome(R"(["compact",["$input"]])", R"({"b":1.0,"a":[null,1,[null]],"c":null})") ==
        R"({"a":[1,[]],"b":1.0})");
  CHECK(outcome(R"(["compact",["$input"]])", R"({"b":[1.0],"a":""})") == R"({"b":[1.0],"a":""})");
  CHECK(outcome(R"(["compact",["$input"],"empty"])", R"({"a":[null,""],"b":{"c":{}},"d":0,"e":false})") ==
        R"({"d":0,"e":false})");
  CHECK(outcome(R"(["compact",["$input"],"empty"])", "[null]") == "[]");
  CHECK(outcome(R"(["compact",["$input"]])", "null") == "null");
  CHECK(outcome(R"(["compact",["$input"],["strConcat","x"]])", "null") == "value /compact/1");
}

TEST_CASE("entries and objFromPairs are inverses") {
  CHECK(outcome(R"(["entries",["$input"]])", R"({"b":1,"\u00e9":[2]})") == R"([["b",1],["é",[2]]])");
  CHECK(outcome(R"(["==",["$input"],["objFromPairs",["entries",["$input"]]]])", R"({"b":1,"a":{"c":[]}})") ==
        "true");
  CHECK(outcome(R"(["entries",[]])") == "type /entries/0");
}

TEST_CASE("constant pointers and modes are checked when a script is compiled strictly") {
  CompileOptions options;
  options.strict = true;
  for (const char* script :
       {R"(["has",["$input"],"a"])", R"(["set",["$input"],"/~",1])", R"(["delete",["$input"],"x"])",
        R"(["compact",["$input"],"nothing"])", R"(["flattenObject",["$input"],""])"}) {
    INFO(script);
    CompileFailure failure;
    CHECK(compile_json(script, options, failure) == nullptr);
    CHECK(failure.errors.size() == 1);
  }
  for (const char* script : {R"(["has",["$input"],""])", R"(["delete",["$input"],{"array":["/a"]}])",
                             R"(["set",["$input"],["$input","/p"],1])"}) {
    INFO(script);
    CompileFailure failure;
    CHECK(compile_json(script, options, failure) != nullptr);
  }
}

TEST_CASE("what set puts somewhere is found there, and delete takes it away again") {
  std::mt19937 random(11);
  const std::string input = R"({"a":{"b":[1,2,{"c":3}],"d":null},"e":[[],{}]})";
  for (const char* pointer :
       {"/a", "/a/b", "/a/b/0", "/a/b/2/c", "/a/d", "/a/d/x", "/e/0/-", "/e/1/y", "/f/g/h"}) {
    INFO(pointer);
    const std::string value = std::to_string(random() % 1000);
    const std::string set = std::string(R"(["set",["$input"],")") + pointer + "\"," + value + "]";
    const std::string place = std::string(pointer) == "/e/0/-" ? "/e/0/0" : pointer;
    CHECK(outcome(R"(["get",)" + set + ",\"" + place + "\"]", input) == value);
    CHECK(outcome(R"(["has",["delete",)" + set + ",\"" + place + "\"],\"" + place + "\"]", input) ==
          (place == "/a/b/0" ? "true" : "false"));
  }
}

}  // namespace colloquium::computo
