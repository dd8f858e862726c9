#include "net/tcp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <uv.h>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::net {
namespace {

constexpr int kBacklog = 1024;
// How long nothing is accepted after it could not be.
constexpr uint64_t kBackOffMs = 100;
// One read. All streams of a listener share the buffer: libuv fills it and hands it over in one go.
constexpr size_t kReadBytes = 64 * 1024;
using ReadBuffer = std::array<char, kReadBytes>;

std::string describe_address(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET6) {
    const auto* address = reinterpret_cast<const sockaddr_in6*>(&storage);
    uv_ip6_name(address, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(address->sin6_port));
  }
  const auto* address = reinterpret_cast<const sockaddr_in*>(&storage);
  uv_ip4_name(address, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(address->sin_port));
}

// The host as libuv's conversions take it.
std::string numeric_host(const std::string& host) {
  if (host.empty() || host == "*") return "0.0.0.0";
  return host == "localhost" ? "127.0.0.1" : host;
}

Result<sockaddr_storage> resolve(const SocketAddress& address) {
  sockaddr_storage storage{};
  const std::string host = numeric_host(address.host);
  if (uv_ip4_addr(host.c_str(), address.port, reinterpret_cast<sockaddr_in*>(&storage)) == 0) return storage;
  if (uv_ip6_addr(host.c_str(), address.port, reinterpret_cast<sockaddr_in6*>(&storage)) == 0) return storage;
  return fail(ErrorCode::kInvalidConfig, "cannot listen on '" + address.describe() +
                                             "': give the host as a number such as 127.0.0.1, 0.0.0.0 or [::1]");
}

tl::unexpected<Error> listen_failed(const SocketAddress& address, int status) {
  const std::string what = "cannot listen on " + address.describe() + ": ";
  const std::string port = std::to_string(address.port);
  if (status == UV_EADDRINUSE) {
    return fail(ErrorCode::kConflict, what + "another process has port " + port + " (`ss -ltnp 'sport = :" + port +
                                          "'` shows which); stop it, or choose another port, 0 for any free one");
  }
  if (status == UV_EACCES) {
    return fail(ErrorCode::kPermission, what +
                                            "ports below 1024 need the right CAP_NET_BIND_SERVICE; choose a "
                                            "port from 1024 on");
  }
  if (status == UV_EADDRNOTAVAIL) {
    return fail(ErrorCode::kInvalidConfig,
                what + "no interface of this machine has that address; 0.0.0.0 means all");
  }
  return fail(ErrorCode::kIo, what + uv_strerror(status));
}

class TcpStream final : public ByteStream {
 public:
  // Lives from accept until libuv has closed the socket.
  struct Handle {
    uv_tcp_t tcp{};
    TcpStream* owner = nullptr;  // null once the stream is gone
    std::shared_ptr<ReadBuffer> buffer;
  };

  TcpStream(Handle* handle, std::string peer) : handle_(handle), peer_(std::move(peer)) {
    ASSERT(handle_->owner == nullptr);
    handle_->owner = this;
  }

  ~TcpStream() override {
    handle_->owner = nullptr;
    close_handle(handle_);
  }

