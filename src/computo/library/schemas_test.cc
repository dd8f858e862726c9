#include "computo/library/schemas.h"

#include "computo/json_schema.h"
#include "computo/library/testing.h"
#include "computo/library/well_formed.h"

namespace colloquium::computo {
namespace {

using testing::call;
using testing::nested;
using testing::outcome;
using testing::strict_problem;

std::string errors(std::string_view schema, std::string_view value) {
  return outcome("[\"jsonSchema\",[\"$input\"]," + std::string(schema) + "]", value);
}

// "instance schema" of each error.
std::string places(std::string_view schema, std::string_view value) {
  return outcome("[\"join\",[\"map\",[\"jsonSchema\",[\"$input\"]," + std::string(schema) +
                     R"x(],["lambda",["e"],["strConcat",["$","/e/instance"]," ",["$","/e/schema"]]]],", "])x",
                 value);
}

std::string message(std::string_view schema, std::string_view value) {
  return outcome("[\"get\",[\"jsonSchema\",[\"$input\"]," + std::string(schema) + "],\"/0/message\"]", value);
}

}  // namespace

TEST_CASE("a schema's errors say where in the value, where in the schema, and what") {
  CHECK(errors(R"({"type":"integer"})", "5") == "[]");
  CHECK(errors(R"({"type":"integer"})", R"("5")") ==
        R"([{"instance":"","message":"expected integer, got \"5\"","schema":"/type"}])");
  CHECK(places(R"({"properties":{"a/b":{"items":{"minimum":3}}}})", R"({"a/b":[5,1,2]})") ==
        R"("/a~1b/1 /properties/a~1b/items/minimum, /a~1b/2 /properties/a~1b/items/minimum")");
  CHECK(places(R"({"$defs":{"id":{"pattern":"^x"}},"additionalProperties":{"$ref":"#/$defs/id"}})",
               R"({"a":"x1","b":"y"})") == R"("/b /$defs/id/pattern")");
  CHECK(places(R"({"required":["a","b"],"properties":{"b":true},"additionalProperties":false})",
               R"({"b":1,"c":2})") == R"(" /required, /c /additionalProperties")");
}

TEST_CASE("each keyword's error names what it expected and what it got") {
  CHECK(message(R"({"type":["string","null"]})", "[]") == R"("expected null or string, got an array")");
  CHECK(message(R"({"enum":[1,2]})", "{}") == R"("expected one of the values of enum, got an object")");
  CHECK(message(R"({"const":[1]})", "true") == R"("expected the value of const, got true")");
  CHECK(message(R"({"minimum":2})", "1.5") == R"("expected at least 2, got 1.5")");
  CHECK(message(R"({"maximum":2})", "3") == R"("expected at most 2, got 3")");
  CHECK(message(R"({"exclusiveMinimum":2})", "2") == R"("expected more than 2, got 2")");
  CHECK(message(R"({"exclusiveMaximum":2.5})", "3") == R"("expected less than 2.5, got 3")");
  CHECK(message(R"({"multipleOf":0.01})", "1.005") == R"("expected a multiple of 0.01, got 1.005")");
  CHECK(message(R"({"minLength":2})", R"("ü")") == R"("expected at least 2 characters, got 1")");
  CHECK(message(R"({"maxLength":1})", R"("ab")") == R"("expected at most 1 characters, got 2")");
  CHECK(message(R"({"pattern":"^\\d+$"})", R"("ab")") == R"("expected a match of ^\\d+$, got \"ab\"")");
  CHECK(message(R"({"minItems":1})", "[]") == R"("expected at least 1 elements, got 0")");
  CHECK(message(R"({"uniqueItems":true})", "[1,1.0]") == R"("expected elements that all differ")");
  CHECK(message(R"({"contains":{"const":1}})", "[2]") == R"("expected at least 1 elements that match, got 0")");
  CHECK(message(R"({"maxContains":1,"contains":true})", "[2,2]") ==
        R"("expected at most 1 elements that match, got 2")");
  CHECK(message(R"({"required":["n"]})", "{}") == R"("expected a member \"n\"")");
  CHECK(message(R"({"maxProperties":0})", R"({"a":1})") == R"("expected at most 0 members, got 1")");
  CHECK(message(R"({"propertyNames":{"maxLength":1}})", R"({"ab":1})") ==
        R"("a member must not be named \"ab\"")");
  CHECK(message(R"({"dependentRequired":{"a":["b"]}})", R"({"a":1})") ==
        R"("expected a member \"b\" beside \"a\"")");
  CHECK(message(R"({"anyOf":[false,false]})", "1") == R"("matches none of the schemas")");
  CHECK(message(R"({"oneOf":[true,false,true]})", "1") == R"("expected a match of exactly one schema, got 2")");
  CHECK(message(R"({"oneOf":[false]})", "1") == R"("matches none of the schemas")");
  CHECK(message(R"({"not":{}})", "1") == R"("matches the schema that it must not match")");
  CHECK(message("false", "1") == R"("no value is allowed here")");
  CHECK(message(R"({"type":"null"})", R"("a text that is much too long to be shown as a whole")") ==
        R"("expected null, got \"a text that is much too long to be shown…\"")");
}

