#include "net/http_parser.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace colloquium::net {
namespace {

using Event = HttpParser::Event;

// What came out of a stream of bytes.
struct Parsed {
  std::vector<std::string> heads;  // "POST /path?query name=value …"
  std::vector<std::string> bodies;
  int refused = 0;  // the status
  std::string why;
};

std::string describe(const RequestHead& head) {
  std::string text = std::string(to_string(head.method)) + " " + std::string(head.path);
  if (!head.query.empty()) text += "?" + std::string(head.query);
  for (const HeaderField& field : head.headers) {
    text += " " + std::string(field.name) + "=" + std::string(field.value);
  }
  return text;
}

// Feeds `text` in pieces, the way a connection does: what is not consumed comes again, in another buffer.
Parsed parse(std::string_view text, size_t piece = 100'000, HeadLimits limits = {}) {
  HttpParser parser(limits);
  Parsed parsed;
  std::string buffer;
  for (size_t at = 0; at < text.size(); at += piece) {
    buffer = std::string(buffer) + std::string(text.substr(at, piece));
    size_t used = 0;
    for (;;) {
      const HttpParser::Step step = parser.next(std::string_view(buffer).substr(used));
      used += step.consumed;
      if (step.event == Event::kNeedMore) break;
      if (step.event == Event::kHead) parsed.bodies.emplace_back();
      if (step.event == Event::kBody) parsed.bodies.back() += step.body;
      if (step.event == Event::kMessage) parsed.heads.push_back(describe(parser.head()));
      if (step.event == Event::kRefused) {
        parsed.refused = parser.refusal().status;
        parsed.why = parser.refusal().detail;
        CHECK(parser.refusal().close);
        return parsed;
      }
    }
    if (!parser.in_head()) parser.keep_head();
    // Poisoned, so that a view into the old buffer shows.
    std::string rest = buffer.substr(used);
    std::fill(buffer.begin(), buffer.end(), '?');
    buffer = std::move(rest);
  }
  return parsed;
}

constexpr std::string_view kHost = "Host: h\r\n";

TEST_CASE("requests are read the same in one piece and byte by byte") {
  const std::string text =
      "\r\nPOST /a/b?x=1&y HTTP/1.1\r\nHost: h\r\nX-Pad: \t v \t\r\nContent-Length: 5\r\n\r\nhello"
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
      "PUT http://example.org/p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      "\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const size_t piece : {1, 2, 3, 10, 100'000}) {
    const Parsed parsed = parse(text, piece);
    CHECK(parsed.refused == 0);
    CHECK(parsed.bodies == std::vector<std::string>{"hello", "", "abcde", ""});
    CHECK(parsed.heads == std::vector<std::string>{"POST /a/b?x=1&y Host=h X-Pad=v Content-Length=5",
                                                   "GET / Host=h", "PUT /p Host=h Transfer-Encoding=chunked",
                                                   "OPTIONS * Host=h"});
  }
}

TEST_CASE("targets in absolute form are reduced to their path") {
  const auto path = [](const std::string& target) {
    return parse("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n").heads.at(0);
  };
  CHECK(path("http://h") == "GET / Host=h");
  CHECK(path("http://h:80/x/y?z") == "GET /x/y?z Host=h");
  CHECK(path("https://h?q") == "GET /?q Host=h");
  CHECK(path("/a?b?c") == "GET /a?b?c Host=h");
  CHECK(path("/a%20b") == "GET /a%20b Host=h");
  CHECK(path("/x?u=http://h/") == "GET /x?u=http://h/ Host=h");
}

TEST_CASE("whether the connection is kept follows version and Connection header") {
  const auto kept = [](const std::string& version, const std::string& headers) {
    HttpParser parser({});
    const std::string text = "GET / HTTP/" + version + "\r\nHost: h\r\n" + headers + "\r\n";
    REQUIRE(parser.next(text).event == Event::kHead);
    return parser.head().keep_alive;
  };
  CHECK(kept("1.1", ""));
  CHECK_FALSE(kept("1.1", "Connection: close\r\n"));
  CHECK_FALSE(kept("1.1", "Connection: x, Close\r\n"));
  CHECK_FALSE(kept("1.0", ""));
  CHECK(kept("1.0", "Connection: keep-alive\r\n"));
}

TEST_CASE("an upgrade that is offered is not taken, and the request is an ordinary one") {
  const Parsed parsed = parse(
      "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /b HTTP/1.1\r\nHost: "
      "h\r\n\r\n");
  CHECK(parsed.heads.size() == 2);
  CHECK(parsed.refused == 0);
}

struct Refusal {
  std::string text;
  int status;
};

// `lines` behind a request line and Host.
Refusal post(const std::string& lines, int status = 400) {
  return {"POST / HTTP/1.1\r\n" + std::string(kHost) + lines, status};
}

TEST_CASE("requests whose end could be read in two ways are refused", "[REQ-001]") {
  const std::vector<Refusal> refusals = {
      post("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
      post("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
      post("Content-Length: 5, 5\r\n\r\nhello"),
      post("Content-Length: +5\r\n\r\nhello"),
      post("Content-Length: -5\r\n\r\n"),
      post("Content-Length: 0x5\r\n\r\nhello"),
      post("Content-Length: \r\n\r\n"),
      post("Content-Length: 99999999999999999999\r\n\r\n"),
      post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 501),
      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      post("Transfer-Encoding: chunked, gzip\r\n\r\n", 501),
      post("Transfer-Encoding: xchunked\r\n\r\n", 501),
      post("Transfer-Encoding: identity\r\n\r\n", 501),
      post("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
      post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
      post("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
      post(" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      post("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\n\r\n5\rXhello\r\n0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n"),
      post("Transfer-Encoding: chunked\r\n\r\ng\r\n"),
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
  };
  for (const Refusal& refusal : refusals) {
    INFO(refusal.text);
    for (const size_t piece : {1, 100'000}) {
      const Parsed parsed = parse(refusal.text, piece);
      CHECK(parsed.refused == refusal.status);
      CHECK(parsed.heads.empty());
      CHECK_FALSE(parsed.why.empty());
    }
  }
}

TEST_CASE("malformed heads are refused", "[REQ-001]") {
  const std::vector<Refusal> refusals = {
      {"GET / HTTP/1.1\nHost: h\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\rX\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\n: empty\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX Y: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX(Y): a\r\n\r\n", 400},
      {std::string("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 35), 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /  HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 505},
      {"GET / http/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /\r\nHost: h\r\n\r\n", 505},
      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"get / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"NONSENSE / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"{\"a\":1}", 400},
      {"\x16\x03\x01\x02", 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
      {"GET / HTTP/1.10\r\nHost: h\r\n\r\n", 505},
      {"POST / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\n", 417},
  };
  for (const Refusal& refusal : refusals) {
    INFO(refusal.text);
    for (const size_t piece : {1, 100'000}) CHECK(parse(refusal.text, piece).refused == refusal.status);
  }
  CHECK_THAT(parse("\x16\x03\x01\x02").why, Catch::Contains("TLS"));
}

TEST_CASE("heads beyond the limits are refused before they are complete") {
  const HeadLimits limits{.head_bytes = 1000, .target_bytes = 100, .header_count = 10};
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (const size_t piece : {1, 64, 100'000}) {
    CHECK(parse("GET /" + std::string(2000, 'a'), piece, limits).refused == 414);
    CHECK(parse("GET /" + std::string(200, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", piece, limits).refused == 414);
    CHECK(parse(start + "X: " + std::string(2000, 'a'), piece, limits).refused == 431);
    std::string many = start;
    for (int i = 0; i < 10; ++i) many += "A: b\r\n";
    CHECK(parse(many + "\r\n", piece, limits).refused == 431);
    CHECK(parse(start + "X: " + std::string(500, 'a') + "\r\n\r\n", piece, limits).heads.size() == 1);
  }
  // The largest head allowed at all is still read by the library.
  const std::string large = start + "X: " + std::string(64 * 1024 - start.size() - 7, 'a') + "\r\n\r\n";
  CHECK(parse(large).heads.size() == 1);
  CHECK(parse(large, 777).heads.size() == 1);
  CHECK(parse(start + "X: " + std::string(65 * 1024, 'a') + "\r\n\r\n").refused == 431);
}

TEST_CASE("random damage to requests never confuses the parser's bookkeeping") {
  const std::string good =
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
      "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz";
  uint64_t state = 42;
  const auto random = [&state](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (uint64_t hits = 1 + random(3); hits > 0; --hits)
      text[random(text.size())] = static_cast<char>(random(256));
    const size_t piece = 1 + random(text.size());
    const Parsed whole = parse(text);
    const Parsed pieces = parse(text, piece);
    REQUIRE(whole.refused == pieces.refused);
    REQUIRE(whole.heads == pieces.heads);
    REQUIRE(whole.bodies == pieces.bodies);
    refused += whole.refused != 0 ? 1 : 0;
  }
  CHECK(refused > 5'000);
}

}  // namespace
}  // namespace colloquium::net
