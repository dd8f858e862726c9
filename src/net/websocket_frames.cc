#include "net/websocket_frames.h"

#include <algorithm>
#include <cstring>
#include <wslay/wslay.h>

#include "base/assert.h"
#include "net/http_message.h"

namespace colloquium::net {
namespace {

// RFC 6455, 5.5; two bytes of a close are its code.
constexpr size_t kControlBytesMax = 125;
constexpr size_t kReasonBytesMax = kControlBytesMax - 2;

// Those that are kept from the wire (1004, 1005, 1006, 1015) and those that nobody has defined are refused.
bool may_be_sent(unsigned code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

// Within `most` bytes, and not in the middle of a character.
std::string_view cut(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  return text.substr(0, end);
}

ssize_t append_bytes(const uint8_t* bytes, size_t size, int, void* out) {
  static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(bytes), size);
  return static_cast<ssize_t>(size);
}

}  // namespace

struct WebSocketReader::Frame {
  bool first;  // its first bytes
  bool fin;
  uint8_t reserved;
  uint8_t opcode;
  bool masked;
  uint64_t length;
  std::string_view bytes;
};

struct WebSocketReader::Library {
  Library() {
    wslay_frame_callbacks callbacks{};
    callbacks.recv_callback = on_recv;
    const int made = wslay_frame_context_init(&context, &callbacks, this);
    ASSERT_WHY(made == 0, "out of memory");
  }
  ~Library() { wslay_frame_context_free(context); }

  static ssize_t on_recv(uint8_t* into, size_t size, int, void* user) {
    auto& self = *static_cast<Library*>(user);
    const size_t count = std::min(size, self.input.size() - self.consumed);
    std::memcpy(into, self.input.data() + self.consumed, count);
    self.consumed += count;
    return static_cast<ssize_t>(count);  // 0: nothing at the moment
  }

  wslay_frame_context_ptr context = nullptr;
  std::string_view input;
  size_t consumed = 0;
};

WebSocketReader::WebSocketReader() : library_(std::make_unique<Library>()) {}
WebSocketReader::~WebSocketReader() = default;

WebSocketReader::Step WebSocketReader::next(std::string_view input) {
  ASSERT_WHY(!ended_, "nothing comes after a close");
  library_->input = input;
  library_->consumed = 0;
  for (;;) {
    wslay_frame_iocb got{};
    const ssize_t count = wslay_frame_recv(library_->context, &got);
    Step step;
    if (count >= 0) {
      const std::string_view bytes(reinterpret_cast<const char*>(got.data), got.data_length);
      step = take({!in_frame_, got.fin != 0, got.rsv, got.opcode, got.mask != 0, got.payload_length,
                   got.data_length == 0 ? std::string_view() : bytes});
    } else if (count != WSLAY_ERR_WANT_READ) {
      step = refused(CloseCode::kProtocolError, "this is no frame");
    }
    // A part of a control frame is no event.
    if (step.event == Event::kNeedMore && count >= 0) continue;
    step.consumed = library_->consumed;
    return step;
  }
}

// What is wrong with a frame that begins, or null.
const char* WebSocketReader::fault_of(const Frame& frame) const {
  if (!frame.masked) return "a client masks its frames";
  if (frame.reserved != 0) return "no extension was agreed on";
  switch (frame.opcode) {
    case WSLAY_CONTINUATION_FRAME:
      return in_message_ ? nullptr : "there is no message to be continued";
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
      return in_message_ ? "the message before has not ended" : nullptr;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
      return frame.fin && frame.length <= kControlBytesMax ? nullptr : "a control frame is short and whole";
    default:
      return "there is no frame of this kind";
  }
}

WebSocketReader::Step WebSocketReader::take(const Frame& frame) {
  if (frame.first) {
    if (const char* const fault = fault_of(frame)) return refused(CloseCode::kProtocolError, fault);
    frame_left_ = frame.length;
  }
  ASSERT(frame.bytes.size() <= frame_left_);
  frame_left_ -= frame.bytes.size();
  in_frame_ = frame_left_ > 0;
  if (wslay_is_ctrl_frame(frame.opcode)) return take_control(frame);
  const bool begins = frame.first && frame.opcode != WSLAY_CONTINUATION_FRAME;
  if (begins) text_ = frame.opcode == WSLAY_TEXT_FRAME;
  const bool ends = frame.fin && !in_frame_;
  in_message_ = !ends;
  return {.event = Event::kPart,
          .bytes = frame.bytes,
          .first = begins,
          .last = ends,
          .text = text_,
          .frame_left = frame_left_,
          .last_frame = frame.fin};
}

WebSocketReader::Step WebSocketReader::take_control(const Frame& frame) {
  if (frame.first) control_.clear();
  control_.append(frame.bytes);
  if (in_frame_) return {};
  if (frame.opcode == WSLAY_CONNECTION_CLOSE) return closed(control_);
  return {.event = frame.opcode == WSLAY_PING ? Event::kPing : Event::kPong, .bytes = control_};
}

WebSocketReader::Step WebSocketReader::closed(std::string_view payload) {
  if (payload.empty()) {
    ended_ = true;
    return {.event = Event::kClose, .code = CloseCode::kNoCode};
  }
  if (payload.size() < 2) return refused(CloseCode::kProtocolError, "half a code");
  const unsigned code = static_cast<unsigned char>(payload[0]) * 256u + static_cast<unsigned char>(payload[1]);
  if (!may_be_sent(code)) return refused(CloseCode::kProtocolError, "a code that is not for sending");
  if (!is_utf8(payload.substr(2))) return refused(CloseCode::kBadData, "the reason is no UTF-8");
  ended_ = true;
  return {.event = Event::kClose, .bytes = payload.substr(2), .code = static_cast<CloseCode>(code)};
}

WebSocketReader::Step WebSocketReader::refused(CloseCode code, std::string_view why) {
  ended_ = true;
  return {.event = Event::kRefused, .bytes = why, .code = code};
}

void append_frame(std::string& out, FrameKind kind, std::string_view payload) {
  wslay_frame_callbacks callbacks{};
  callbacks.send_callback = append_bytes;
  wslay_frame_context_ptr context = nullptr;
  const int made = wslay_frame_context_init(&context, &callbacks, &out);
  ASSERT_WHY(made == 0, "out of memory");
  wslay_frame_iocb frame{};
  frame.fin = 1;
  frame.opcode = static_cast<uint8_t>(kind);
  frame.payload_length = frame.data_length = payload.size();
  frame.data = reinterpret_cast<const uint8_t*>(payload.data());
  const ssize_t sent = wslay_frame_send(context, &frame);
  ASSERT_WHY(sent == static_cast<ssize_t>(payload.size()), "memory takes everything");
  wslay_frame_context_free(context);
}

void append_close(std::string& out, CloseCode code, std::string_view reason) {
  std::string payload;
  if (code != CloseCode::kNoCode) {
    const auto number = static_cast<unsigned>(code);
    payload += static_cast<char>(number >> 8);
    payload += static_cast<char>(number & 0xFF);
    payload += cut(reason, kReasonBytesMax);
  }
  append_frame(out, FrameKind::kClose, payload);
}

}  // namespace colloquium::net
