// HttpSource over WebSocket: messages to events, acknowledgements to messages, and what ends a connection.
#include "components/http/source_fixture_test.h"
#include "net/testing/websocket_client.h"

namespace colloquium::components {
namespace {

using net::client_frame;
using net::WebSocketClient;

HttpSourceConfig with_websocket(bool acks) {
  HttpSourceConfig config{.path = "/in"};
  config.websocket = HttpWebSocketConfig{.acks = acks};
  return config;
}

TEST_CASE("each message is the body of a post, and its acknowledgement a message back", "[REQ-001]") {
  HttpSourceConfig config = with_websocket(true);
  config.headers = {"X-Tenant"};
  config.path_header = "X-Path";
  SourceFixture fixture(config);
  fixture.answer(accepted(1, 7));
  WebSocketClient client(fixture.port(), "/in", "X-Tenant: acme\r\n");
  REQUIRE(client.open());
  client.text(R"({"n":1})");
  CHECK(client.next().payload == R"({"accepted":1,"duplicates":0,"offsets":{"0":[7,7]}})");
  CHECK(*fixture.last().body == R"({"n":1})");
  CHECK(fixture.last().headers ==
        std::vector<std::pair<std::string, std::string>>{{"X-Path", "/in"}, {"X-Tenant", "acme"}});
  client.send(client_frame(net::kBinary, R"({"n":2})"));
  CHECK(client.next().opcode == net::kText);
  CHECK(fixture.emitted() == 2);
  CHECK(fixture.metric("colloquium_http_websockets") == 1);
  CHECK(fixture.metric("colloquium_http_websocket_messages_total") == 2);
}

TEST_CASE("messages of one connection keep their order at the door, whatever they are cut into") {
  SourceFixture fixture(with_websocket(true));
  WebSocketClient client(fixture.port(), "/in");
  client.text("1");
  client.send(client_frame(net::kText, "2", false) + client_frame(net::kContinuation, "3") +
              client_frame(net::kText, "4"));
  // The door has taken all three before it answers one: later ones do not wait for acknowledgements.
  fixture.wait_until([&] { return fixture.intake().batches.size() == 3; });
  fixture.on_loop([&] {
    const auto& batches = fixture.intake().batches;
    CHECK(*batches[1].body == "23");
    CHECK(batches[0].order_key == batches[2].order_key);
    CHECK(batches[0].position < batches[1].position);
    CHECK(batches[1].position < batches[2].position);
    for (size_t i = 3; i > 0; --i) fixture.intake().acks[i - 1](accepted(1, static_cast<int64_t>(i)));
  });
  for (const char* const offset : {"[1,1]", "[2,2]", "[3,3]"}) {
    CHECK_THAT(client.next().payload, Catch::Contains(offset));
  }
}

TEST_CASE("what the door refuses is answered as a post is, with acks; without, it closes") {
  {
    SourceFixture fixture(with_websocket(true));
    fixture.answer(failed(ErrorCode::kInvalidInput, false, 5));
    WebSocketClient client(fixture.port(), "/in");
    client.text("{}");
    const std::string answer = client.next().payload;
    CHECK_THAT(answer, Catch::Contains("\"status\":400") && Catch::Contains("\"byte\":5"));
    fixture.answer(failed(ErrorCode::kUnavailable, true, 0, 0, 2500));
    client.text("{}");
    const std::string busy = client.next().payload;
    CHECK_THAT(busy, Catch::Contains("\"status\":503") && Catch::Contains("\"retry_after_ms\":2500"));
    fixture.answer(accepted(1, 1));
    client.text("{}");
    CHECK_THAT(client.next().payload, Catch::Contains("\"accepted\":1"));
  }
  const std::pair<ErrorCode, int> codes[] = {{ErrorCode::kInvalidInput, 1007},
                                             {ErrorCode::kLimit, 1009},
                                             {ErrorCode::kConflict, 1008},
                                             {ErrorCode::kNoSpace, 1013},
                                             {ErrorCode::kIo, 1011}};
  SourceFixture fixture(with_websocket(false));
  for (const auto& [error, code] : codes) {
    CAPTURE(code);
    fixture.answer(failed(error, false));
    WebSocketClient client(fixture.port(), "/in");
    client.text("{}");
    CHECK(client.next().code() == code);
  }
  CHECK(fixture.metric("colloquium_http_websockets_closed_total", "too_big") == 1);
}

TEST_CASE("while the door is full a message waits, and what comes behind it is not read") {
  SourceFixture fixture(with_websocket(true));
  fixture.answer(accepted(1, 0));
  WebSocketClient client(fixture.port(), "/in");
  fixture.on_loop([&] { fixture.intake().is_ready = false; });
  client.text("1");
  client.text("2");
  fixture.wait_until([&] { return fixture.intake().waits == 1; });
  CHECK(fixture.emitted() == 0);
  fixture.on_loop([&] { fixture.intake().open(); });
  CHECK(client.next().opcode == net::kText);
  CHECK(client.next().opcode == net::kText);
  CHECK(fixture.emitted() == 2);
}

TEST_CASE("only who has the token may connect, and a refused handshake is counted") {
  HttpSourceConfig config = with_websocket(true);
  config.auth = HttpAuthConfig{.bearer = BearerAuthConfig{Secret{"t0ken"}, {}}};
  SourceFixture fixture(config);
  CHECK(WebSocketClient(fixture.port(), "/in").handshake_answer().status == 401);
  CHECK(WebSocketClient(fixture.port(), "/in", "Authorization: Bearer no\r\n").handshake_answer().status == 401);
  CHECK(WebSocketClient(fixture.port(), "/in", "Authorization: Bearer t0ken\r\n").open());
  CHECK(fixture.metric("colloquium_http_refused_total", "credentials_missing") == 1);
  CHECK(fixture.metric("colloquium_http_refused_total", "credentials_wrong") == 1);
}

TEST_CASE("a stop answers what was received, refuses what comes then, and closes with 1001") {
  SourceFixture fixture(with_websocket(true));
  WebSocketClient client(fixture.port(), "/in");
  WebSocketClient idle(fixture.port(), "/in");
  client.text("1");
  fixture.wait_until([&] { return fixture.intake().acks.size() == 1; });
  fixture.on_loop([&] { fixture.source().stop_intake(); });
  client.text("2");  // refused, whether it is seen before the answer to the first or after
  fixture.on_loop([&] { fixture.intake().acks[0](accepted(1, 0)); });
  CHECK_THAT(client.next().payload, Catch::Contains("\"accepted\":1"));
  CHECK(client.next().code() == 1001);
  CHECK(client.ends_after_close());
  fixture.close();
  CHECK(idle.next().code() == 1001);
  CHECK(idle.ends_after_close());
  CHECK(fixture.emitted() == 1);
}

TEST_CASE("formats and splitting are those of a post") {
  HttpSourceConfig config = with_websocket(true);
  config.split = true;
  SourceFixture fixture(config);
  fixture.answer(accepted(2, 0));
  WebSocketClient client(fixture.port(), "/in");
  client.text("[1,2]");
  CHECK_THAT(client.next().payload, Catch::Contains("\"accepted\":2"));
  CHECK(fixture.last().format == BodyFormat::kJsonArray);
  WebSocketClient lines(fixture.port(), "/in", "Content-Type: application/x-ndjson\r\n");
  lines.text("1\n2\n");
  lines.next();
  CHECK(fixture.last().format == BodyFormat::kNdjson);
  CHECK(WebSocketClient(fixture.port(), "/in", "Content-Type: text/html\r\n").handshake_answer().status == 415);
}

}  // namespace
}  // namespace colloquium::components
