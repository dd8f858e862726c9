#include "net/event_stream.h"

#include <catch2/catch.hpp>
#include <vector>

namespace colloquium::net {
namespace {

std::string shown(const StreamedEvent& event) {
  std::string text(event.type);
  text.append("|").append(event.data).append("|").append(event.id);
  return text + (event.truncated ? "|cut" : "");
}

// The events of a stream, however it is cut into pieces.
std::vector<std::string> events_of(const std::string& stream, size_t most = 1000) {
  std::vector<std::string> whole;
  EventStreamParser parser(most, "");
  parser.feed(stream, [&](const StreamedEvent& event) { whole.push_back(shown(event)); });
  for (size_t size = 1; size < std::min<size_t>(stream.size(), 9); ++size) {
    std::vector<std::string> pieces;
    EventStreamParser other(most, "");
    for (size_t i = 0; i < stream.size(); i += size) {
      other.feed(std::string_view(stream).substr(i, size),
                 [&](const StreamedEvent& event) { pieces.push_back(shown(event)); });
    }
    CHECK(pieces == whole);
  }
  return whole;
}

using Events = std::vector<std::string>;

TEST_CASE("the standard's examples give the standard's events", "[REQ-016]") {
  // WHATWG HTML, 9.2.6.
  CHECK(events_of("data: YHOO\ndata: +2\ndata: 10\n\n") == Events{"message|YHOO\n+2\n10|"});
  CHECK(
      events_of(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n") ==
      Events{"message|first event|1", "message|second event|", "message| third event|"});
  CHECK(events_of("data\n\ndata\ndata\n\ndata:") == Events{"message||", "message|\n|"});
  CHECK(events_of("data:test\n\ndata: test\n\n") == Events{"message|test|", "message|test|"});
  CHECK(events_of("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n") ==
        Events{"add|73857293|", "remove|2153|", "add|113411|"});
}

TEST_CASE("lines end with CR LF, LF or CR, also mixed, and a byte order mark is passed over once", "[REQ-016]") {
  CHECK(events_of("data:a\r\n\r\ndata:b\r\rdata:c\n\n") == Events{"message|a|", "message|b|", "message|c|"});
  CHECK(events_of("data:a\r\ndata:b\n\r\n") == Events{"message|a\nb|"});
  CHECK(events_of("\xEF\xBB\xBF"
                  "data:a\n\n\xEF\xBB\xBF"
                  "data:b\n\n") == Events{"message|a|"});
  CHECK(events_of("\xEF\xBB\xBF\n\ndata:a\n\n") == Events{"message|a|"});
}

TEST_CASE("ids stay until another comes, and count without data; unknown fields and comments do not",
          "[REQ-016]") {
  CHECK(events_of("id:1\ndata:a\n\ndata:b\n\nid:2\n\ndata:c\n\nid:3\n") ==
        Events{"message|a|1", "message|b|1", "message|c|2"});
  CHECK(events_of(std::string("id:1\nid:2\0003\ndata:a\n\n", 21)) == Events{"message|a|1"});
  CHECK(events_of("foo:1\n:x\nDATA:1\n data:1\ndata :1\ndata:a\n\nevent:x\n\ndata:b\n\n") ==
        Events{"message|a|", "message|b|"});
  CHECK(events_of("data:\xff\xfe\n\n") == Events{"message|\xff\xfe|"});
}

TEST_CASE("an event that a connection breaks off in is none, and its id neither", "[REQ-016]") {
  EventStreamParser parser(100, "7");
  Events events;
  const auto take = [&](const StreamedEvent& event) { events.push_back(shown(event)); };
  CHECK(parser.last_id() == "7");
  parser.feed("id:8\ndata:a\n\nid:9\ndata:b\nda", take);
  CHECK(parser.last_id() == "8");
  parser.begin();
  parser.feed(
      "\xEF\xBB\xBF"
      "data:c\n\n",
      take);
  CHECK(events == Events{"message|a|8", "message|c|8"});
}

TEST_CASE("retry is a number of milliseconds and nothing else", "[REQ-016]") {
  EventStreamParser parser(100, "");
  const auto none = [](const StreamedEvent&) {};
  for (const char* bad : {"retry:\n", "retry: -1\n", "retry: 1s\n", "retry:  5\n", "retry: +5\n"})
    parser.feed(bad, none);
  CHECK_FALSE(parser.retry_ms());
  parser.feed("retry: 1500\n", none);
  CHECK(parser.retry_ms() == 1500);
  parser.feed("retry: 99999999999999999999999\n", none);
  CHECK(parser.retry_ms() == 86'400'000);
}

TEST_CASE("data beyond its bound is left out and told, whatever it is cut into", "[REQ-016]") {
  CHECK(events_of("data:1234567890\n\ndata:12345678901\n\ndata:x\n\n", 10) ==
        Events{"message|1234567890|", "message|1234567890||cut", "message|x|"});
  CHECK(events_of("data:12345\ndata:67890\n\ndata:12345\ndata:6789\n\n", 10) ==
        Events{"message|12345\n6789||cut", "message|12345\n6789|"});
  CHECK(events_of("data:1234567890\ndata:\n\n", 10) == Events{"message|1234567890||cut"});
  const std::string endless(100'000, 'x');
  CHECK(events_of("data:" + endless + "\nid:5\n\n", 10) == Events{"message|xxxxxxxxxx|5|cut"});
  CHECK(events_of("id:" + endless + "\nevent:" + endless + "\n:" + endless + "\n" + endless + "\ndata:a\n\n",
                  10) == Events{"message|a|"});
}

}  // namespace
}  // namespace colloquium::net
