// HttpParser: bytes of one HTTP/1.x connection in, heads and bodies of requests out.
//
// The only file that knows the parsing library (http_parser 2.9.4) is http_parser.cc. The library reads the
// head; what it leaves undone is done here, because it decides where one request ends and the next begins:
// a head is given to it whole, after its line ends have been checked, and bodies are cut by Content-Length or
// ChunkedDecoder. Refused with a Problem: folded lines, bare line feeds, names that are no tokens, two
// Content-Lengths, Content-Length with Transfer-Encoding, codings other than chunked, HTTP/1.0 with chunked,
// a missing or doubled Host, and whatever is beyond the limits.
//
// Ownership: heads and body parts are views into the input, or, after keep_head(), into the parser. Thread
// safety: none. Errors: Event::kRefused; the connection cannot be read any further then.
// Source: RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/chunked_decoder.h"
#include "net/http_message.h"

namespace colloquium::net {

struct HeadLimits {
  size_t head_bytes = 64 * 1024;  // request line and headers; 64 KiB is also the most the library takes
  size_t target_bytes = 8 * 1024;
  size_t header_count = 100;
};

class HttpParser {
 public:
  enum class Event : uint8_t {
    kNeedMore,  // unconsumed bytes are to be presented again, in front of more
    kHead,      // head() is the next request's
    kBody,      // `body` is the next part of its body
    kMessage,   // the request is complete
    kRefused,   // refusal() says why
  };
  struct Step {
    Event event;
    size_t consumed;
    std::string_view body;
  };

  explicit HttpParser(HeadLimits limits);
  ~HttpParser();

  Step next(std::string_view input);

  // Of the request that kHead told of, until the next call of next() after its kMessage.
  const RequestHead& head() const { return head_; }
  RequestHead& head() { return head_; }

  // Copies what head() views into the parser: called when the input goes before the request is complete.
  void keep_head();

  const Problem& refusal() const { return refusal_; }

  // True between requests and while a head is incomplete.
  bool in_head() const { return state_ == State::kHead; }

 private:
  enum class State : uint8_t { kHead, kLength, kChunked, kComplete, kRefused };
  struct Library;  // the parsing library's callbacks

  Step next_head(std::string_view input);
  bool find_end(std::string_view input, size_t* end);
  bool read_head(std::string_view block);
  bool check_head();
  bool check_request_line();
  bool check_headers();
  bool check_target();
  bool take_header(const HeaderField& field);
  void start_body();
  bool refuse(int status, std::string detail);

  const HeadLimits limits_;
  State state_ = State::kHead;
  RequestHead head_;
  Problem refusal_;
  std::string_view block_;  // the bytes head_ views
  std::string kept_;
  size_t line_start_ = 0;  // of an incomplete head: how far it was searched
  size_t line_count_ = 0;
  int host_count_ = 0;    // Host headers of this head
  int coding_count_ = 0;  // Transfer-Encoding headers of this head
  uint64_t body_left_ = 0;
  ChunkedDecoder chunked_;
};

}  // namespace colloquium::net