TEST_CASE("a schema's errors do not tell secrets") {
  CHECK(message(R"({"properties":{"password":{"type":"integer"}}})", R"({"password":"hunter2"})") ==
        R"("expected integer, got ***")");
  CHECK(message(R"({"properties":{"apiKeys":{"items":{"pattern":"^k"}}}})", R"({"apiKeys":["x1"]})") ==
        R"("expected a match of ^k, got ***")");
  CHECK(message(R"({"properties":{"user":{"const":1}}})", R"({"user":"ada"})") ==
        R"("expected the value of const, got \"ada\"")");
}

TEST_CASE("a schema's errors are as many as asked for") {
  const std::string schema = R"({"items":{"type":"null"}})";
  CHECK(outcome("[\"count\",[\"jsonSchema\",[\"$input\"]," + schema + "]]", testing::numbers(1000)) == "100");
  CHECK(outcome("[\"count\",[\"jsonSchema\",[\"$input\"]," + schema + R"(,{"maxErrors":3}]])",
                testing::numbers(1000)) == "3");
  CHECK(call("jsonSchema", R"([1,{},{"maxErrors":0}])") == "value /jsonSchema/2");
  CHECK(call("jsonSchema", R"([1,{},{"maxErrors":1.5}])") == "value /jsonSchema/2");
  CHECK(call("jsonSchema", R"([1,{},{"maxErrors":"1"}])") == "type /jsonSchema/2");
  CHECK(call("jsonSchema", R"([1,{},{"formats":1}])") == "type /jsonSchema/2");
  CHECK(call("jsonSchema", R"([1,{},{"format":true}])") == "value /jsonSchema/2");
  CHECK(call("jsonSchema", R"([1,{},3])") == "type /jsonSchema/2");
}

TEST_CASE("formats are asserted when that is asked for") {
  const std::string at = R"(,{"type":"string","format":"date-time"})";
  CHECK(call("matchesSchema", R"(["yesterday")" + at + "]") == "true");
  CHECK(call("matchesSchema", R"(["yesterday")" + at + R"(,{"formats":true}])") == "false");
  CHECK(call("matchesSchema", R"(["2026-03-01T17:45:00Z")" + at + R"(,{"formats":true}])") == "true");
  CHECK(call("jsonSchema", R"(["x",{"format":"uuid"},{"formats":true}])") ==
        R"([{"instance":"","message":"expected a UUID, got \"x\"","schema":"/format"}])");
  CHECK(call("matchesSchema", R"(["x",{"format":"of my own"},{"formats":true}])") == "true");
}

