// WebSocketClient: a blocking client of WebSocket for tests, which sends whatever frames the test wants.
//
// Frames are made and read here by hand, so that the tests do not lean on what they test. Every wait has
// RawClient's limit. Thread safety: none; not on the loop's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "net/testing/raw_client.h"

namespace colloquium::net {

inline constexpr int kContinuation = 0;
inline constexpr int kText = 1;
inline constexpr int kBinary = 2;
inline constexpr int kCloseFrame = 8;
inline constexpr int kPing = 9;
inline constexpr int kPong = 10;

// One frame of a client; `more_bits` go into its first byte.
inline std::string client_frame(int opcode, std::string_view payload, bool fin = true, bool masked = true,
                                int more_bits = 0) {
  std::string out;
  out += static_cast<char>((fin ? 0x80 : 0) | more_bits | opcode);
  const int mask_bit = masked ? 0x80 : 0;
  const auto add_length = [&](int marker, int bytes) {
    out += static_cast<char>(mask_bit | marker);
    for (int i = bytes - 1; i >= 0; --i) {
      out += static_cast<char>((static_cast<uint64_t>(payload.size()) >> (8 * i)) & 0xFF);
    }
  };
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(payload.size()));
  } else if (payload.size() < 65536) {
    add_length(126, 2);
  } else {
    add_length(127, 8);
  }
  if (!masked) return out.append(payload);
  const char mask[4] = {0x12, static_cast<char>(0xA5), 0x00, static_cast<char>(0xFF)};
  out.append(mask, 4);
  for (size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

inline std::string close_payload(int code, std::string_view reason = {}) {
  std::string out;
  out += static_cast<char>(code >> 8);
  out += static_cast<char>(code & 0xFF);
  return out.append(reason);
}

inline std::string handshake(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(headers) + "\r\n";
}

class WebSocketClient {
 public:
  struct Frame {
    int opcode = -1;  // -1: the connection ended
    std::string payload;

    int code() const {
      if (opcode != kCloseFrame || payload.size() < 2) return 0;
      return static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
    }
    std::string reason() const { return payload.size() < 2 ? "" : payload.substr(2); }
  };

  WebSocketClient(uint16_t port, std::string_view path, std::string_view headers = {}) : raw_(port) {
    answer_ = raw_.ask(handshake(path, headers));
  }

  const RawAnswer& handshake_answer() const { return answer_; }
  bool open() const { return answer_.status == 101; }
  RawClient& raw() { return raw_; }

  bool send(std::string_view bytes) { return raw_.send(bytes); }
  bool text(std::string_view payload) { return send(client_frame(kText, payload)); }
  bool close(int code) { return send(client_frame(kCloseFrame, close_payload(code))); }

  Frame next() {
    const std::string head = raw_.take(2);
    if (head.size() < 2) return {};
    ASSERT((head[1] & 0x80) == 0);  // a server masks nothing
    size_t length = static_cast<unsigned char>(head[1]);
    const size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (more > 0) {
      length = 0;
      for (const char c : raw_.take(more)) length = length * 256 + static_cast<unsigned char>(c);
    }
    return {head[0] & 0x0F, raw_.take(length)};
  }
  // Answers the server's close, and waits for the end of the connection.
  bool ends_after_close() {
    send(client_frame(kCloseFrame, close_payload(1000)));
    return raw_.closed();
  }

 private:
  RawClient raw_;
  RawAnswer answer_;
};

}  // namespace colloquium::net
