#include "computo/library/masks.h"

#include "computo/library/testing.h"

namespace colloquium::computo {

using testing::call;
using testing::strict_problem;

TEST_CASE("mask keeps a beginning and an end, counted in characters") {
  CHECK(call("mask", R"(["secret"])") == R"("******")");
  CHECK(call("mask", R"(["secret",1])") == R"("s*****")");
  CHECK(call("mask", R"(["secret",1,2])") == R"("s***et")");
  CHECK(call("mask", R"(["secret",0,0,"[x]"])") == R"("[x][x][x][x][x][x]")");
  CHECK(call("mask", R"(["Zoë Müller",1,1,"•"])") == R"("Z••••••••r")");
  CHECK(call("mask", R"(["secret",2,2,""])") == R"("seet")");
  CHECK(call("mask", R"([""])") == R"("")");
}

TEST_CASE("mask hides all of a text that would be shown as a whole") {
  CHECK(call("mask", R"(["abc",2,1])") == R"("***")");
  CHECK(call("mask", R"(["abc",9000000000000000000,9000000000000000000])") == R"("***")");
  CHECK(call("mask", R"(["abcd",2,1])") == R"("ab*d")");
}

TEST_CASE("mask refuses what it cannot take") {
  CHECK(call("mask", "[5]") == "type /mask/0");
  CHECK(call("mask", "[null]") == "type /mask/0");
  CHECK(call("mask", R"(["a",1.5])") == "type /mask/1");
  CHECK(call("mask", R"(["a",-1])") == "value /mask/1");
  CHECK(call("mask", R"(["a",1,-1])") == "value /mask/2");
  CHECK(call("mask", R"(["a",1,1,1])") == "type /mask/3");
  Limits limits;
  limits.output_bytes = 1000;
  CHECK(call("mask", R"(["abcdefghijkl",0,0,")" + std::string(100, 'x') + "\"]", limits).starts_with("limit /"));
}

TEST_CASE("maskMatches masks each match by itself") {
  CHECK(call("maskMatches", R"(["a 123 b 4567","\\d+",0,1])") == R"("a **3 b ***7")");
  CHECK(call("maskMatches", R"(["a 123","\\d"])") == R"("a ***")");
  CHECK(call("maskMatches", R"(["abc","\\d+"])") == R"("abc")");
  CHECK(call("maskMatches", R"(["","x*"])") == R"("")");
  CHECK(call("maskMatches", R"x(["token=abcdef","token=(\\w+)",6])x") == R"("token=******")");
  CHECK(call("maskMatches", R"(["a","("])") == "value /maskMatches/1");
  CHECK(call("maskMatches", R"([1,"a"])") == "type /maskMatches/0");
  CHECK(strict_problem(R"(["maskMatches",["$input"],"("])").starts_with("value expected a regular expression"));
}

TEST_CASE("luhnValid knows the check digit") {
  for (const char* number : {"4111111111111111", "5500-0000-0000-0004", "3400 0000 0000 009", "18", "00"}) {
    INFO(number);
    CHECK(call("luhnValid", "[\"" + std::string(number) + "\"]") == "true");
  }
  for (const char* number : {"", "0", "4111111111111112", "4111x111111111111", "12", "-", "٤١١١"}) {
    INFO(number);
    CHECK(call("luhnValid", "[\"" + std::string(number) + "\"]") == "false");
  }
  CHECK(call("luhnValid", "[4111111111111111]") == "type /luhnValid/0");
}

TEST_CASE("maskCards masks card numbers and leaves other digits") {
  CHECK(call("maskCards", R"(["4111111111111111"])") == R"("************1111")");
  CHECK(call("maskCards", R"(["amex 3400-000000-00009."])") == R"("amex ****-******-*0009.")");
  CHECK(call("maskCards", R"(["4111 1111 1111 1111 and 5500000000000004"])") ==
        R"("**** **** **** 1111 and ************0004")");
  CHECK(call("maskCards", R"(["4111111111111111","#"])") == R"("############1111")");
  // Groups before and behind a number do not hide it.
  CHECK(call("maskCards", R"(["12 4111 1111 1111 1111 99"])") == R"("12 **** **** **** 1111 99")");
  for (const char* text : {"4111111111111112", "41111111111111111111111", "x4111111111111111", "4111111111111111x",
                           "4111  1111 1111 1111", "ü4111111111111111", "411111111111", "", "no digits"}) {
    INFO(text);
    CHECK(call("maskCards", "[\"" + std::string(text) + "\"]") == "\"" + std::string(text) + "\"");
  }
  CHECK(call("maskCards", "[{}]") == "type /maskCards/0");
}

TEST_CASE("maskEmails masks what is before the @") {
  CHECK(call("maskEmails", R"(["jane.doe@example.org"])") == R"("j***@example.org")");
  CHECK(call("maskEmails", R"(["a@b.co, <c.d+e@f-g.h.io>."])") == R"("***@b.co, <c***@f-g.h.io>.")");
  CHECK(call("maskEmails", R"(["mail me: x.y@example.org.","-"])") == R"("mail me: x-@example.org.")");
  CHECK(call("maskEmails", R"(["grüße@example.org"])") == R"("g***@example.org")");
  CHECK(call("maskEmails", R"(["ü@example.org, ürün@example.org"])") == R"("***@example.org, ü***@example.org")");
  for (const char* text : {"", "@", "a@b", "@example.org", "a@", "a@.org", "a@@b.org", "a..b@", "no address"}) {
    INFO(text);
    CHECK(call("maskEmails", "[\"" + std::string(text) + "\"]") == "\"" + std::string(text) + "\"");
  }
  CHECK(call("maskEmails", "[null]") == "type /maskEmails/0");
}

TEST_CASE("maskEmails takes time in proportion to the text") {
  Limits limits;
  limits.steps = 2'000'000;
  const std::string many(300000, '@');
  CHECK(call("maskEmails", "[\"" + many + "\"]", limits) == "\"" + many + "\"");
  const std::string letters(300000, 'a');
  CHECK(call("maskEmails", "[\"" + letters + "@b.org\"]", limits).ends_with("a***@b.org\""));
}

TEST_CASE("maskIp keeps the first bits of an address") {
  CHECK(call("maskIp", R"(["203.0.113.77"])") == R"("203.0.113.0")");
  CHECK(call("maskIp", R"(["203.0.113.77",16])") == R"("203.0.0.0")");
  CHECK(call("maskIp", R"(["203.0.113.77",31])") == R"("203.0.113.76")");
  CHECK(call("maskIp", R"(["203.0.113.77",0])") == R"("0.0.0.0")");
  CHECK(call("maskIp", R"(["203.0.113.77",32])") == R"("203.0.113.77")");
  CHECK(call("maskIp", R"(["2001:DB8:a:b::1"])") == R"("2001:db8:a::")");
  CHECK(call("maskIp", R"(["2001:db8:a:b::1",24,64])") == R"("2001:db8:a:b::")");
  CHECK(call("maskIp", R"(["2001:db8::1",24,128])") == R"("2001:db8::1")");
  CHECK(call("maskIp", R"(["example.org"])") == "value /maskIp/0");
  CHECK(call("maskIp", R"([""])") == "value /maskIp/0");
  CHECK(call("maskIp", R"(["1.2.3.4",33])") == "value /maskIp/1");
  CHECK(call("maskIp", R"(["1.2.3.4",24,-1])") == "value /maskIp/2");
  CHECK(call("maskIp", R"(["1.2.3.4","24"])") == "type /maskIp/1");
}

}  // namespace colloquium::computo
