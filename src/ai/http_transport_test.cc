// HttpTransport over real sockets: what comes, and whether the provider can have got anything.
#include "ai/http_transport.h"

#include <catch2/catch.hpp>
#include <optional>

#include "net/testing/loop_thread.h"
#include "net/testing/scripted_server.h"

namespace colloquium::ai {
namespace {

class Scene {
 public:
  Scene() {
    thread_.on_loop([this] {
      transport = std::make_unique<HttpTransport>(thread_.loop(), thread_.clock(), net::ClientOptions());
    });
  }
  ~Scene() {
    thread_.on_loop([this] { transport.reset(); });
  }
  void send(const std::string& url, const std::string& method = "POST") {
    thread_.on_loop([this, url, method] {
      AiSending sending;
      sent = sending.sent;
      sending.head = [this](const AiHead& head) { status = head.status; };
      sending.bytes = [this](std::string_view bytes) { body += bytes; };
      sending.done = [this](Status end) { ended = std::move(end); };
      const std::string asked = method == "GET" ? "" : "{}";
      number = transport->send({url, {{"Authorization", "Bearer key"}}, asked, method}, 1000, std::move(sending));
    });
  }
  template <class F>
  void wait_until(F reached) {
    while (!thread_.on_loop(reached)) continue;
  }
  void wait_for_end() {
    wait_until([this] { return ended.has_value(); });
  }
  template <class F>
  auto on_loop(F f) {
    return thread_.on_loop(std::move(f));
  }

  std::unique_ptr<HttpTransport> transport;
  AiTransport::Number number = 0;
  std::shared_ptr<bool> sent;
  std::optional<int> status;
  std::string body;
  std::optional<Status> ended;

 private:
  net::LoopThread thread_;
};

TEST_CASE("what is only looked at is a GET, without a body") {
  Scene scene;
  net::ScriptedServer server;
  scene.send(server.url("/v1/batches/b1"), "GET");
  const std::string head = server.accept("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  CHECK(head.starts_with("get /v1/batches/b1 http/1.1\r\n"));
  CHECK(head.find("ontent-") == std::string::npos);
  scene.wait_for_end();
  CHECK(scene.body == "{}");
}

TEST_CASE("a request goes out, and its answer comes as it comes") {
  Scene scene;
  net::ScriptedServer server;
  scene.send(server.url("/v1/chat"));
  const std::string head = server.accept("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none");
  CHECK_THAT(head, Catch::StartsWith("post /v1/chat"));
  CHECK_THAT(head, Catch::Contains("authorization: bearer key"));
  scene.wait_until([&] { return scene.body == "one"; });
  CHECK(scene.status == 200);
  CHECK_FALSE(scene.ended.has_value());
  server.say("two");
  scene.wait_for_end();
  CHECK(scene.ended->has_value());
  CHECK(scene.body == "onetwo");
  CHECK(*scene.sent);
  CHECK(scene.on_loop([&] { return scene.transport->under_way(); }) == 0);
}

TEST_CASE("a connection that is refused has carried nothing") {
  Scene scene;
  uint16_t port = 0;
  {
    net::ScriptedServer server;
    port = server.port();
  }
  scene.send("http://127.0.0.1:" + std::to_string(port) + "/");
  scene.wait_for_end();
  CHECK_FALSE(scene.ended->has_value());
  CHECK(scene.ended->error().retryable);
  CHECK_FALSE(*scene.sent);
}

TEST_CASE("one that breaks behind the request may have carried it") {
  Scene scene;
  net::ScriptedServer server;
  scene.send(server.url());
  server.accept();
  server.hang_up();
  scene.wait_for_end();
  CHECK_FALSE(scene.ended->has_value());
  CHECK(*scene.sent);
  CHECK_FALSE(scene.status.has_value());
}

TEST_CASE("a request that may have been taken is not sent once more by itself", "[REQ-070]") {
  Scene scene;
  net::ScriptedServer server;
  scene.send(server.url());
  server.accept("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  scene.wait_for_end();
  CHECK(scene.ended->has_value());
  // On the same connection, which goes without an answer.
  scene.ended.reset();
  scene.status.reset();
  scene.send(server.url());
  CHECK_THAT(server.again(), Catch::Contains("post / "));
  server.hang_up();
  scene.wait_for_end();
  CHECK_FALSE(scene.ended->has_value());
  CHECK(scene.ended->error().retryable);
  CHECK(*scene.sent);
  CHECK_FALSE(scene.status.has_value());
  // It may connect anew, and says nothing there.
  CHECK(server.next_visitor().empty());
}

TEST_CASE("what is cancelled calls nobody any more") {
  Scene scene;
  net::ScriptedServer server;
  scene.send(server.url());
  server.accept("HTTP/1.1 200 OK\r\n\r\none");
  scene.wait_until([&] { return !scene.body.empty(); });
  scene.on_loop([&] {
    scene.transport->cancel(scene.number);
    scene.transport->cancel(scene.number);
  });
  for (int i = 0; i < 20; ++i) scene.on_loop([] {});
  CHECK_FALSE(scene.on_loop([&] { return scene.ended.has_value(); }));
  CHECK(scene.on_loop([&] { return scene.transport->under_way(); }) == 0);
}

}  // namespace
}  // namespace colloquium::ai
