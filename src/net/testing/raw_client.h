// RawClient: a blocking TCP client for tests that sends whatever bytes the test wants and reads answers.
//
// Every wait has a limit of 20 s, so that a server that does not answer is a failed test and not a hung one.
// Thread safety: none; not on the loop's thread.
#pragma once

#include <arpa/inet.h>
#include <charconv>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_message.h"

namespace colloquium::net {

struct RawAnswer {
  int status = 0;  // 0: the connection ended before an answer was complete
  std::string head;
  std::string body;

  bool has(std::string_view line) const { return head.find("\r\n" + std::string(line) + "\r\n") != head.npos; }
};

class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }

  // False once the server does not take more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void end() { ::shutdown(fd_, SHUT_WR); }
  // The destructor then resets the connection instead of ending it.
  void reset_on_close() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  int fd() const { return fd_; }
  uint16_t local_port() const {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
  }

  // The next answer, interim ones (100) included.
  RawAnswer answer(bool head_only = false) {
    RawAnswer answer;
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return answer;
    }
    answer.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    const size_t length = head_only ? 0 : content_length(answer.head);
    while (buffer_.size() < length) {
      if (!fill()) return answer;
    }
    answer.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    answer.status = to_number(answer.head, 9);
    return answer;
  }
  RawAnswer ask(std::string_view request) {
    send(request);
    return answer();
  }

  // So many bytes of what comes; fewer if the server ends the connection.
  std::string take(size_t count) {
    while (buffer_.size() < count && fill()) continue;
    std::string bytes = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return bytes;
  }

  // Waits until the server closes; true if it did so without another byte.
  bool closed() {
    while (fill()) continue;
    return buffer_.empty() && !timed_out_;
  }
  // Everything until the server closes.
  std::string rest() {
    while (fill()) continue;
    return buffer_;
  }

 private:
  bool fill() {
    char bytes[16384];
    const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
    timed_out_ = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(count));
    return true;
  }
  static int to_number(const std::string& text, size_t at) {
    int number = 0;
    if (at < text.size()) std::from_chars(text.data() + at, text.data() + text.size(), number);
    return number;
  }
  static size_t content_length(const std::string& head) {
    const size_t at = head.find("\r\nContent-Length: ");
    return at == std::string::npos ? 0 : static_cast<size_t>(to_number(head, at + 18));
  }

  const int fd_;
  bool connected_ = false;
  bool timed_out_ = false;
  std::string buffer_;
};

}  // namespace colloquium::net
