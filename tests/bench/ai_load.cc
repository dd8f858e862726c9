// Asks a model through what stands at a port, each call when it is due, whatever was answered before.
//
//   ai_load PORT whole|stream RATE CALLS CONNECTIONS BODY_BYTES TOKENS MODEL [HEADER]...
//
// CALLS chat completions go to port PORT of 127.0.0.1, RATE a second, on CONNECTIONS that are kept; a call for
// which none is free waits for one, and its time runs. Each prompt is another, so that nobody answers from memory;
// bodies have BODY_BYTES, more or less. An answer is right if it is a 200 with all TOKENS of ai_upstream's and, of
// a stream, its end. HEADERs are further lines of a request.
//
// It prints how long calls took from when they were due: until the answer was whole, and until a stream's first
// token was there; how late they went out; and how many were under way at a time. Those of the first second do not
// count, unless they are all there are.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <http_parser.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utility>
#include <uv.h>
#include <vector>

#include "bare_http.h"

namespace {

constexpr int64_t kWarmNs = 1'000'000'000;
constexpr int64_t kPatienceNs = 60'000'000'000;  // without anything coming
constexpr size_t kMadeBefore = 256;              // a server may close one that says nothing for long
constexpr std::string_view kFirstToken = "token-1 ";
char read_buffer[1 << 16];

[[noreturn]] void end(const std::string& why) {
  std::fprintf(stderr, "ai_load: %s\n", why.c_str());
  std::exit(1);
}

int64_t now_ns() {
  return static_cast<int64_t>(uv_hrtime());
}

struct Plan {
  int port = 0;
  bool streams = false;
  double rate = 0;
  size_t calls = 0;
  size_t connections = 0;
  size_t body_bytes = 0;
  std::string last_token;
  std::string model;
  std::string headers;
};

// Prompts that nobody has asked before: of this run, too.
std::string body_of(const Plan& plan, size_t call) {
  static const std::string run = std::to_string(now_ns());
  std::string body = R"({"model":")" + plan.model +
                     R"(","max_completion_tokens":64,"messages":[{"role":"user",)"
                     R"("content":"Question )" +
                     std::to_string(call) + " of " + run + ":";
  constexpr std::string_view kWords = " what becomes of an order that was paid twice, and who has to be told?";
  while (body.size() + kWords.size() < plan.body_bytes) body += kWords;
  body += "\"}]";
  if (plan.streams) body += R"(,"stream":true,"stream_options":{"include_usage":true})";
  return body + "}";
}

class Load;

struct Connection {
  Load* load = nullptr;
  uv_tcp_t tcp{};
  uv_connect_t connect{};
  http_parser parser{};
  size_t call = 0;
  bool asked = false;
  std::string answer;

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
};

// All of it, on one loop.
class Load {
 public:
  Load(uv_loop_t* loop, const Plan& plan);
  void print() const;

 private:
  struct Call {
    int64_t due_ns = 0;
    int64_t late_ns = 0;
    int64_t first_ns = 0;  // of a stream, since it was due
    int64_t took_ns = 0;
    bool right = false;
  };

  static int took_body(http_parser* parser, const char* bytes, size_t count);
  static int took_all(http_parser* parser);
  static void on_read(uv_stream_t* from, ssize_t count, const uv_buf_t*);

  void open();
  void connected(Connection& connection);
  void begin();
  void send_due();
  void send_waiting();
  void ask(Connection& connection, size_t call);
  void answered(Connection& connection);
  std::vector<int64_t> counted(int64_t Call::*what) const;

  const Plan& plan_;
  uv_loop_t* const loop_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;
  std::vector<Call> calls_;
  std::deque<size_t> waiting_;  // due, and no connection was free
  http_parser_settings settings_{};
  uv_poll_t due_{};
  uv_timer_t patience_{};
  int due_fd_ = -1;
  size_t sent_ = 0;
  size_t under_way_ = 0;
  size_t most_under_way_ = 0;
  size_t left_ = 0;
  int64_t began_ns_ = 0;
  int64_t last_ns_ = 0;
};

