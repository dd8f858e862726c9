// Http2Client: a blocking HTTP/2 client for tests, by libnghttp2's client side, with prior knowledge or over TLS.
//
// Nothing is sent or read but in run(); every wait has RawClient's limit. Thread safety: none; not on the loop's
// thread.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <nghttp2/nghttp2.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "net/testing/tls_peers.h"

namespace colloquium::net {

struct Http2Answer {
  std::vector<int> interim;  // 100
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  bool closed = false;
  uint32_t error = 0;
};

class Http2Client {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  explicit Http2Client(uint16_t port, bool tls = false) : Http2Client(port, tls, {}) {}
  Http2Client(uint16_t port, bool tls, std::vector<nghttp2_settings_entry> settings) {
    if (tls) {
      tls_ = std::make_unique<TlsClient>(port, TlsClientOptions{.protocols = "\x02h2"});
      ASSERT(tls_->connected());
      ASSERT(tls_->protocol() == "h2");
    } else {
      fd_ = TlsClient::connect_to(port);
    }
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  }
  ~Http2Client() {
    nghttp2_session_del(session_);
    if (fd_ >= 0) ::close(fd_);
  }
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  // Begins a request; without `ends`, more() and end() give it its body.
  int32_t begin(const std::string& method, const std::string& path, const Headers& headers, std::string body,
                bool ends = true) {
    Headers all = {{":method", method}, {":scheme", "http"}, {":authority", "h"}, {":path", path}};
    all.insert(all.end(), headers.begin(), headers.end());
    std::vector<nghttp2_nv> fields;
    for (const auto& [name, value] : all) {
      fields.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                        NGHTTP2_NV_FLAG_NONE});
    }
    auto upload = std::make_unique<Upload>(Upload{std::move(body), ends});
    nghttp2_data_provider provider{};
    provider.source.ptr = upload.get();
    provider.read_callback = on_read;
    const bool has_body = !upload->bytes.empty() || !ends;
    const int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                              has_body ? &provider : nullptr, nullptr);
    ASSERT(id > 0);
    uploads_[id] = std::move(upload);
    return id;
  }
  void more(int32_t id, std::string_view bytes, bool ends) {
    uploads_[id]->bytes.append(bytes);
    uploads_[id]->ends = ends;
    nghttp2_session_resume_data(session_, id);
  }
  int32_t begin_post(const std::string& path, std::string body, const Headers& headers = {}) {
    return begin("POST", path, headers, std::move(body));
  }

  // Sends and reads until `done` or the server ends; false if it ended first.
  template <class Done>
  bool run(Done done) {
    while (!done()) {
      send_all();  // who cannot send any more may still read
      if (done()) return true;
      if (!receive()) return done();
    }
    return true;
  }
  // Until every request so far has ended.
  bool run_all() {
    return run([&] {
      for (const auto& [id, upload] : uploads_) {
        if (!answers[id].closed) return false;
      }
      return true;
    });
  }
  Http2Answer& run_until_closed(int32_t id) {
    run([&] { return answers[id].closed; });
    return answers[id];
  }
  Http2Answer& ask(const std::string& path, std::string body, const Headers& headers = {}) {
    return run_until_closed(begin_post(path, std::move(body), headers));
  }
  // Reads until the server ends the connection.
  void run_out() {
    run([] { return false; });
  }

  bool send_all() {
    const uint8_t* bytes = nullptr;
    ssize_t size;
    while ((size = nghttp2_session_mem_send(session_, &bytes)) > 0) {
      if (!send_raw({reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)})) return false;
    }
    return size == 0;
  }
  bool send_raw(std::string_view bytes) {
    if (tls_ != nullptr) return tls_->send(bytes);
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // The destructor then resets the connection instead of ending it.
  void reset_on_close() {
    const linger now{1, 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  nghttp2_session* session() { return session_; }
  int fd() const { return tls_ != nullptr ? tls_->fd() : fd_; }

  std::map<int32_t, Http2Answer> answers;
  bool goes_away = false;  // the server has said so
  uint32_t goes_away_with = 0;
  int pings = 0;  // that were answered

 private:
  struct Upload {
    std::string bytes;
    bool ends;
    size_t sent = 0;
  };

  bool receive() {
    char bytes[16384];
    size_t count = 0;
    if (tls_ != nullptr) {
      const bool read = SSL_read_ex(tls_->ssl(), bytes, sizeof bytes, &count) == 1;
      ERR_clear_error();
      if (!read) return false;
    } else {
      const ssize_t received = ::recv(fd_, bytes, sizeof bytes, 0);
      if (received <= 0) return false;
      count = static_cast<size_t>(received);
    }
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes), count) >= 0;
  }

  static Http2Client& self(void* user) { return *static_cast<Http2Client*>(user); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                       const uint8_t* value, size_t value_size, uint8_t, void* user) {
    Http2Answer& answer = self(user).answers[frame->hd.stream_id];
    const std::string key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key != ":status") {
      answer.headers[key] = text;
    } else if (text[0] == '1') {
      answer.interim.push_back(std::stoi(text));
    } else {
      answer.status = std::stoi(text);
    }
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* user) {
    self(user).answers[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t error, void* user) {
    self(user).answers[id].closed = true;
    self(user).answers[id].error = error;
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      self(user).goes_away = true;
      self(user).goes_away_with = frame->goaway.error_code;
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) ++self(user).pings;
    return 0;
  }
  static ssize_t on_read(nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t* flags,
                         nghttp2_data_source* source, void*) {
    Upload& upload = *static_cast<Upload*>(source->ptr);
    const size_t count = std::min(size, upload.bytes.size() - upload.sent);
    std::memcpy(into, upload.bytes.data() + upload.sent, count);
    upload.sent += count;
    if (upload.sent < upload.bytes.size()) return static_cast<ssize_t>(count);
    if (upload.ends) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return count == 0 && !upload.ends ? static_cast<ssize_t>(NGHTTP2_ERR_DEFERRED) : static_cast<ssize_t>(count);
  }

  std::unique_ptr<TlsClient> tls_;
  int fd_ = -1;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::unique_ptr<Upload>> uploads_;
};

}  // namespace colloquium::net
