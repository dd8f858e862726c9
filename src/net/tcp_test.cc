// TcpListener and TcpStream by themselves, without HTTP on top.
#include "net/tcp.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "base/assert.h"
#include "net/testing/loop_thread.h"
#include "net/testing/raw_client.h"

namespace colloquium::net {
namespace {

// One side of a connection, told by the test what to do. Loop only, but the atomics.
class Peer final : public ByteStreamEvents {
 public:
  explicit Peer(std::unique_ptr<ByteStream> accepted) : stream(std::move(accepted)) { stream->start(*this); }

  void on_bytes(std::string_view bytes) override {
    received += bytes;
    received_bytes = received.size();
    if (destroy_on_bytes) stream.reset();
  }
  void on_end() override { ended = true; }
  void on_broken() override {
    broken = true;
    stream.reset();
  }
  void on_sent() override { ++sent; }

  std::unique_ptr<ByteStream> stream;
  std::string received;
  std::atomic<size_t> received_bytes{0};
  std::atomic<bool> ended{false};
  std::atomic<bool> broken{false};
  std::atomic<int> sent{0};
  bool destroy_on_bytes = false;
};

// A listener whose connections are kept.
class ListenerFixture {
 public:
  explicit ListenerFixture(const std::string& address = "127.0.0.1:0") {
    thread_.on_loop([&] {
      auto made =
          TcpListener::listen(thread_.loop().handle(), address, [this](std::unique_ptr<ByteStream> stream) {
            peers_.push_back(std::make_unique<Peer>(std::move(stream)));
            accepted = peers_.size();
          });
      ASSERT(made);
      listener_ = std::move(*made);
    });
  }
  ~ListenerFixture() {
    thread_.on_loop([&] {
      peers_.clear();
      listener_.reset();
    });
  }

  template <class F>
  auto on_loop(F f) {
    return thread_.on_loop(std::move(f));
  }
  // Lets the loop turn until `condition` holds there.
  template <class F>
  void until(F condition) {
    while (!on_loop(condition)) continue;
  }
  Peer& peer(size_t i) {
    until([&] { return peers_.size() > i; });
    return *peers_[i];
  }
  TcpListener& listener() { return *listener_; }
  uv_loop_t* uv_loop() { return thread_.loop().handle(); }

  std::atomic<size_t> accepted{0};

