// ScriptedServer: takes one connection after the other, reads the head of a request and says what the test tells
// it to.
//
// Thread safety: none; not on the loop's thread, as its calls block.
#pragma once

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace colloquium::net {

class ScriptedServer {
 public:
  ScriptedServer() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::listen(fd_, 4) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~ScriptedServer() {
    hang_up();
    ::close(fd_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // Hangs up and says `answer` to the next connection; the head of its request, in lower case.
  std::string accept(std::string_view answer = {}) {
    hang_up();
    peer_ = ::accept(fd_, nullptr, nullptr);
    REQUIRE(peer_ >= 0);
    return again(answer);
  }
  // The same for the next request of this connection.
  std::string again(std::string_view answer = {}) {
    std::string head;
    char byte = 0;
    while (head.find("\r\n\r\n") == head.npos) {
      REQUIRE(::recv(peer_, &byte, 1, 0) == 1);
      head += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }
    say(answer);
    return head;
  }
  // All that whoever comes next says until it goes; nothing where nobody comes.
  std::string next_visitor() {
    hang_up();
    pollfd listens{fd_, POLLIN, 0};
    if (::poll(&listens, 1, 0) != 1) return {};
    peer_ = ::accept(fd_, nullptr, nullptr);
    std::string said;
    char byte = 0;
    while (::recv(peer_, &byte, 1, 0) == 1) said += byte;
    return said;
  }
  void say(std::string_view bytes) {
    REQUIRE(::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  // As much of `bytes` as the kernel takes at once; how much that was.
  size_t offer(std::string_view bytes) {
    const ssize_t count = ::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? 0 : static_cast<size_t>(count);
  }
  void hang_up() {
    if (peer_ >= 0) ::close(peer_);
    peer_ = -1;
  }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  uint16_t port() const { return port_; }

 private:
  const int fd_;
  int peer_ = -1;
  uint16_t port_ = 0;
};

}  // namespace colloquium::net