Load::Load(uv_loop_t* loop, const Plan& plan) : plan_(plan), loop_(loop), calls_(plan.calls), left_(plan.calls) {
  http_parser_settings_init(&settings_);
  settings_.on_body = took_body;
  settings_.on_message_complete = took_all;
  due_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  uv_poll_init(loop, &due_, due_fd_);
  due_.data = patience_.data = this;
  last_ns_ = now_ns();
  uv_timer_init(loop, &patience_);
  const auto look = [](uv_timer_t* timer) {
    const Load& load = *static_cast<Load*>(timer->data);
    if (now_ns() - load.last_ns_ > kPatienceNs)
      end("nothing comes any more, " + std::to_string(load.left_) + " calls are not answered");
  };
  uv_timer_start(&patience_, look, 1000, 1000);
  for (size_t i = 0; i < std::min(plan.connections, kMadeBefore); ++i) open();
}

void Load::open() {
  connections_.push_back(std::make_unique<Connection>());
  Connection& connection = *connections_.back();
  connection.load = this;
  uv_tcp_init(loop_, &connection.tcp);
  uv_tcp_nodelay(&connection.tcp, 1);
  http_parser_init(&connection.parser, HTTP_RESPONSE);
  connection.tcp.data = connection.connect.data = connection.parser.data = &connection;
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", plan_.port, &address);
  uv_tcp_connect(
      &connection.connect, &connection.tcp, reinterpret_cast<const sockaddr*>(&address),
      [](uv_connect_t* request, int status) {
        if (status != 0) end(std::string("cannot connect: ") + uv_strerror(status));
        auto& made = *static_cast<Connection*>(request->data);
        uv_read_start(
            made.stream(),
            [](uv_handle_t*, size_t, uv_buf_t* buffer) { *buffer = uv_buf_init(read_buffer, sizeof read_buffer); },
            on_read);
        made.load->connected(made);
      });
}

void Load::connected(Connection& connection) {
  last_ns_ = now_ns();
  idle_.push_back(&connection);
  if (began_ns_ != 0) return send_waiting();
  if (idle_.size() == connections_.size()) begin();
}

void Load::begin() {
  began_ns_ = now_ns();
  for (size_t i = 0; i < calls_.size(); ++i)
    calls_[i].due_ns = began_ns_ + static_cast<int64_t>(static_cast<double>(i) * 1e9 / plan_.rate);
  uv_poll_start(&due_, UV_READABLE, [](uv_poll_t* poll, int, int) { static_cast<Load*>(poll->data)->send_due(); });
  send_due();
}

void Load::send_due() {
  uint64_t expired = 0;
  (void)!read(due_fd_, &expired, sizeof expired);
  while (sent_ < calls_.size() && calls_[sent_].due_ns <= now_ns()) {
    waiting_.push_back(sent_++);
    if (idle_.empty() && connections_.size() < plan_.connections) open();
    send_waiting();
  }
  if (sent_ == calls_.size()) {
    uv_poll_stop(&due_);
    return;
  }
  const int64_t next_ns = calls_[sent_].due_ns;
  const itimerspec at{{}, {next_ns / 1'000'000'000, next_ns % 1'000'000'000}};
  timerfd_settime(due_fd_, TFD_TIMER_ABSTIME, &at, nullptr);
}

void Load::send_waiting() {
  while (!waiting_.empty() && !idle_.empty()) {
    Connection& connection = *idle_.back();
    idle_.pop_back();
    ask(connection, waiting_.front());
    waiting_.pop_front();
  }
}

void Load::ask(Connection& connection, size_t call) {
  const std::string body = body_of(plan_, call);
  const std::string head =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer bench-key\r\n"
      "Content-Type: application/json\r\n" +
      plan_.headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  connection.call = call;
  connection.asked = true;
  connection.answer.clear();
  most_under_way_ = std::max(most_under_way_, ++under_way_);
  calls_[call].late_ns = now_ns() - calls_[call].due_ns;
  bench::send(connection.stream(), head + body);
}

void Load::on_read(uv_stream_t* from, ssize_t count, const uv_buf_t*) {
  auto& connection = *static_cast<Connection*>(from->data);
  if (count == 0) return;
  if (count < 0) {
    end(std::string(connection.asked ? "a connection was closed in the middle of a call"
                                     : "an idle connection was closed") +
        " (" + uv_strerror(static_cast<int>(count)) + "): " + connection.answer.substr(0, 300));
  }
  const auto bytes = static_cast<size_t>(count);
  connection.load->last_ns_ = now_ns();
  const size_t taken = http_parser_execute(&connection.parser, &connection.load->settings_, read_buffer, bytes);
  if (taken != bytes) end("what came is no HTTP: " + std::string(read_buffer, std::min<size_t>(bytes, 300)));
}