 private:
  LoopThread thread_;
  std::unique_ptr<TcpListener> listener_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

TEST_CASE("bytes are handed over only while reading is on") {
  ListenerFixture fixture;
  RawClient client(fixture.listener().port());
  Peer& peer = fixture.peer(0);
  client.send("early");
  for (int i = 0; i < 20; ++i) fixture.on_loop([] {});
  CHECK(peer.received_bytes == 0);
  fixture.on_loop([&] { peer.stream->set_reading(true); });
  fixture.until([&] { return peer.received == "early"; });
  fixture.on_loop([&] { peer.stream->set_reading(false); });
  client.send(" late");
  client.end();
  for (int i = 0; i < 20; ++i) fixture.on_loop([] {});
  CHECK(peer.received_bytes == 5);
  CHECK_FALSE(peer.ended);
  fixture.on_loop([&] { peer.stream->set_reading(true); });
  fixture.until([&] { return peer.ended.load(); });
  CHECK(peer.received == "early late");
  // After the end there is nothing left to read.
  fixture.on_loop([&] { peer.stream->set_reading(true); });
}

TEST_CASE("what the socket does not take is kept in order and sent as the peer reads") {
  ListenerFixture fixture;
  RawClient client(fixture.listener().port());
  Peer& peer = fixture.peer(0);
  std::string all;
  fixture.on_loop([&] {
    for (int i = 0; i < 300; ++i) {
      const std::string part(50'000, static_cast<char>('a' + i % 26));
      CHECK(peer.stream->write(part));
      all += part;
    }
    CHECK(peer.stream->unsent_bytes() > 0);
    CHECK(peer.stream->unsent_bytes() < all.size());
    peer.stream->finish();
  });
  CHECK(client.rest() == all);
  fixture.until([&] { return peer.stream->unsent_bytes() == 0; });
  CHECK(peer.sent > 0);
}

namespace {

// As if everything that may be open were open. Of the whole process, so briefly.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 3;
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a connection that can't be accepted holds up nothing, and those that come later are") {
  // libuv keeps one descriptor, with which it takes and ends what it can't accept; others may have taken that too.
  const bool has_spare = GENERATE(true, false);
  ListenerFixture fixture;
  const uint16_t port = fixture.listener().port();
  RawClient first(port);
  Peer& peer = fixture.peer(0);
  fixture.on_loop([&] { peer.stream->set_reading(true); });
  std::unique_ptr<RawClient> refused;
  std::unique_ptr<NoDescriptors> none;
  fixture.on_loop([&] {
    refused = std::make_unique<RawClient>(port);
    int& spare = fixture.uv_loop()->emfile_fd;
    if (!has_spare && spare >= 0) ::close(std::exchange(spare, -1));
    none = std::make_unique<NoDescriptors>();
  });
  CHECK(refused->connected());
  CHECK(refused->rest().empty());  // it is ended
  first.send("goes on");
  fixture.until([&] { return peer.received == "goes on"; });
  none.reset();
  fixture.until([&] { return fixture.listener().listening(); });
  CHECK(fixture.listener().port() == port);
  RawClient later(port);
  fixture.until([&] { return fixture.accepted == 2; });
}

TEST_CASE("a listener may go while it can't listen") {
  ListenerFixture fixture;
  const uint16_t port = fixture.listener().port();
  std::unique_ptr<RawClient> refused;
  std::unique_ptr<NoDescriptors> none;
  fixture.on_loop([&] {
    refused = std::make_unique<RawClient>(port);
    int& spare = fixture.uv_loop()->emfile_fd;
    if (spare >= 0) ::close(std::exchange(spare, -1));
    none = std::make_unique<NoDescriptors>();
  });
  CHECK(refused->rest().empty());
  fixture.on_loop([&] {
    fixture.listener().set_accepting(false);
    fixture.listener().set_accepting(true);
  });
}

TEST_CASE("finish without anything unsent ends at once, and reading goes on") {
  ListenerFixture fixture;
  RawClient client(fixture.listener().port());
  Peer& peer = fixture.peer(0);
  fixture.on_loop([&] {
    CHECK(peer.stream->write("bye"));
    peer.stream->finish();
    peer.stream->set_reading(true);
  });
  CHECK(client.rest() == "bye");
  client.send("still talking");
  fixture.until([&] { return peer.received == "still talking"; });
}

TEST_CASE("a stream may be destroyed in its own callback, and with bytes unsent") {
  ListenerFixture fixture;
  RawClient client(fixture.listener().port());
  Peer& peer = fixture.peer(0);
  fixture.on_loop([&] {
    peer.destroy_on_bytes = true;
    CHECK(peer.stream->write(std::string(20 << 20, 'x')));
    CHECK(peer.stream->unsent_bytes() > 0);
    peer.stream->set_reading(true);
  });
  client.send("x");
  client.rest();
  CHECK(fixture.on_loop([&] { return peer.stream == nullptr; }));
}

TEST_CASE("a peer that resets the connection breaks it, once") {
  ListenerFixture fixture;
  auto client = std::make_unique<RawClient>(fixture.listener().port());
  Peer& peer = fixture.peer(0);
  fixture.on_loop([&] { peer.stream->set_reading(true); });
  client->reset_on_close();
  client.reset();
  fixture.until([&] { return peer.broken.load(); });
  CHECK_FALSE(peer.ended);
}

TEST_CASE("writing to a connection that was reset says so") {
  ListenerFixture fixture;
  auto client = std::make_unique<RawClient>(fixture.listener().port());
  Peer& peer = fixture.peer(0);
  client->reset_on_close();
  client.reset();
  // Not reading, so only the write can find out.
  fixture.until([&] { return !peer.stream->write("anyone there?"); });
  CHECK_FALSE(peer.broken);
}

TEST_CASE("while accepting is off connections wait, and come in when it is on again") {
  ListenerFixture fixture;
  fixture.on_loop([&] { fixture.listener().set_accepting(false); });
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(fixture.listener().port()));
    CHECK(clients.back()->connected());  // by the kernel
  }
  for (int i = 0; i < 20; ++i) fixture.on_loop([] {});
  CHECK(fixture.accepted == 0);
  fixture.on_loop([&] { fixture.listener().set_accepting(true); });
  fixture.peer(4);
  CHECK(fixture.accepted == 5);
}

TEST_CASE("a stream knows its peer's address") {
  ListenerFixture fixture;
  RawClient client(fixture.listener().port());
  const std::string peer = fixture.peer(0).stream->peer();
  CHECK(peer == "127.0.0.1:" + std::to_string(client.local_port()));
}

TEST_CASE("the address listened on is told with the port taken, IPv6 in brackets") {
  ListenerFixture four("localhost:0");
  CHECK(four.listener().port() != 0);
  CHECK(four.listener().address() == "127.0.0.1:" + std::to_string(four.listener().port()));
  ListenerFixture all(":0");
  CHECK(all.listener().address() == "0.0.0.0:" + std::to_string(all.listener().port()));
  RawClient client(all.listener().port());
  CHECK(client.connected());
  LoopThread thread;
  const std::string six = thread.on_loop([&] {
    const auto made = TcpListener::listen(thread.loop().handle(), "[::1]:0", [](std::unique_ptr<ByteStream>) {});
    // A machine without IPv6 has to say that it has no such address.
    return made ? (*made)->address() : "[::1]:" + made.error().message;
  });
  CHECK_THAT(six, Catch::StartsWith("[::1]:"));
}

TEST_CASE("a port can be listened on again as soon as its listener has gone") {
  uint16_t port = 0;
  {
    ListenerFixture first;
    port = first.listener().port();
    RawClient client(port);
    Peer& peer = first.peer(0);
    // The server's side ends first, so that its port is left in TIME_WAIT.
    first.on_loop([&] { peer.stream->finish(); });
    CHECK(client.closed());
  }
  ListenerFixture again("127.0.0.1:" + std::to_string(port));
  CHECK(again.listener().port() == port);
}

}  // namespace
}  // namespace colloquium::net