  static void close_handle(Handle* handle) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle->tcp),
             [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
  }

  void start(ByteStreamEvents& events) override {
    events_ = &events;
  }

  void set_reading(bool on) override {
    ASSERT(events_ != nullptr);
    if (on == reading_ || ended_) return;
    reading_ = on;
    if (!on) {
      uv_read_stop(stream());
      return;
    }
    // Fails only on a handle that is closing, which a live stream's is not.
    const int status = uv_read_start(stream(), allocate, on_read);
    ASSERT(status == 0);
  }

  bool write(std::string_view bytes) override {
    ASSERT(!finishing_);
    if (!unsent_.empty() || sending_) {
      unsent_.append(bytes);
      return true;
    }
    uv_buf_t buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int sent = uv_try_write(stream(), &buffer, 1);
    if (sent < 0 && sent != UV_EAGAIN) return false;
    bytes.remove_prefix(static_cast<size_t>(std::max(sent, 0)));
    if (bytes.empty()) return true;
    unsent_.append(bytes);
    return send_unsent();
  }

  size_t unsent_bytes() const override { return unsent_.size() + (sending_ ? sending_->bytes.size() : 0); }

  void finish() override {
    finishing_ = true;
    if (unsent_bytes() == 0) shut_down();
  }

  const std::string& peer() const override { return peer_; }

 private:
  // Bytes libuv holds on to. Outlives the stream if that goes first.
  struct Sending {
    uv_write_t request{};
    std::string bytes;
  };

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle_->tcp); }

  bool send_unsent() {
    ASSERT(sending_ == nullptr);
    auto sending = std::make_unique<Sending>();
    sending->bytes = std::move(unsent_);
    unsent_.clear();
    sending->request.data = sending.get();
    uv_buf_t buffer = uv_buf_init(sending->bytes.data(), static_cast<unsigned>(sending->bytes.size()));
    if (uv_write(&sending->request, stream(), &buffer, 1, on_written) != 0) return false;
    sending_ = sending.release();
    return true;
  }

  void shut_down() {
    auto request = std::make_unique<uv_shutdown_t>();
    const auto done = [](uv_shutdown_t* finished, int) { delete finished; };
    // A refusal means that the peer is gone already, which reading tells.
    if (uv_shutdown(request.get(), stream(), done) == 0) (void)request.release();
  }

  void written(int status) {
    sending_ = nullptr;
    if (status == UV_ECANCELED) return;
    if (status != 0 || (!unsent_.empty() && !send_unsent())) return events_->on_broken();
    if (finishing_ && unsent_bytes() == 0) shut_down();
    events_->on_sent();
  }

  static void on_written(uv_write_t* request, int status) {
    const std::unique_ptr<Sending> sent(static_cast<Sending*>(request->data));
    auto* handle = static_cast<Handle*>(request->handle->data);
    if (handle->owner != nullptr) handle->owner->written(status);
  }

  static void allocate(uv_handle_t* uv, size_t, uv_buf_t* buffer) {
    const Handle& handle = *static_cast<Handle*>(uv->data);
    const size_t wished = handle.owner == nullptr ? kReadBytes : handle.owner->events_->read_bytes_max();
    ASSERT(wished > 0);
    *buffer = uv_buf_init(handle.buffer->data(), static_cast<unsigned>(std::min(wished, kReadBytes)));
  }

  static void on_read(uv_stream_t* uv, ssize_t count, const uv_buf_t* buffer) {
    TcpStream* self = static_cast<Handle*>(uv->data)->owner;
    if (self == nullptr || count == 0) return;
    if (count > 0) return self->events_->on_bytes({buffer->base, static_cast<size_t>(count)});
    self->reading_ = false;
    self->ended_ = true;
    uv_read_stop(uv);
    if (count == UV_EOF) return self->events_->on_end();
    self->events_->on_broken();
  }

  Handle* const handle_;
  const std::string peer_;
  ByteStreamEvents* events_ = nullptr;
  bool reading_ = false;
  bool ended_ = false;
  bool finishing_ = false;
  Sending* sending_ = nullptr;  // owned by libuv until on_written
  std::string unsent_;          // what comes after it
};

// The peer's address, or nothing where it has gone again.
std::string peer_of(const uv_tcp_t& tcp) {
  sockaddr_storage storage{};
  int length = sizeof storage;
  const int status = uv_tcp_getpeername(&tcp, reinterpret_cast<sockaddr*>(&storage), &length);
  return status == 0 ? describe_address(storage) : std::string();
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(const std::string& text) {
  const size_t colon = text.rfind(':');
  SocketAddress address;
  std::string_view port;
  if (colon != std::string::npos) {
    address.host = text.substr(0, colon);
    port = std::string_view(text).substr(colon + 1);
  }
  unsigned number = 65536;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc() || end != port.data() + port.size() || number > 65535) {
    return fail(ErrorCode::kInvalidConfig,
                "cannot listen on '" + text + "': an address is host:port, such as 127.0.0.1:8080");
  }
  address.port = static_cast<uint16_t>(number);
  std::string& host = address.host;
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return address;
}

std::string SocketAddress::describe() const {
  const std::string shown = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(port);
}

struct TcpListener::Handle {
  uv_tcp_t tcp{};
  TcpListener* owner = nullptr;
  std::shared_ptr<ReadBuffer> buffer = std::make_shared<ReadBuffer>();

  static void announce(uv_stream_t* uv, int status) {
    TcpListener* owner = static_cast<Handle*>(uv->data)->owner;
    if (owner == nullptr) return;
    if (status != 0) return owner->back_off(status);
    ++owner->waiting_;
    if (owner->accepting_) owner->accept();
  }
};

