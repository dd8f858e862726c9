#include "net/websocket_frames.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "net/testing/websocket_client.h"

namespace colloquium::net {
namespace {

using Event = WebSocketReader::Event;

// What a connection's bytes say, put down in one line, however they are cut.
struct Told {
  std::string text;
  bool ended = false;
};

void read_all(WebSocketReader& reader, std::string_view bytes, Told& told) {
  for (size_t used = 0; !told.ended;) {
    const auto step = reader.next(bytes.substr(used));
    used += step.consumed;
    if (step.event == Event::kNeedMore) {
      CHECK(used == bytes.size());
      return;
    }
    if (step.event == Event::kPart) {
      if (step.first) told.text += step.text ? "text:" : "binary:";
      told.text += step.bytes;
      if (step.last) told.text += ";";
    }
    if (step.event == Event::kPing) told.text += "<ping " + std::string(step.bytes) + ">";
    if (step.event == Event::kPong) told.text += "<pong " + std::string(step.bytes) + ">";
    told.ended = step.event == Event::kClose || step.event == Event::kRefused;
    if (!told.ended) continue;
    told.text += step.event == Event::kClose ? "close " : "refused ";
    told.text += std::to_string(static_cast<int>(step.code));
  }
}

std::string told_at_once(std::string_view bytes) {
  WebSocketReader reader;
  Told told;
  read_all(reader, bytes, told);
  return told.text;
}

std::string told_byte_by_byte(std::string_view bytes) {
  WebSocketReader reader;
  Told told;
  for (size_t i = 0; i < bytes.size() && !told.ended; ++i) read_all(reader, bytes.substr(i, 1), told);
  return told.text;
}

TEST_CASE("messages in one frame and in several, with control frames between, are the same however they come") {
  const std::string bytes = client_frame(kText, "one") + client_frame(kBinary, "a", false) +
                            client_frame(kPing, "p") + client_frame(kContinuation, "b", false) +
                            client_frame(kPong, "") + client_frame(kContinuation, "c") + client_frame(kText, "") +
                            client_frame(kText, "", false) + client_frame(kContinuation, "") +
                            client_frame(kCloseFrame, close_payload(1000, "bye"));
  const std::string expected = "text:one;binary:a<ping p>b<pong >c;text:;text:;close 1000";
  CHECK(told_at_once(bytes) == expected);
  CHECK(told_byte_by_byte(bytes) == expected);
}

TEST_CASE("lengths of every form are read, and a message of half a megabyte comes whole") {
  for (const size_t length : {1u, 125u, 126u, 4096u, 65535u, 65536u, 524288u}) {
    const std::string payload(length, 'x');
    CHECK(told_at_once(client_frame(kBinary, payload)) == "binary:" + payload + ";");
  }
}

TEST_CASE("the first part of a frame says how much of it is still to come") {
  WebSocketReader reader;
  const std::string frame = client_frame(kText, std::string(100'000, 'x'));
  const auto step = reader.next(std::string_view(frame).substr(0, 100));
  CHECK(step.event == Event::kPart);
  CHECK(step.first);
  CHECK(step.last_frame);
  CHECK_FALSE(step.last);
  CHECK(step.bytes.size() + step.frame_left == 100'000);
}

TEST_CASE("what the protocol does not allow is refused with 1002") {
  const std::vector<std::string> bad = {
      client_frame(kText, "unmasked", true, false),
      client_frame(kText, "reserved", true, true, 0x40),
      client_frame(3, "opcode"),
      client_frame(11, "opcode"),
      client_frame(kContinuation, "of nothing"),
      client_frame(kText, "a", false) + client_frame(kText, "b"),
      client_frame(kPing, "in fragments", false),
      client_frame(kPing, std::string(126, 'x')),
      client_frame(kCloseFrame, "x"),
      client_frame(kCloseFrame, close_payload(999)),
      client_frame(kCloseFrame, close_payload(1005)),
      client_frame(kCloseFrame, close_payload(1006)),
      client_frame(kCloseFrame, close_payload(1015)),
      client_frame(kCloseFrame, close_payload(2999)),
      client_frame(kCloseFrame, close_payload(5000)),
      std::string("\x82\xFF\x80\x00\x00\x00\x00\x00\x00\x00mask", 14),  // a length of 2^63
      std::string("\x82\xFE\x00\x01maskx", 9),                          // one byte, in the long form
  };
  for (size_t i = 0; i < bad.size(); ++i) {
    CAPTURE(i);
    CHECK(told_at_once(bad[i]).ends_with("refused 1002"));
    CHECK(told_byte_by_byte(bad[i]).ends_with("refused 1002"));
  }
}

TEST_CASE("every code that may be sent closes, none too, and a reason has to be UTF-8") {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999}) {
    CHECK(told_at_once(client_frame(kCloseFrame, close_payload(code))) == "close " + std::to_string(code));
  }
  CHECK(told_at_once(client_frame(kCloseFrame, "")) == "close 1005");
  CHECK(told_at_once(client_frame(kCloseFrame, close_payload(1000, "\xC3\x28"))) == "refused 1007");
}

TEST_CASE("frames to be sent are as short as they can be, and a long reason is cut between characters") {
  std::string out;
  append_frame(out, FrameKind::kText, "abc");
  CHECK(out ==
        "\x81\x03"
        "abc");
  out.clear();
  append_frame(out, FrameKind::kText, std::string(126, 'x'));
  CHECK(out.starts_with(std::string("\x81\x7E\x00\x7E", 4)));
  out.clear();
  append_close(out, CloseCode::kNoCode, "");
  CHECK(out == std::string("\x88\x00", 2));
  out.clear();
  std::string reason;
  for (int i = 0; i < 100; ++i) reason += "ü";
  append_close(out, CloseCode::kGoingAway, reason);
  CHECK(out.size() == 2 + 2 + 122);
  CHECK(is_utf8(out.substr(4)));
}

// Whatever comes: no crash, no end without a reason, and the same however it is cut.
TEST_CASE("random bytes and damaged frames are told the same at once and in pieces") {
  std::mt19937 random(7);
  const std::string good = client_frame(kText, "abc", false) + client_frame(kPing, "p") +
                           client_frame(kContinuation, std::string(200, 'y')) + client_frame(kBinary, "z") +
                           client_frame(kCloseFrame, close_payload(1000));
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (int damage = 0; damage < 3; ++damage) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(1 + random() % bytes.size());
    const std::string expected = told_at_once(bytes);
    REQUIRE(told_byte_by_byte(bytes) == expected);
    WebSocketReader reader;
    Told told;
    for (size_t begin = 0; begin < bytes.size() && !told.ended;) {
      const size_t count = std::min<size_t>(1 + random() % 50, bytes.size() - begin);
      read_all(reader, std::string_view(bytes).substr(begin, count), told);
      begin += count;
    }
    REQUIRE(told.text == expected);
  }
}

}  // namespace
}  // namespace colloquium::net
