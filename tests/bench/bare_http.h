// What the HTTP programs of the benchmarks share: where messages end, and writing to a socket of libuv. For peers
// on this machine that spell Content-Length so; it checks nothing and survives no hostile one.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <uv.h>

namespace bench {

// Cuts what a connection reads into requests, or answers. One per connection.
class HttpCutter {
 public:
  // on_head(head) as each message begins, with its empty line; on_body(piece) as its body comes; on_end() once it
  // is whole.
  template <typename OnHead, typename OnBody, typename OnEnd>
  void consume(std::string_view bytes, OnHead on_head, OnBody on_body, OnEnd on_end) {
    while (!bytes.empty()) {
      if (body_left_ > 0) {
        const size_t taken = std::min(body_left_, bytes.size());
        on_body(bytes.substr(0, taken));
        bytes.remove_prefix(taken);
        body_left_ -= taken;
        if (body_left_ == 0) on_end();
        continue;
      }
      const size_t before = held_.size();
      held_ += bytes;
      const size_t end = held_.find("\r\n\r\n");
      if (end == std::string::npos) return;
      const std::string_view head = std::string_view(held_).substr(0, end + 4);
      const size_t at = head.find(kLength);
      body_left_ = at == head.npos ? 0 : std::strtoull(head.data() + at + kLength.size(), nullptr, 10);
      on_head(head);
      if (body_left_ == 0) on_end();
      bytes.remove_prefix(end + 4 - before);
      held_.clear();
    }
  }

 private:
  static constexpr std::string_view kLength = "Content-Length: ";

  std::string held_;  // of a head that is not complete
  size_t body_left_ = 0;
};

// Writes what the socket takes at once, and the rest in time.
inline void send(uv_stream_t* stream, std::string_view bytes) {
  struct Write {
    uv_write_t request;
    std::string bytes;
  };
  uv_buf_t buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int sent = uv_stream_get_write_queue_size(stream) > 0 ? 0 : uv_try_write(stream, &buffer, 1);
  if (sent == static_cast<int>(bytes.size())) return;
  Write* const write = new Write{{}, std::string(bytes.substr(sent > 0 ? static_cast<size_t>(sent) : 0))};
  write->request.data = write;
  buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const int failed = uv_write(&write->request, stream, &buffer, 1,
                              [](uv_write_t* done, int) { delete static_cast<Write*>(done->data); });
  if (failed != 0) delete write;
}

}  // namespace bench