Result<std::unique_ptr<TcpListener>> TcpListener::listen(uv_loop_s* loop, const std::string& text,
                                                         OnStream on_stream) {
  TRY_ASSIGN(const SocketAddress address, SocketAddress::parse(text));
  TRY_ASSIGN(sockaddr_storage storage, resolve(address));
  std::unique_ptr<TcpListener> listener(new TcpListener());
  listener->on_stream_ = std::move(on_stream);
  listener->loop_ = loop;
  if (const int status = listener->listen_at(storage); status != 0) return listen_failed(address, status);
  int length = sizeof storage;
  uv_tcp_getsockname(&listener->handle_->tcp, reinterpret_cast<sockaddr*>(&storage), &length);
  listener->address_ = describe_address(storage);
  TRY_ASSIGN(const SocketAddress bound, SocketAddress::parse(listener->address_));
  listener->port_ = bound.port;
  return listener;
}

struct TcpListener::Pause {
  uv_timer_t timer{};
  TcpListener* owner = nullptr;

  static void over(uv_timer_t* timer) { static_cast<Pause*>(timer->data)->owner->listen_again(); }
  // It goes once libuv lets go of its timer.
  void end() {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer),
             [](uv_handle_t* closed) { delete static_cast<Pause*>(closed->data); });
  }
};

TcpListener::~TcpListener() {
  close();
  if (pause_ != nullptr) pause_->end();
}

int TcpListener::listen_at(const sockaddr_storage& storage) {
  ASSERT(handle_ == nullptr);
  handle_ = new Handle();
  uv_tcp_t* tcp = &handle_->tcp;
  uv_tcp_init(loop_, tcp);
  tcp->data = handle_;
  handle_->owner = this;
  // libuv sets SO_REUSEADDR itself, and reports a port in use only when it listens.
  int status = uv_tcp_bind(tcp, reinterpret_cast<const sockaddr*>(&storage), 0);
  if (status == 0) status = uv_listen(reinterpret_cast<uv_stream_t*>(tcp), kBacklog, Handle::announce);
  if (status != 0) close();
  return status;
}

void TcpListener::close() {
  if (handle_ == nullptr) return;
  handle_->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->tcp),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
  handle_ = nullptr;
  waiting_ = 0;
}

// libuv would try again at once, and for as long as it fails, with the loop standing still: nobody could end a
// connection meanwhile. (It has one descriptor in hand for such times, and comes here once that is taken from it.)
// It stops when the port is closed, which frees a descriptor besides.
void TcpListener::back_off(int status) {
  ASSERT(status != 0 && pause_ == nullptr);
  if (!told_) {
    log_warning("net", "no connection can be accepted on " + address_ + ": " + uv_strerror(status) +
                           "; it listens again as soon as it can");
  }
  told_ = true;
  close();
  pause_ = new Pause();
  uv_timer_init(loop_, &pause_->timer);
  pause_->timer.data = pause_;
  pause_->owner = this;
  uv_timer_start(&pause_->timer, Pause::over, kBackOffMs, kBackOffMs);
}

void TcpListener::listen_again() {
  ASSERT(pause_ != nullptr);
  const auto address = SocketAddress::parse(address_);
  auto storage = resolve(*address);
  ASSERT(storage);
  if (listen_at(*storage) != 0) return;  // until the timer comes again
  std::exchange(pause_, nullptr)->end();
}

void TcpListener::set_accepting(bool on) {
  accepting_ = on;
  // libuv stops watching the port while an announced connection is not accepted: that is the pause.
  if (on && waiting_ > 0) accept();
}

void TcpListener::accept() {
  ASSERT(waiting_ > 0);
  --waiting_;
  auto* handle = new TcpStream::Handle();
  uv_tcp_init(handle_->tcp.loop, &handle->tcp);
  handle->tcp.data = handle;
  handle->buffer = handle_->buffer;
  const int status =
      uv_accept(reinterpret_cast<uv_stream_t*>(&handle_->tcp), reinterpret_cast<uv_stream_t*>(&handle->tcp));
  if (status != 0) return TcpStream::close_handle(handle);
  uv_tcp_nodelay(&handle->tcp, 1);
  on_stream_(std::make_unique<TcpStream>(handle, peer_of(handle->tcp)));
}

}  // namespace colloquium::net
