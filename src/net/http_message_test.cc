#include "net/http_message.h"

#include <catch2/catch.hpp>

#include "net/answer_queue.h"
#include "net/response_writer.h"

namespace colloquium::net {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST_CASE("names of headers are compared without case") {
  CHECK(equals_ignoring_case("Content-Type", "content-TYPE"));
  CHECK_FALSE(equals_ignoring_case("Content-Type", "content-typ"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));
  RequestHead head;
  head.headers = {{"A", "1"}, {"a", "2"}};
  CHECK(head.find("a") == "1");
  CHECK_FALSE(head.find("b"));
}

TEST_CASE("a media type is what stands before the parameters") {
  CHECK(media_type("application/json; charset=utf-8") == "application/json");
  CHECK(media_type("text/plain \t;a") == "text/plain");
  CHECK(media_type("").empty());
  CHECK(media_type("  ;x").empty());
}

TEST_CASE("what a route allows names HEAD beside GET, and OPTIONS always") {
  CHECK(MethodSet{Method::kPost, Method::kPut}.allow() == "POST, PUT, OPTIONS");
  CHECK(MethodSet{Method::kGet}.allow() == "GET, HEAD, OPTIONS");
  CHECK_FALSE(MethodSet{Method::kGet}.contains(Method::kPost));
}

TEST_CASE("strings become JSON strings whatever bytes they hold") {
  CHECK(json_string("plain") == "\"plain\"");
  CHECK(json_string("a\"b\\c\n\x01") == R"("a\"b\\c\u000a\u0001")");
  CHECK(json_string("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") == "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  const std::string replaced = "\"\xEF\xBF\xBD\"";
  for (const char* bad : {"\xff", "\x80", "\xC0", "\xC3", "\xF8"}) CHECK(json_string(bad) == replaced);
  // Overlong, a surrogate, beyond U+10FFFF, broken off: one replacement per byte.
  for (const char* bad : {"\xE0\x80\x80", "\xED\xA0\x80"}) {
    CHECK(json_string(bad) == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  }
  CHECK(json_string("\xF4\x90\x80\x80").size() == 2 + 4 * 3);
  CHECK(json_string("\xE2\x82").size() == 2 + 2 * 3);
}

TEST_CASE("a problem is RFC 9457's object with further members") {
  const auto problem = Problem{.status = 400, .detail = "bad \"x\""}.member("byte", 7);
  CHECK(problem.to_json() ==
        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"bad "
        "\\\"x\\\"\",\"byte\":7}\n");
  const auto busy = Problem{.status = 503}.retry_after(1001);
  REQUIRE(busy.headers.size() == 1);
  CHECK(busy.headers[0].second == "2");
  const auto now = Problem{.status = 503}.retry_after(0);
  CHECK(now.headers[0].second == "1");
}

TEST_CASE("an answer is written with its length, and without a body where it may have none") {
  std::string out;
  append_response(out, {.content_type = "text/plain", .body = "abc"}, "D", ConnectionHeader::kNone, false);
  CHECK(out == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc");
  out.clear();
  append_response(out, {.status = 404, .body = "abc"}, "D", ConnectionHeader::kClose, true);
  CHECK(out == "HTTP/1.1 404 Not Found\r\nDate: D\r\nConnection: close\r\nContent-Length: 3\r\n\r\n");
  out.clear();
  append_response(out, {.status = 204}, "D", ConnectionHeader::kKeepAlive, false);
  CHECK(out == "HTTP/1.1 204 No Content\r\nDate: D\r\nConnection: keep-alive\r\n\r\n");
}

TEST_CASE("a header that would break out of its line is left out") {
  const std::vector<HeaderField> fields = {{"X-Ok", "1"}, {"X-Evil", "a\r\nSet-Cookie: b"}, {"X\nY", "c"}};
  std::string out;
  append_response(out, {.headers = fields}, "D", ConnectionHeader::kNone, false);
  CHECK(out == "HTTP/1.1 200 OK\r\nDate: D\r\nX-Ok: 1\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("the answer queue keeps its order over growth and wrap-around") {
  AnswerQueue queue;
  uint64_t first = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < round % 7 + 1; ++i) {
      PendingAnswer pending;
      pending.memory.body_bytes = static_cast<size_t>(round * 100 + i);
      const uint64_t number = queue.begin(std::move(pending));
      CHECK(queue.contains(number));
      if (queue.size() == 1) first = number;
      CHECK(queue.is_front(number) == (number == first));
    }
    size_t last = queue.front().memory.body_bytes;
    while (queue.size() > static_cast<size_t>(round % 3)) {
      CHECK(queue.front().memory.body_bytes >= last);
      last = queue.front().memory.body_bytes;
      queue.pop_front();
      ++first;
    }
  }
  while (!queue.empty()) queue.pop_back();
  CHECK_FALSE(queue.contains(first));
}

TEST_CASE("a header's name is a token, and its value cannot end the header") {
  for (const char* name : {"X-Tenant", "a", "!#$%&'*+-.^_`|~09azAZ"}) CHECK(is_header_name(name));
  for (const char* name : {"", "a b", "a:b", "a\r", "a\n", "\xC3\xA9", "(x)", "a,b", "\"q\""}) {
    INFO(name);
    CHECK_FALSE(is_header_name(name));
  }
  for (const char* value : {"", "plain", "with space\tand tab", "\xC3\xA9"}) CHECK(is_header_value(value));
  CHECK_FALSE(is_header_value("a\r\nb"));
  CHECK_FALSE(is_header_value("a\nb"));
  CHECK_FALSE(is_header_value(std::string_view("a\0b", 3)));
  CHECK_FALSE(is_header_value("\x7f"));
}

}  // namespace
}  // namespace colloquium::net
