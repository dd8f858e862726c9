// A provider of language models that answers at once, or as slowly as it is told to: what gateways are measured
// before.
//
//   ai_upstream PORT TOKENS PAUSE_MS
//
// It listens on PORT of 127.0.0.1 and answers every POST as OpenAI's chat completions do, whatever is asked: with
// "token-1 token-2 …", TOKENS of them, whole, or as a stream where the body has "stream":true: one token an event,
// PAUSE_MS between two of them, the first at once. 0: all of them at once.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <http_parser.h>
#include <string>
#include <string_view>
#include <utility>
#include <uv.h>
#include <vector>

#include "bare_http.h"

namespace {

constexpr std::string_view kChunk =
    R"(data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini",)"
    R"("system_fingerprint":"fp_bench","choices":)";
char read_buffer[1 << 16];

// What every answer is made of.
struct Answers {
  size_t tokens = 0;
  uint64_t pause_ms = 0;
  std::string text;
  std::vector<std::string> events;  // of a stream, up to its usage, each a chunk of HTTP
};
Answers answers;

std::string chunk(const std::string& bytes) {
  char length[32];
  std::snprintf(length, sizeof length, "%zx\r\n", bytes.size());
  return length + bytes + "\r\n";
}

std::string event(const std::string& choices) {
  return std::string(kChunk) + choices + ",\"usage\":null}\n\n";
}

void prepare(size_t tokens, uint64_t pause_ms) {
  answers.tokens = tokens;
  answers.pause_ms = pause_ms;
  const std::string head = R"([{"index":0,"delta":{"role":"assistant","content":"","refusal":null},)"
                           R"("logprobs":null,"finish_reason":null}])";
  std::string first = event(head);
  for (size_t i = 1; i <= tokens; ++i) {
    const std::string token = "token-" + std::to_string(i) + " ";
    answers.text += token;
    first += event(R"([{"index":0,"delta":{"content":")" + token + R"("},"logprobs":null,"finish_reason":null}])");
    answers.events.push_back(chunk(std::exchange(first, {})));
  }
  answers.events.push_back(chunk(event(R"([{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}])")));
}

// A token is four bytes, more or less; what matters is that it is a number a provider could say.
std::string usage_of(size_t asked_bytes) {
  const size_t in = asked_bytes / 4;
  return R"({"prompt_tokens":)" + std::to_string(in) + R"(,"completion_tokens":)" +
         std::to_string(answers.tokens) + R"(,"total_tokens":)" + std::to_string(in + answers.tokens) +
         R"(,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},)"
         R"("completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}})";
}

struct Connection {
  uv_tcp_t tcp{};
  uv_timer_t timer{};
  http_parser parser{};
  std::string body;
  size_t asked_bytes = 0;
  size_t next_event = 0;  // of the stream that is under way
  int open_handles = 2;

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
  void answer();
  void answer_whole();
  void stream_on();
  void close();
};

void Connection::answer() {
  asked_bytes = body.size();
  const bool streams = body.find("\"stream\":true") != body.npos || body.find("\"stream\": true") != body.npos;
  body.clear();
  if (!streams) return answer_whole();
  next_event = 0;
  bench::send(
      stream(),
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");
  stream_on();
}

void Connection::answer_whole() {
  const std::string json =
      R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini",)"
      R"("choices":[{"index":0,"message":{"role":"assistant","content":")" +
      answers.text + R"(","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":)" +
      usage_of(asked_bytes) + R"(,"system_fingerprint":"fp_bench"})";
  bench::send(stream(), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                            std::to_string(json.size()) + "\r\n\r\n" + json);
}

void Connection::stream_on() {
  std::string bytes;
  do {
    bytes += answers.events[next_event++];
  } while (next_event < answers.events.size() && answers.pause_ms == 0);
  if (next_event == answers.events.size()) {
    bytes += chunk(std::string(kChunk) + R"([],"usage":)" + usage_of(asked_bytes) + "}\n\n");
    bytes += chunk("data: [DONE]\n\n") + "0\r\n\r\n";
    uv_timer_stop(&timer);
  } else if (next_event == 1) {
    const auto due = [](uv_timer_t* fired) { static_cast<Connection*>(fired->data)->stream_on(); };
    uv_timer_start(&timer, due, answers.pause_ms, answers.pause_ms);
  }
  bench::send(stream(), bytes);
}

void Connection::close() {
  const auto closed = [](uv_handle_t* handle) {
    auto* const connection = static_cast<Connection*>(handle->data);
    if (--connection->open_handles == 0) delete connection;
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&timer), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&tcp), closed);
}

const http_parser_settings kSettings = [] {
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_body = [](http_parser* parser, const char* bytes, size_t count) {
    static_cast<Connection*>(parser->data)->body.append(bytes, count);
    return 0;
  };
  settings.on_message_complete = [](http_parser* parser) {
    static_cast<Connection*>(parser->data)->answer();
    return 0;
  };
  return settings;
}();

void on_read(uv_stream_t* from, ssize_t count, const uv_buf_t*) {
  auto* const connection = static_cast<Connection*>(from->data);
  if (count > 0) {
    const auto bytes = static_cast<size_t>(count);
    if (http_parser_execute(&connection->parser, &kSettings, read_buffer, bytes) == bytes) return;
  }
  connection->close();
}

void on_connection(uv_stream_t* server, int status) {
  if (status < 0) return;
  auto* const connection = new Connection;
  uv_tcp_init(server->loop, &connection->tcp);
  uv_timer_init(server->loop, &connection->timer);
  http_parser_init(&connection->parser, HTTP_REQUEST);
  connection->tcp.data = connection->timer.data = connection->parser.data = connection;
  uv_accept(server, connection->stream());
  uv_tcp_nodelay(&connection->tcp, 1);
  uv_read_start(
      connection->stream(),
      [](uv_handle_t*, size_t, uv_buf_t* buffer) { *buffer = uv_buf_init(read_buffer, sizeof read_buffer); },
      on_read);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (argc != 4 || std::atoi(argv[2]) < 1) {
    std::fprintf(stderr, "usage: ai_upstream PORT TOKENS PAUSE_MS\n");
    return 2;
  }
  prepare(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t server;
  uv_tcp_init(loop, &server);
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", std::atoi(argv[1]), &address);
  uv_tcp_bind(&server, reinterpret_cast<const sockaddr*>(&address), 0);
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&server), 4096, on_connection) != 0) {
    std::fprintf(stderr, "ai_upstream: cannot listen on port %s\n", argv[1]);
    return 1;
  }
  return uv_run(loop, UV_RUN_DEFAULT);
}
