// The seam for TLS: a ByteStream over a ByteStream that changes every byte, and HTTP none the wiser.
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>

#include "net/byte_stream.h"
#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

constexpr char kMask = 0x55;

std::string masked(std::string_view bytes) {
  std::string out(bytes);
  for (char& c : out) c = static_cast<char>(c ^ kMask);
  return out;
}

// What TLS will be, with a worse cipher: it transforms both ways, and keeps a hello to itself.
class MaskingStream final : public ByteStream, private ByteStreamEvents {
 public:
  static constexpr std::string_view kHello = "hello";

  MaskingStream(std::unique_ptr<ByteStream> below, std::atomic<int>& alive)
      : below_(std::move(below)), alive_(alive) {
    ++alive_;
  }
  ~MaskingStream() override { --alive_; }

  void start(ByteStreamEvents& events) override {
    events_ = &events;
    below_->start(*this);
  }
  void set_reading(bool on) override { below_->set_reading(on); }
  bool write(std::string_view bytes) override { return below_->write(masked(bytes)); }
  size_t unsent_bytes() const override { return below_->unsent_bytes(); }
  void finish() override { below_->finish(); }
  const std::string& peer() const override { return below_->peer(); }

 private:
  void on_bytes(std::string_view bytes) override {
    const size_t hello = std::min(kHello.size() - hello_read_, bytes.size());
    hello_read_ += hello;
    if (bytes.size() > hello) events_->on_bytes(masked(bytes.substr(hello)));
  }
  void on_end() override { events_->on_end(); }
  void on_broken() override { events_->on_broken(); }
  void on_sent() override { events_->on_sent(); }

  std::unique_ptr<ByteStream> below_;
  std::atomic<int>& alive_;
  ByteStreamEvents* events_ = nullptr;
  size_t hello_read_ = 0;
};

StreamWrapper masking(std::atomic<int>& alive) {
  return [&alive](std::unique_ptr<ByteStream> below) {
    return std::make_unique<MaskingStream>(std::move(below), alive);
  };
}

TEST_CASE("HTTP works over a stream that is wrapped: pipelined, large, and closed in order") {
  std::atomic<int> alive{0};
  ServerFixture server({}, masking(alive));
  server.echo("/in");
  const std::string large(3'000'000, 'l');
  RawClient client(server.port());
  client.send(MaskingStream::kHello);
  std::thread sender([&] {
    client.send(masked(post("/in", "one") + post("/in", large) + post("/in", "two", "Connection: close\r\n")));
  });
  const std::string answers = masked(client.rest());
  sender.join();
  const size_t one = answers.find("\r\n\r\none");
  const size_t big = answers.find("\r\n\r\n" + large);
  const size_t two = answers.find("\r\n\r\ntwo");
  REQUIRE(two != std::string::npos);
  CHECK(one < big);
  CHECK(big < two);
  CHECK(two + 7 == answers.size());
  client.end();
  while (server->counters().connections_open.value() > 0) server.on_loop([] {});
  CHECK(alive == 0);
}

TEST_CASE("a refusal goes through the wrapper, and the wrapper goes with its connection") {
  std::atomic<int> alive{0};
  ServerFixture server({}, masking(alive));
  RawClient client(server.port());
  client.send(std::string(MaskingStream::kHello) + masked("NONSENSE\r\n\r\n"));
  CHECK_THAT(masked(client.rest()), Catch::StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  client.end();
  while (server->counters().connections_open.value() > 0) server.on_loop([] {});
  CHECK(alive == 0);
}

TEST_CASE("a client that does not speak the layer is told so by the layer above it") {
  std::atomic<int> alive{0};
  ServerFixture server({}, masking(alive));
  RawClient plain(server.port());
  plain.send(post("/in", "x"));
  // What comes through is garbage to HTTP; the answer is masked like every other.
  CHECK_THAT(masked(plain.rest()), Catch::StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace colloquium::net
