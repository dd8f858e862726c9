// ByteStream: one connection's bytes, between the socket and the protocol that is spoken over it.
//
// The seam for everything that stands in between: plain TCP is TcpStream; TLS is TlsStream, a ByteStream over a
// ByteStream (see StreamWrapper). Protocols (HttpConnection) see this interface only.
//
// Ownership: the protocol owns its stream; destroying it closes the socket at once, and may be done in any
// of its callbacks. Thread safety: loop only.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

namespace colloquium::net {

// What a stream tells its protocol. None of these is called from within a call to the stream.
class ByteStreamEvents {
 public:
  virtual ~ByteStreamEvents() = default;

  // How many bytes the next on_bytes should bring at most: a wish, asked before each read.
  virtual size_t read_bytes_max() const { return std::numeric_limits<size_t>::max(); }

  // `bytes` are valid during the call.
  virtual void on_bytes(std::string_view bytes) = 0;
  // The peer will send no more; it may still read.
  virtual void on_end() = 0;
  // The connection is gone. Nothing is called after it.
  virtual void on_broken() = 0;
  // What write() had to keep has been sent, in whole or in part.
  virtual void on_sent() = 0;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // Before anything else; and again when another protocol takes the stream over, which may be in a callback of the one
  // before. `events` outlives the stream.
  virtual void start(ByteStreamEvents& events) = 0;

  // Whether on_bytes may be called. Off at the start.
  virtual void set_reading(bool on) = 0;

  // Sends at once what the socket takes and keeps a copy of the rest. The caller bounds that by looking at
  // unsent_bytes(). False if the connection is broken: the caller is to destroy the stream.
  [[nodiscard]] virtual bool write(std::string_view bytes) = 0;
  virtual size_t unsent_bytes() const = 0;

  // After what is unsent, tells the peer that no more will come. No write() after it.
  virtual void finish() = 0;

  // "127.0.0.1:55312"; empty if unknown.
  virtual const std::string& peer() const = 0;

  // Who the peer has proved to be: the subject of its certificate, as RFC 4514 writes it. Empty: nobody in particular.
  virtual const std::string& peer_name() const {
    static const std::string nobody;
    return nobody;
  }
};

// Puts a layer over an accepted connection.
using StreamWrapper = std::function<std::unique_ptr<ByteStream>(std::unique_ptr<ByteStream>)>;

}  // namespace colloquium::net
