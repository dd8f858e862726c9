// SilentPort: a port of this machine that refuses connections, or takes them and never says a word.
//
// Thread safety: the test's thread.
#pragma once

#include <arpa/inet.h>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

namespace colloquium {

class SilentPort {
 public:
  explicit SilentPort(bool listens) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    // Bound and not listening, it refuses, and nobody else can take it.
    if (listens) ASSERT(::listen(fd_, 16) == 0);
    ASSERT(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    number_ = ntohs(address.sin_port);
  }
  ~SilentPort() { ::close(fd_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  uint16_t number() const { return number_; }
  int fd() const { return fd_; }
  // Whether somebody has connected.
  bool is_called() const {
    pollfd waiting{fd_, POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
  }

 private:
  const int fd_;
  uint16_t number_ = 0;
};

}  // namespace colloquium
