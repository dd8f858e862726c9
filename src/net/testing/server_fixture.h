// ServerFixture: a running HttpServer for tests, and the requests they send it.
//
// Thread safety: as LoopThread.
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "io/compress.h"
#include "net/http_server.h"
#include "net/testing/loop_thread.h"
#include "net/testing/raw_client.h"

namespace colloquium::net {

class ServerFixture {
 public:
  explicit ServerFixture(HttpLimits limits = {}, StreamWrapper wrapper = {}) {
    thread_.on_loop([&] {
      server_ = std::make_unique<HttpServer>(thread_.loop(), thread_.clock(), limits, std::move(wrapper));
      const Status listening = server_->listen("127.0.0.1:0");
      ASSERT(listening);
    });
  }
  ~ServerFixture() {
    thread_.on_loop([&] { server_.reset(); });
  }

  HttpServer* operator->() { return server_.get(); }
  HttpServer& operator*() { return *server_; }
  loop::UvLoop& loop() { return thread_.loop(); }
  const Clock& clock() const { return thread_.clock(); }
  uint16_t port() const { return server_->port(); }

  template <class F>
  auto on_loop(F f) {
    return thread_.on_loop(std::move(f));
  }
  template <class T, class F>
  T wait_for(F f) {
    return thread_.wait_for<T>(std::move(f));
  }
  // Turns of the loop until `done`, which is asked on it.
  template <class Done>
  void wait_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!on_loop([&] { return done(); })) ASSERT(std::chrono::steady_clock::now() < end);
  }

  void route(Route route) {
    on_loop([&] {
      const Status added = server_->add_route(std::move(route));
      ASSERT(added);
    });
  }
  // Answers a POST with its body.
  void echo(const std::string& path, size_t max_body_bytes = 32 << 20) {
    route({.path = path,
           .methods = {Method::kPost},
           .max_body_bytes = max_body_bytes,
           .handle = [](const Request& request, Responder responder) {
             responder.send({.content_type = "text/plain", .body = *request.body});
           }});
  }

 private:
  LoopThread thread_;
  std::unique_ptr<HttpServer> server_;
};

inline std::string post(std::string_view path, std::string_view body, std::string_view headers = {}) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

inline std::string chunk(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

inline std::string chunked(std::string_view path, std::initializer_list<std::string_view> parts) {
  std::string out = "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view part : parts) {
    if (!part.empty()) out += chunk(part);
  }
  return out + "0\r\n\r\n";
}

inline std::string compressed(io::Compression compression, std::string_view bytes) {
  std::string out;
  const Status status = io::Compressor().compress(compression, bytes, out);
  ASSERT(status);
  return out;
}

}  // namespace colloquium::net
