#include <atomic>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/assert.h"
#include "io/file_system.h"
#include "net/http_client.h"
#include "tests/compliance/component_peers.h"
#include "tests/silent_port.h"

namespace colloquium::compliance {
namespace {

std::string lines_of(int64_t events) {
  std::string text;
  for (int64_t i = 0; i < events; ++i) text += event_text(i) + "\n";
  return text;
}

class FilePeer : public SourcePeer {
 public:
  FilePeer(World& world, int64_t events) : path_(world.folder() + "/in.ndjson") {
    const Status written = io::write_file_atomically(io::posix_file_system(), path_, lines_of(events));
    ASSERT(written);
  }
  std::string settings() const override { return "{path: " + path_ + "}"; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// Standard input is the file while it lives.
class StdinPeer final : public FilePeer {
 public:
  StdinPeer(World& world, int64_t events) : FilePeer(world, events), before_(::dup(0)) {
    const int fd = ::open(path().c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT(fd >= 0 && before_ >= 0 && ::dup2(fd, 0) == 0);
    ::close(fd);
  }
  ~StdinPeer() override {
    ASSERT(::dup2(before_, 0) == 0);
    ::close(before_);
  }
  std::string settings() const override { return "{}"; }

 private:
  const int before_;
};

// Watched for as long as the source lives, so the source is not finite.
class FolderPeer final : public FilePeer {
 public:
  FolderPeer(World& world, int64_t events) : FilePeer(world, events), folder_(world.folder()) {}
  std::string settings() const override { return "{path: \"" + folder_ + "/in*.ndjson\", follow: true}"; }

 private:
  const std::string folder_;
};

class ProgramPeer final : public FilePeer {
 public:
  using FilePeer::FilePeer;
  std::string settings() const override { return "{command: [cat, " + path() + "]}"; }
};

class TemplatePeer final : public SourcePeer {
 public:
  explicit TemplatePeer(int64_t events) : events_(events) {}
  std::string settings() const override {
    std::string padding;
    padding.append(40'000, 'x');
    return "{rate: 0, count: " + std::to_string(events_) + ", template: {n: '{{n}}', pad: " + padding + "}}";
  }

 private:
  const int64_t events_;
};

class StreamPeer final : public SourcePeer {
 public:
  StreamPeer(World& world, int64_t events) {
    const auto stream = world.log().open_stream({.name = "feed"});
    ASSERT(stream);
    constexpr int64_t kAtOnce = 10;
    int64_t written = 0;
    std::atomic<int64_t> appended = 0;
    while (written < events) {
      BatchBuilder builder;
      for (uint32_t i = 0; i < kAtOnce && written < events; ++i, ++written) {
        builder.add(event_text(written), {}, {.offset_delta = i});
      }
      const auto count = static_cast<int64_t>(builder.size());
      auto encoded = log::encode(builder.seal(std::make_shared<BatchOrigin>(), 0), log::Codec::kNone, nullptr);
      ASSERT(encoded);
      world.log().append(*stream, 0, std::move(*encoded), log::AckLevel::kDurable, [&appended, count](auto done) {
        ASSERT(done);
        appended += count;
      });
    }
    ASSERT(world.run_until([&] { return appended == events; }));
  }
  std::string settings() const override { return "{name: feed}"; }
};

// A sender that posts one event after the other, and again whatever was not answered 200.
class PosterPeer final : public SourcePeer {
 public:
  PosterPeer(World& world, int64_t events)
      : loop_(world.loop()),
        url_("http://127.0.0.1:" + std::to_string(world.server().port()) + "/in"),
        events_(events),
        client_(world.loop(), world.clock()) {
    post();
  }
  std::string settings() const override { return "{path: /in}"; }

 private:
  void post() {
    if (next_ == events_) return;
    net::ClientRequest request{.method = "POST", .url = url_};
    request.headers = {{"Content-Type", "application/json"}};
    request.body = std::make_shared<const std::string>(event_text(next_));
    client_.send(std::move(request), [this](const Result<net::ClientResponse>& answer) {
      if (answer && answer->status == 200) ++next_;
      timer_ = loop_.start_timer(answer && answer->status == 200 ? 0 : 2, [this] {
        const auto fired = std::move(timer_);
        post();
      });
    });
  }

  Loop& loop_;
  const std::string url_;
  const int64_t events_;
  int64_t next_ = 0;
  std::unique_ptr<Timer> timer_;
  net::HttpClient client_;
};

// A document that changes once whoever asks for it has taken the last change.
class DocumentPeer final : public SourcePeer {
 public:
  DocumentPeer(World& world, int64_t events) : server_(world.server()), events_(events) {
    const Status added =
        server_.add_route({.path = "/doc",
                           .methods = {net::Method::kGet},
                           .handle = [this](const net::Request& request, net::Responder responder) {
                             answer(request.head.find("if-none-match").value_or(""), std::move(responder));
                           }});
    ASSERT(added);
  }
  ~DocumentPeer() override { server_.remove_route("/doc"); }
  std::string settings() const override {
    return "{url: \"http://127.0.0.1:" + std::to_string(server_.port()) + "/doc\", every: 10ms}";
  }

 private:
  std::string tag() const { return "\"v" + std::to_string(number_) + "\""; }
  void answer(std::string_view taken, net::Responder responder) {
    if (taken == tag()) {
      if (number_ + 1 == events_) return responder.send({.status = 304});
      ++number_;
    }
    const std::string now = tag();
    const net::HeaderField etag{"ETag", now};
    responder.send({.content_type = "application/json", .body = event_text(number_, 100), .headers = {&etag, 1}});
  }

  net::HttpServer& server_;
  const int64_t events_;
  int64_t number_ = 0;
};

// Sends the events behind the id that a client says, on one connection at a time.
class SsePeer final : public SourcePeer {
 public:
  explicit SsePeer(int64_t events) : events_(events), port_(true), thread_([this] { serve(); }) {}
  ~SsePeer() override {
    stopping_ = true;
    thread_.join();
  }
  std::string settings() const override {
    return "{url: \"http://127.0.0.1:" + std::to_string(port_.number()) +
           "/events\", reconnect: {initial: 5ms, max: 20ms}}";
  }

 private:
  // Whether `fd` is ready before the end.
  bool wait(int fd, int16_t what) const {
    while (!stopping_) {
      pollfd one{fd, what, 0};
      if (::poll(&one, 1, 10) == 1) return true;
    }
    return false;
  }
  void serve() {
    while (wait(port_.fd(), POLLIN)) {
      const int peer = ::accept4(port_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (peer < 0) continue;
      serve(peer);
      ::close(peer);
    }
  }
  void serve(int peer) {
    std::string head;
    char piece[1024];
    while (head.find("\r\n\r\n") == head.npos) {
      if (!wait(peer, POLLIN)) return;
      const ssize_t got = ::recv(peer, piece, sizeof piece, 0);
      if (got <= 0) return;
      head.append(piece, static_cast<size_t>(got));
    }
    constexpr std::string_view kHeader = "Last-Event-ID: ";
    const size_t at = head.find(kHeader);
    int64_t next = at == head.npos ? 0 : std::stoll(head.substr(at + kHeader.size())) + 1;
    std::string text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    for (; next < events_; ++next) {
      text += "id: " + std::to_string(next) + "\ndata: " + event_text(next) + "\n\n";
    }
    send_all(peer, text);
    // Nothing more comes until the client goes.
    while (wait(peer, POLLIN) && ::recv(peer, piece, sizeof piece, 0) > 0) continue;
  }
  void send_all(int peer, std::string_view bytes) const {
    while (!bytes.empty() && wait(peer, POLLOUT)) {
      const ssize_t sent = ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return;
      if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  const int64_t events_;
  const SilentPort port_;  // until this speaks for it
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<SourcePeer> standard_input(World& world, int64_t events) {
  return std::make_unique<StdinPeer>(world, events);
}
std::unique_ptr<SourcePeer> file_to_read(World& world, int64_t events) {
  return std::make_unique<FilePeer>(world, events);
}
std::unique_ptr<SourcePeer> folder_to_follow(World& world, int64_t events) {
  return std::make_unique<FolderPeer>(world, events);
}
std::unique_ptr<SourcePeer> program_that_prints(World& world, int64_t events) {
  return std::make_unique<ProgramPeer>(world, events);
}
std::unique_ptr<SourcePeer> event_template(World&, int64_t events) {
  return std::make_unique<TemplatePeer>(events);
}
std::unique_ptr<SourcePeer> stream_to_read(World& world, int64_t events) {
  return std::make_unique<StreamPeer>(world, events);
}
std::unique_ptr<SourcePeer> http_poster(World& world, int64_t events) {
  return std::make_unique<PosterPeer>(world, events);
}
std::unique_ptr<SourcePeer> http_document(World& world, int64_t events) {
  return std::make_unique<DocumentPeer>(world, events);
}
std::unique_ptr<SourcePeer> event_stream_server(World&, int64_t events) {
  return std::make_unique<SsePeer>(events);
}

}  // namespace colloquium::compliance
