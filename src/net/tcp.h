// TcpListener and TcpStream: TCP on the libuv loop.
//
// Ownership: the objects own heap-kept handles, which live until libuv has closed them, so destroying a
// listener or a stream is always allowed, in its own callbacks too. The loop has to run one more turn.
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "colloquium/result.h"

#include "net/byte_stream.h"

struct sockaddr_storage;
struct uv_loop_s;

namespace colloquium::net {

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; "*:8080" and ":8080" mean every IPv4 address. Names are
// not looked up: that would block.
struct SocketAddress {
  std::string host;
  uint16_t port = 0;

  static Result<SocketAddress> parse(const std::string& text);
  std::string describe() const;  // brackets around IPv6
};

class TcpListener {
 public:
  using OnStream = std::function<void(std::unique_ptr<ByteStream>)>;

  // Binds and listens; `on_stream` runs per connection. Port 0 takes a free one. A port in use is
  // kConflict, a refused one kPermission, each saying what can be done.
  static Result<std::unique_ptr<TcpListener>> listen(uv_loop_s* loop, const std::string& address,
                                                     OnStream on_stream);
  ~TcpListener();

  // Where it listens, with the port taken: "127.0.0.1:40123".
  const std::string& address() const { return address_; }
  uint16_t port() const { return port_; }
  // False for the moment after a connection could not be accepted.
  bool listening() const { return handle_ != nullptr; }

  // While paused, new connections wait in the kernel's queue. (libuv holds one more.) One that can't be accepted,
  // for want of a descriptor say, ends that queue: a moment later it listens again, as soon as it can.
  void set_accepting(bool on);

 private:
  struct Handle;
  struct Pause;
  TcpListener() = default;
  int listen_at(const sockaddr_storage& storage);
  void close();
  void accept();
  void back_off(int status);
  void listen_again();

  uv_loop_s* loop_ = nullptr;
  Handle* handle_ = nullptr;  // owns itself: freed by libuv's close callback; null while it can't listen
  Pause* pause_ = nullptr;    // likewise; null while it listens
  OnStream on_stream_;
  std::string address_;
  uint16_t port_ = 0;
  bool accepting_ = true;
  int waiting_ = 0;    // connections announced while paused
  bool told_ = false;  // that it had to back off
};

}  // namespace colloquium::net
