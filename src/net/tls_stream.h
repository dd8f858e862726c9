// TlsStream: TLS as a ByteStream over a ByteStream. Private to src/net; TlsContext makes them.
//
// The library reads and writes memory, never a socket. What comes is given to it whole, one read of the stream
// below at a time, and that is not read again before the protocol has taken what it was: so no more than one read
// of it (64 KiB) is ever held. What the library has to say by itself (alerts, answers to key updates) is bounded
// by not reading while the peer takes nothing.
//
// A handshake that fails ends with its alert, one that is plain HTTP with an answer in plain HTTP; what comes
// after it is thrown away until the peer ends, within bounds. How long a handshake may take is the protocol's to
// say, which hears nothing before it is done. Thread safety: loop only. Source: RFC 8446, RFC 5246.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "colloquium/loop.h"

#include "net/byte_stream.h"
#include "net/tls_context.h"

struct bio_st;
struct ssl_st;
struct ssl_ctx_st;

namespace colloquium::net {

class TlsStream final : public ByteStream, private ByteStreamEvents {
 public:
  TlsStream(std::shared_ptr<ssl_ctx_st> context, std::shared_ptr<TlsCounters> counters, Loop& loop,
            std::unique_ptr<ByteStream> below);
  ~TlsStream() override;

  void start(ByteStreamEvents& events) override;
  void set_reading(bool on) override;
  bool write(std::string_view bytes) override;
  size_t unsent_bytes() const override;
  void finish() override;
  const std::string& peer() const override;
  const std::string& peer_name() const override { return peer_name_; }

 private:
  enum class State : uint8_t { kHandshake, kOpen, kRefused };

  size_t read_bytes_max() const override;
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken() override;
  void on_sent() override;

  bool shake_hands();
  void refuse();
  Counter& counter_of(int reason) const;
  bool deliver();
  void deliver_later();
  bool flush();
  void update_below();
  bool holds_input() const;

  const std::shared_ptr<ssl_ctx_st> context_;
  const std::shared_ptr<TlsCounters> counters_;
  Loop& loop_;
  const std::unique_ptr<ByteStream> below_;
  ssl_st* const ssl_;
  bio_st* const in_;   // owned by ssl_
  bio_st* const out_;  // likewise
  ByteStreamEvents* events_ = nullptr;
  State state_ = State::kHandshake;
  bool reading_ = false;     // the protocol wants bytes
  bool delivering_ = false;  // deliver() is on the stack
  bool resuming_ = false;    // deliver_later() is on its way
  bool ended_ = false;       // the peer will send no more
  bool finished_ = false;
  size_t discarded_bytes_ = 0;  // kRefused
  std::string peer_name_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // the protocol may destroy us in any of its callbacks
};

}  // namespace colloquium::net