TEST_CASE("drafts are told apart by $schema") {
  const std::string old = R"("$schema":"http://json-schema.org/draft-07/schema#",)";
  CHECK(call("matchesSchema", "[[1,2],{" + old + R"("items":[{"const":1}],"additionalItems":false}])") == "false");
  CHECK(call("matchesSchema", R"([[1,2],{"prefixItems":[{"const":1}],"items":false}])") == "false");
  CHECK(call("matchesSchema",
             "[5,{" + old + R"("$ref":"#/definitions/a","type":"string","definitions":{"a":true}}])") == "true");
  CHECK(call("matchesSchema", R"([5,{"$ref":"#/$defs/a","type":"string","$defs":{"a":true}}])") == "false");
  CHECK(places("{" + old + R"("dependencies":{"a":["b"],"c":{"minProperties":3}}})", R"({"a":1,"c":2})") ==
        R"(" /dependencies,  /dependencies/c/minProperties")");
  CHECK(call("matchesSchema", R"([5,{"$schema":"http://json-schema.org/draft-04/schema#"}])") ==
        "value /matchesSchema/1");
}

TEST_CASE("what is no schema is an error, found by a strict compilation too") {
  CHECK(call("jsonSchema", "[1,5]") == "type /jsonSchema/1");
  CHECK(call("jsonSchema", "[1,null]") == "type /jsonSchema/1");
  for (const char* schema :
       {R"({"type":"text"})", R"({"type":5})", R"({"minLength":-1})", R"({"minimum":"1"})", R"({"pattern":"("})",
        R"({"multipleOf":0})", R"({"required":"a"})", R"({"properties":{"a":5}})", R"({"items":[true]})",
        R"({"$ref":"#/$defs/none"})", R"({"$ref":"https://example.org/order.json"})", R"({"enum":1})",
        R"({"uniqueItems":1})", R"({"allOf":{}})", R"({"patternProperties":{"(":true}})", R"({"$ref":5})"}) {
    INFO(schema);
    CHECK(call("jsonSchema", "[1," + std::string(schema) + "]") == "value /jsonSchema/1");
    CHECK(strict_problem("[\"jsonSchema\",[\"$input\"]," + std::string(schema) + "]")
              .starts_with("value expected a"));
  }
  CHECK(strict_problem(R"(["matchesSchema",["$input"],{"$ref":"https://example.org/a"}])") ==
        "value expected a JSON Schema, got one with a fault: the schema at \"\", $ref: nothing inside the schema "
        "is at "
        "\"https://example.org/a\", and nothing is fetched from elsewhere");
  CHECK(strict_problem(R"(["matchesSchema",["$input"],true])").empty());
  CHECK(strict_problem(R"(["matchesSchema",["$input"],["$input","/schema"]])").empty());
}

TEST_CASE("a schema may be computed, and be part of what is checked") {
  CHECK(call("matchesSchema", R"([{"a":1},{"required":["a"]}])") == "true");
  CHECK(outcome(R"(["map",[5,"x",null],["lambda",["v"],["matchesSchema",["$","/v"],["obj","type","string"]]]])") ==
        "[false,true,false]");
  CHECK(outcome(R"(["map",["$input"],["lambda",["s"],["matchesSchema",3,["$","/s"]]]])",
                R"([{"minimum":3},{"minimum":4},true,false])") == "[true,false,true,false]");
}

TEST_CASE("a schema sees built values as it sees those that came in") {
  const std::string schema = R"({"properties":{"n":{"type":"integer"},"t":{"pattern":"^a"}},"required":["n"]})";
  CHECK(outcome(R"(["jsonSchema",["obj","n",["+",1,1],"t",["strConcat","a","b"]],)" + schema + "]") == "[]");
  CHECK(outcome(R"(["matchesSchema",["obj","n",["/",1,2]],)" + schema + "]") == "false");
  CHECK(outcome(R"(["matchesSchema",["obj","t",["strConcat","\u0061","b"]],)" + schema + "]") == "false");
  CHECK(places(R"({"items":{"type":"null"}})", R"([1])") == R"("/0 /items/type")");
}

TEST_CASE("numbers are checked exactly") {
  CHECK(call("matchesSchema", R"([0.3,{"multipleOf":0.1}])") == "true");
  CHECK(call("matchesSchema", R"([4.35,{"multipleOf":0.01}])") == "true");
  CHECK(call("matchesSchema", R"([9007199254740993,{"multipleOf":2}])") == "false");
  CHECK(call("matchesSchema", R"([18446744073709551615,{"multipleOf":5}])") == "true");
  CHECK(call("matchesSchema", R"([-9223372036854775808,{"multipleOf":2}])") == "true");
  CHECK(call("matchesSchema", R"([1e308,{"type":"integer","multipleOf":3}])") == "false");
  CHECK(call("matchesSchema", R"([1e-300,{"multipleOf":1e300}])") == "false");
  CHECK(call("matchesSchema", R"([9007199254740993,{"exclusiveMinimum":9007199254740992}])") == "true");
  CHECK(call("matchesSchema", R"([1.0,{"type":"integer"}])") == "true");
  CHECK(call("matchesSchema", R"([0,{"multipleOf":7}])") == "true");
}

TEST_CASE("checking by a schema is bounded in depth and steps") {
  CHECK(call("matchesSchema", R"([1,{"$ref":"#"}])") == "limit /");
  const std::string tree = R"({"$ref":"#/$defs/node","$defs":{"node":{"items":{"$ref":"#/$defs/node"}}}})";
  CHECK(outcome("[\"matchesSchema\",[\"$input\"]," + tree + "]", nested(900, "[", "", "]")) == "true");
  Limits limits;
  limits.steps = 3000;
  CHECK(outcome(R"(["jsonSchema",["$input"],{"items":{"type":"number"}}])", testing::numbers(3000), limits) ==
        "limit /");
  // Each level tries the next one twice.
  const std::string doubling =
      R"({"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"})";
  CHECK(outcome("[\"matchesSchema\",1," + doubling + "]").starts_with("limit /"));
}

TEST_CASE("a host is told what of a schema would be passed over, and of circles") {
  for (const char* schema :
       {"true", R"({"properties":{"next":{"$ref":"#"}}})",
        R"({"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":true}})",
        R"({"$ref":"#/$defs/node","$defs":{"node":{"items":{"$ref":"#/$defs/node"}}}})",
        R"({"properties":{"nullable":{"const":{"nullable":1}}},"title":"x","format":"any"})",
        R"({"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":["b"]}})"}) {
    INFO(schema);
    CHECK(schema_problem(schema).empty());
  }
  const auto said = [](const char* schema, const char* words) {
    INFO(schema_problem(schema));
    CHECK(schema_problem(schema) == words);
  };
  said(R"({"properties":{"a":{"dependencies":{}}}})",
       R"(the schema at "/properties/a", dependencies: it says nothing in draft 2020-12)");
  said(R"({"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"n":{}},)"
       R"("properties":{"a":{"$ref":"#/definitions/n","definitions":{},"title":"a","minimum":5}}})",
       R"(the schema at "/properties/a", minimum: beside a $ref it says nothing in draft 07)");
  said(R"({"additionalItems":false})", R"(the schema at "", additionalItems: it says nothing in draft 2020-12)");
  said(R"({"items":{"type":"string","nullable":true}})",
       R"(the schema at "/items", nullable: it says nothing in draft 2020-12)");
  said(R"({"$schema":"http://json-schema.org/draft-07/schema#","prefixItems":[]})",
       R"(the schema at "", prefixItems: it says nothing in draft 07)");
  constexpr char kRound[] = R"(the schema at "" leads to itself without going on in the value)";
  said(R"({"$ref":"#"})", kRound);
  said(R"({"anyOf":[{"type":"null"},{"not":{"$ref":"#"}}]})", kRound);
  CHECK(schema_problem(R"({"items":{"$ref":"#/$defs/a"},"$defs":{"a":{"if":{"$ref":"#/$defs/b"}},
                           "b":{"dependentSchemas":{"x":{"$ref":"#/$defs/a"}}}}})")
            .ends_with("leads to itself without going on in the value"));
  CHECK(schema_problem(R"({"$ref":"#/none"})").find("nothing inside the schema is at") != std::string::npos);
  CHECK(schema_problem("{") == "a schema that is no JSON, or nested too deep");
}

TEST_CASE("texts that a standard says the form of are told from others") {
  CHECK(ops::is_rfc3339_date("2024-02-29"));
  CHECK_FALSE(ops::is_rfc3339_date("2023-02-29"));
  CHECK_FALSE(ops::is_rfc3339_date("2023-2-09"));
  CHECK(ops::is_rfc3339_time("23:59:60Z"));
  CHECK(ops::is_rfc3339_time("08:30:06.283185+01:00"));
  CHECK_FALSE(ops::is_rfc3339_time("08:30:06"));
  CHECK_FALSE(ops::is_rfc3339_time("24:00:00Z"));
  CHECK(ops::is_rfc3339_date_time("1963-06-19t08:30:06z"));
  CHECK_FALSE(ops::is_rfc3339_date_time("1963-06-19 08:30:06Z"));
  CHECK_FALSE(ops::is_rfc3339_date_time(""));
  CHECK(ops::is_email("te~st@example.com"));
  CHECK(ops::is_email(R"("joe bloggs"@example.com)"));
  CHECK(ops::is_email("joe@[127.0.0.1]"));
  CHECK(ops::is_email("joe@[IPv6:::1]"));
  for (const char* text :
       {"", "@", "a@", "@b", ".a@b", "a..b@c", "a@b..c", "a@-b", "a b@c", "a@[::1]", R"("a@b)"}) {
    INFO(text);
    CHECK_FALSE(ops::is_email(text));
  }
  CHECK_FALSE(ops::is_email(std::string(65, 'a') + "@b.org"));
  for (const char* text : {"https://user:pw@example.org:8443/a;b?c=d#e", "urn:isbn:0451450523",
                           "http://[2001:db8::7]/c", "mailto:a@b.org", "tel:+1-816-555-1212", "x:"}) {
    INFO(text);
    CHECK(ops::is_uri(text));
  }
  for (const char* text :
       {"", "//a/b", "/a", "a", "1x:b", "http://a b", "http://a/%zz", "http://[::1", "http://a:b"}) {
    INFO(text);
    CHECK_FALSE(ops::is_uri(text));
  }
  CHECK(ops::is_ipv4("192.168.0.1"));
  CHECK_FALSE(ops::is_ipv4("192.168.0.01"));
  CHECK_FALSE(ops::is_ipv4(std::string_view("1.2.3.4\0", 8)));
  CHECK(ops::is_ipv6("::ffff:1.2.3.4"));
  CHECK_FALSE(ops::is_ipv6("fe80::1%eth0"));
  CHECK(ops::is_uuid("2EB8AA08-AA98-11EA-B4AA-73B441D16380"));
  CHECK_FALSE(ops::is_uuid("2eb8aa08-aa98-11ea-b4aa73b441d16380-"));
}

}  // namespace colloquium::computo
