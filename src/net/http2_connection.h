// Http2Connection: HTTP/2 over one ByteStream, by libnghttp2. Private to src/net.
//
// The library reads frames from memory and writes them to memory; streams are Http2Streams. What a client can do
// is bounded: streams at a time and headers by HttpLimits, bodies by flow control (no leave to send is given for
// what the body budget has no room for), frames that want an answer by not reading while answers are not taken,
// and streams that are opened and reset, settings, and continuations by the library, which ends the connection.
//
// Life: made by ServerCore in the place of the HttpConnection that saw HTTP/2 begin, kept alive by the core and by
// streams at work; close() gives the socket back. Thread safety: loop only. Source: RFC 9113.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/byte_stream.h"
#include "net/http_message.h"
#include "net/server_connection.h"

struct nghttp2_session;

namespace colloquium::net {

class Http2Stream;
class ServerCore;

class Http2Connection final : public ServerConnection,
                              public ByteStreamEvents,
                              public std::enable_shared_from_this<Http2Connection> {
 public:
  Http2Connection(ServerCore& core, uint64_t id, std::unique_ptr<ByteStream> stream);
  ~Http2Connection() override;

  void start() override;
  void settle_later() override;
  void check_time(int64_t now_ms) override;
  void shut_down() override;
  void close() override;

  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken() override;
  void on_sent() override;

  // For its streams, at any time.
  // Fills in what the head says of the connection.
  void introduce(RequestHead& head) const;
  // The client may send as many more bytes of this stream.
  void consume(int32_t stream, size_t bytes);
  // The stream's body has been let in: it may come faster.
  void widen(int32_t stream);
  void submit(Http2Stream& stream, const Response& response, bool head_only);
  void submit_continue(int32_t stream);
  // The stream's answer has a further piece, or its end.
  void goes_on(int32_t stream);
  // Ends a stream whose answer will not be complete.
  void break_off(int32_t stream);
  // Ends a stream without further words.
  void reset(int32_t stream);
  // Something may have to be written.
  void touch();

 private:
  struct Callbacks;  // the library's

  bool is_open() const { return stream_ != nullptr; }
  void set_up();
  void settle();
  void flush();
  bool may_write() const;
  void end();
  void go_away();
  void update_reading();
  std::shared_ptr<Http2Stream> find(int32_t stream) const;
  void stream_closed(int32_t stream);
  void answer_sent(int32_t stream);
  bool owes_answers() const;

  ServerCore& core_;  // not used once closed
  const uint64_t id_;
  std::unique_ptr<ByteStream> stream_;  // null once closed
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::shared_ptr<Http2Stream>> streams_;
  std::string out_;
  bool in_session_ = false;  // within a call of the library
  bool touched_ = false;     // settle_later() is on its way
  bool broken_ = false;      // what came cannot be read any further
  bool going_away_ = false;  // the client knows that no more streams are taken
  bool finished_ = false;    // all is said; what comes is thrown away
  bool peer_ended_ = false;
  bool used_ = false;         // has had a request
  size_t dropped_bytes_ = 0;  // finished_

  // When, on the loop's clock.
  int64_t idle_since_ms_;      // no stream is open
  int64_t head_since_ms_ = 0;  // headers have begun and not ended; 0: they have
  int64_t progress_ms_;        // last time that the client took something, or nothing was owed
  int64_t finished_ms_ = 0;
};

}  // namespace colloquium::net
