// WebSocket frames: bytes of one client's connection in, parts of messages and control frames out; and frames to
// be sent. Private to src/net.
//
// The only file that knows the framing library (wslay 1.1) is websocket_frames.cc. The library cuts frames, checks
// their lengths and takes their masks off; what holds between frames is checked here: messages in fragments with
// control frames between them, no reserved bits or opcodes, every frame masked, a close with a code that may be
// sent. Whether a text is UTF-8 is for whoever has put its parts together (is_utf8 of http_message.h).
//
// Ownership: parts are views into the reader, valid until its next call. Thread safety: none. Errors:
// Event::kRefused; the connection cannot be read any further then. Source: RFC 6455, 5 and 7.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace colloquium::net {

// Of a close, as RFC 6455, 7.4.1 and the registry of IANA name them.
enum class CloseCode : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kNoCode = 1005,  // is not sent: the peer's close had none
  kBadData = 1007,
  kPolicy = 1008,
  kTooBig = 1009,
  kInternalError = 1011,
  kTryAgainLater = 1013,
};

class WebSocketReader {
 public:
  enum class Event : uint8_t {
    kNeedMore,
    kPart,     // `bytes` are the next of a message
    kPing,     // `bytes` are to be sent back
    kPong,     // `bytes` are those of a ping
    kClose,    // the peer closes with `code`; nothing comes after it
    kRefused,  // what came is to be answered by closing with `code`, because of `bytes`
  };
  struct Step {
    Event event = Event::kNeedMore;
    size_t consumed = 0;
    std::string_view bytes;
    // kPart
    bool first = false;
    bool last = false;
    bool text = false;
    uint64_t frame_left = 0;  // bytes of the same frame that are still to come
    bool last_frame = false;  // no other frame of the message comes
    CloseCode code = CloseCode::kNormal;
  };

  WebSocketReader();
  ~WebSocketReader();
  WebSocketReader(const WebSocketReader&) = delete;
  WebSocketReader& operator=(const WebSocketReader&) = delete;

  // What is consumed need not be what the step tells of: up to 4 KiB are kept, so it is called until kNeedMore.
  Step next(std::string_view input);

 private:
  struct Library;  // the framing library and its callback
  struct Frame;    // as the library tells of it

  Step take(const Frame& frame);
  Step take_control(const Frame& frame);
  Step closed(std::string_view payload);
  Step refused(CloseCode code, std::string_view why);
  const char* fault_of(const Frame& frame) const;

  const std::unique_ptr<Library> library_;
  bool in_frame_ = false;
  bool in_message_ = false;
  bool text_ = false;
  bool ended_ = false;  // kClose or kRefused
  uint64_t frame_left_ = 0;
  std::string control_;  // the payload of a control frame
};

enum class FrameKind : uint8_t { kText = 1, kClose = 8, kPing = 9, kPong = 10 };

// Appends a whole frame, as a server sends it.
void append_frame(std::string& out, FrameKind kind, std::string_view payload);
// Appends a close; the reason is cut to what a control frame takes. kNoCode: without a code.
void append_close(std::string& out, CloseCode code, std::string_view reason);

}  // namespace colloquium::net