int Load::took_body(http_parser* parser, const char* bytes, size_t count) {
  auto& connection = *static_cast<Connection*>(parser->data);
  connection.answer.append(bytes, count);
  Load& load = *connection.load;
  Call& call = load.calls_[connection.call];
  if (load.plan_.streams && call.first_ns == 0 && connection.answer.find(kFirstToken) != std::string::npos)
    call.first_ns = load.last_ns_ - call.due_ns;
  return 0;
}

int Load::took_all(http_parser* parser) {
  auto& connection = *static_cast<Connection*>(parser->data);
  if (!connection.asked) end("an answer came that nobody asked for");
  connection.load->answered(connection);
  return 0;
}

void Load::answered(Connection& connection) {
  Call& call = calls_[connection.call];
  call.took_ns = last_ns_ - call.due_ns;
  const std::string& answer = connection.answer;
  call.right = connection.parser.status_code == 200 && answer.find(plan_.last_token) != answer.npos &&
               (!plan_.streams || answer.find("data: [DONE]") != answer.npos);
  static bool shown = false;
  if (!call.right && !std::exchange(shown, true))
    std::fprintf(stderr, "ai_load: status %u: %s\n", connection.parser.status_code,
                 answer.substr(0, 1000).c_str());
  connection.asked = false;
  --under_way_;
  if (--left_ == 0) return uv_stop(loop_);
  idle_.push_back(&connection);
  send_waiting();
}

std::vector<int64_t> Load::counted(int64_t Call::*what) const {
  std::vector<int64_t> values;
  const bool all = calls_.back().due_ns - began_ns_ < 2 * kWarmNs;
  for (const Call& call : calls_) {
    if (all || call.due_ns - began_ns_ >= kWarmNs) values.push_back(call.*what);
  }
  std::sort(values.begin(), values.end());
  return values;
}

void print(const char* name, const std::vector<int64_t>& sorted) {
  for (const auto& [share, label] : {std::pair{0.5, "p50"}, {0.99, "p99"}, {0.999, "p999"}, {1.0, "max"}}) {
    const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size()));
    std::printf("\"%s%s_us\":%.1f,", name, label,
                static_cast<double>(sorted[std::min(at, sorted.size() - 1)]) / 1e3);
  }
}

void Load::print() const {
  const auto right = std::count_if(calls_.begin(), calls_.end(), [](const Call& call) { return call.right; });
  const double seconds = static_cast<double>(last_ns_ - began_ns_) / 1e9;
  std::printf("{");
  ::print("", counted(&Call::took_ns));
  ::print("late_", counted(&Call::late_ns));
  if (plan_.streams) ::print("first_", counted(&Call::first_ns));
  std::printf("\"calls\":%zu,\"wrong\":%zu,\"most_under_way\":%zu,\"seconds\":%.6f,\"calls_s\":%.1f}\n",
              calls_.size(), calls_.size() - static_cast<size_t>(right), most_under_way_, seconds,
              static_cast<double>(calls_.size()) / seconds);
}

Plan read_plan(int argc, char** argv) {
  Plan plan;
  plan.port = std::atoi(argv[1]);
  plan.streams = std::string_view(argv[2]) == "stream";
  plan.rate = std::atof(argv[3]);
  plan.calls = std::strtoull(argv[4], nullptr, 10);
  plan.connections = std::strtoull(argv[5], nullptr, 10);
  plan.body_bytes = std::strtoull(argv[6], nullptr, 10);
  plan.last_token = "token-" + std::string(argv[7]) + " ";
  plan.model = argv[8];
  for (int i = 9; i < argc; ++i) plan.headers += std::string(argv[i]) + "\r\n";
  if (plan.rate <= 0 || plan.calls == 0 || plan.connections == 0) end("nothing to ask");
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (argc < 9) {
    std::fprintf(stderr,
                 "usage: ai_load PORT whole|stream RATE CALLS CONNECTIONS BODY_BYTES TOKENS MODEL [HEADER]...\n");
    return 2;
  }
  const Plan plan = read_plan(argc, argv);
  uv_loop_t* const loop = uv_default_loop();
  const Load load(loop, plan);
  uv_run(loop, UV_RUN_DEFAULT);
  load.print();
  return 0;
}
