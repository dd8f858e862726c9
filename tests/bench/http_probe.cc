// Receives what a pipeline posts, and sends what it is to receive: both ends on one clock.
//
//   http_probe receive PORT                                  what came, once told to end (SIGTERM)
//   http_probe flood PORT TO FILE EVENTS CONNECTIONS         sends each event when one before it was answered
//   http_probe steady PORT TO FILE EVENTS CONNECTIONS RATE   sends each when it is due, whatever was answered
//
// It listens on PORT of 127.0.0.1, answers every post with 200, and reads one event per line. It posts to port TO
// of 127.0.0.1, path /in, one event per request: the lines of FILE, each as {"n":NUMBER, and the rest of it.
// Events may come back in any order and batches, their bytes as they were sent. `flood` says how many came per
// second, `steady` how long they took: from when each was due, sent or not, until it was here. Events due within
// the first second do not count.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "bare_http.h"

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kMark = "{\"n\":";
constexpr int64_t kWarmNs = 1'000'000'000;
constexpr int64_t kPatienceNs = 30'000'000'000;  // without anything coming
char read_buffer[1 << 18];

[[noreturn]] void end(const std::string& why) {
  std::fprintf(stderr, "http_probe: %s\n", why.c_str());
  std::exit(1);
}

int64_t now_ns() {
  return static_cast<int64_t>(uv_hrtime());
}

uv_stream_t* stream_of(uv_tcp_t& tcp) {
  return reinterpret_cast<uv_stream_t*>(&tcp);
}

void give_buffer(uv_handle_t*, size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(read_buffer, sizeof read_buffer);
}

// --- what comes

// Answers posts, and hands over each line of them with the time at which its request was here.
class Receiver {
 public:
  using OnEvent = std::function<void(std::string_view line, int64_t at_ns)>;

  Receiver(uv_loop_t* loop, int port, OnEvent on_event) : on_event_(std::move(on_event)) {
    uv_tcp_init(loop, &server_);
    server_.data = this;
    sockaddr_in address;
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_bind(&server_, reinterpret_cast<const sockaddr*>(&address), 0);
    const auto accept = [](uv_stream_t* server, int status) {
      if (status == 0) static_cast<Receiver*>(server->data)->accept();
    };
    if (uv_listen(stream_of(server_), 1024, accept) != 0) end("cannot listen on " + std::to_string(port));
  }

  size_t requests() const { return requests_; }
  size_t bytes() const { return bytes_; }

 private:
  struct Connection {
    Receiver* receiver;
    uv_tcp_t tcp{};
    bench::HttpCutter cutter;
    std::string body;
  };

  void accept() {
    auto* const connection = new Connection{this, {}, {}, {}};
    uv_tcp_init(server_.loop, &connection->tcp);
    connection->tcp.data = connection;
    uv_accept(stream_of(server_), stream_of(connection->tcp));
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start(stream_of(connection->tcp), give_buffer,
                  [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
                    auto* const from = static_cast<Connection*>(stream->data);
                    if (count < 0) {
                      uv_close(reinterpret_cast<uv_handle_t*>(stream),
                               [](uv_handle_t* handle) { delete static_cast<Connection*>(handle->data); });
                      return;
                    }
                    from->receiver->take(*from, {read_buffer, static_cast<size_t>(count)});
                  });
  }

  void take(Connection& from, std::string_view bytes) {
    const int64_t at_ns = now_ns();
    from.cutter.consume(
        bytes,
        [&](std::string_view head) {
          if (head.find("xpect: 100") != head.npos)
            bench::send(stream_of(from.tcp), "HTTP/1.1 100 Continue\r\n\r\n");
        },
        [&](std::string_view piece) { from.body += piece; },
        [&] {
          ++requests_;
          bytes_ += from.body.size();
          for (size_t begin = 0; begin < from.body.size();) {
            const size_t line_end = std::min(from.body.find('\n', begin), from.body.size());
            if (line_end > begin) on_event_(std::string_view(from.body).substr(begin, line_end - begin), at_ns);
            begin = line_end + 1;
          }
          from.body.clear();
          bench::send(stream_of(from.tcp), kOk);
        });
  }

  const OnEvent on_event_;
  uv_tcp_t server_{};
  size_t requests_ = 0;
  size_t bytes_ = 0;
};

int receive(int port) {
  uv_loop_t* const loop = uv_default_loop();
  size_t events = 0;
  int64_t first_ns = 0;
  int64_t last_ns = 0;
  size_t with_first = 0;  // came with the first request: the time begins behind them
  const Receiver receiver(loop, port, [&](std::string_view, int64_t at_ns) {
    if (events++ == 0) first_ns = at_ns;
    if (at_ns == first_ns) with_first = events;
    last_ns = at_ns;
  });
  uv_signal_t told;
  uv_signal_init(loop, &told);
  uv_signal_start(
      &told, [](uv_signal_t* signal, int) { uv_stop(signal->loop); }, SIGTERM);
  uv_run(loop, UV_RUN_DEFAULT);
  std::printf("{\"events\":%zu,\"timed\":%zu,\"requests\":%zu,\"bytes\":%zu,\"seconds\":%.6f}\n", events,
              events - with_first, receiver.requests(), receiver.bytes(),
              static_cast<double>(last_ns - first_ns) / 1e9);
  return 0;
}

// --- what is sent

struct Plan {
  int to = 0;
  size_t events = 0;
  size_t connections = 0;
  double rate = 0;  // 0: each when one before it was answered
  std::vector<std::string> lines;
};

// Posts the events of a plan, and notes when each was due and how late it went out.
class Sender {
 public:
  Sender(uv_loop_t* loop, const Plan& plan) : plan_(plan), due_ns_(plan.events), late_ns_(plan.events) {
    for (size_t i = 0; i < plan.connections; ++i) connections_.push_back(std::make_unique<Connection>(this));
    timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    uv_poll_init(loop, &timer_, timer_fd_);
    timer_.data = this;
    sockaddr_in address;
    uv_ip4_addr("127.0.0.1", plan.to, &address);
    for (auto& connection : connections_) {
      uv_tcp_init(loop, &connection->tcp);
      uv_tcp_nodelay(&connection->tcp, 1);
      connection->tcp.data = connection->connect.data = connection.get();
      uv_tcp_connect(&connection->connect, &connection->tcp, reinterpret_cast<const sockaddr*>(&address),
                     [](uv_connect_t* request, int status) {
                       if (status != 0) end("cannot connect to the pipeline");
                       static_cast<Connection*>(request->data)->sender->connected(*request->handle);
                     });
    }
  }

  bool all_sent() const { return sent_ == plan_.events; }
  size_t refused() const { return refused_; }
  int64_t began_ns() const { return began_ns_; }
  int64_t due_ns(size_t event) const { return due_ns_[event]; }
  int64_t late_ns(size_t event) const { return late_ns_[event]; }

 private:
  struct Connection {
    explicit Connection(Sender* owner) : sender(owner) {}
    Sender* sender;
    uv_tcp_t tcp{};
    uv_connect_t connect{};
    bench::HttpCutter cutter;
    size_t unanswered = 0;
  };

  void connected(uv_stream_t& stream) {
    uv_read_start(&stream, give_buffer, [](uv_stream_t* from, ssize_t count, const uv_buf_t*) {
      auto* const connection = static_cast<Connection*>(from->data);
      if (count < 0) end("the pipeline closed a connection");
      connection->sender->answered(*connection, {read_buffer, static_cast<size_t>(count)});
    });
    if (++connected_ < connections_.size()) return;
    began_ns_ = now_ns();
    for (size_t i = 0; i < plan_.events; ++i) {
      due_ns_[i] =
          plan_.rate > 0 ? began_ns_ + static_cast<int64_t>(static_cast<double>(i) * 1e9 / plan_.rate) : began_ns_;
    }
    for (auto& connection : connections_) idle_.push_back(connection.get());
    if (plan_.rate > 0) {
      uv_poll_start(&timer_, UV_READABLE,
                    [](uv_poll_t* poll, int, int) { static_cast<Sender*>(poll->data)->send_due(); });
      send_due();
    } else {
      while (!idle_.empty() && !all_sent()) send_next();
    }
  }

  void answered(Connection& from, std::string_view bytes) {
    from.cutter.consume(
        bytes, [&](std::string_view head) { refused_ += head.substr(9, 3) == "200" ? 0 : 1; },
        [](std::string_view) {},
        [&] {
          if (--from.unanswered == 0) idle_.push_back(&from);
        });
    if (plan_.rate > 0) return;
    while (!idle_.empty() && !all_sent()) send_next();
  }

  void send_due() {
    uint64_t expired = 0;
    (void)!read(timer_fd_, &expired, sizeof expired);
    while (!all_sent() && due_ns_[sent_] <= now_ns()) send_next();
    if (all_sent()) {
      uv_poll_stop(&timer_);
      return;
    }
    const int64_t next_ns = due_ns_[sent_];
    const itimerspec at{{}, {next_ns / 1'000'000'000, next_ns % 1'000'000'000}};
    timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &at, nullptr);
  }

  // On a connection that waits for nothing, or else behind what another one waits for.
  void send_next() {
    Connection* connection = nullptr;
    if (idle_.empty()) {
      connection = connections_[sent_ % connections_.size()].get();
    } else {
      connection = idle_.back();
      idle_.pop_back();
    }
    const std::string& line = plan_.lines[sent_ % plan_.lines.size()];
    std::string body(kMark);
    body += std::to_string(sent_) + ',';
    body += std::string_view(line).substr(1);
    std::string request =
        "POST /in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n";
    request += body;
    ++connection->unanswered;
    late_ns_[sent_] = now_ns() - due_ns_[sent_];
    ++sent_;
    bench::send(stream_of(connection->tcp), request);
  }

  const Plan& plan_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;
  std::vector<int64_t> due_ns_;
  std::vector<int64_t> late_ns_;
  uv_poll_t timer_{};
  int timer_fd_ = -1;
  int64_t began_ns_ = 0;
  size_t connected_ = 0;
  size_t sent_ = 0;
  size_t refused_ = 0;
};

// --- both

double at_share(const std::vector<int64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[std::min(at, sorted.size() - 1)]) / 1e6;
}

void print(const char* name, std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  for (const auto& [share, label] :
       {std::pair{0.5, "p50"}, {0.95, "p95"}, {0.99, "p99"}, {0.999, "p999"}, {1.0, "max"}}) {
    std::printf("\"%s%s_ms\":%.3f,", name, label, at_share(values, share));
  }
}

int send_and_receive(int port, const Plan& plan) {
  uv_loop_t* const loop = uv_default_loop();
  std::vector<int64_t> arrived_ns(plan.events);
  size_t missing = plan.events;
  size_t again = 0;
  int64_t last_ns = now_ns();
  const Receiver receiver(loop, port, [&](std::string_view line, int64_t at_ns) {
    if (!line.starts_with(kMark)) end("what came back has no number: " + std::string(line.substr(0, 100)));
    const size_t event = std::strtoull(line.data() + kMark.size(), nullptr, 10);
    if (event >= arrived_ns.size()) end("what came back was never sent");
    last_ns = at_ns;
    if (arrived_ns[event] != 0) {
      ++again;
      return;
    }
    arrived_ns[event] = at_ns;
    if (--missing == 0) uv_stop(loop);
  });
  const Sender sender(loop, plan);
  uv_timer_t patience;
  patience.data = &last_ns;
  uv_timer_init(loop, &patience);
  uv_timer_start(
      &patience,
      [](uv_timer_t* timer) {
        if (now_ns() - *static_cast<int64_t*>(timer->data) > kPatienceNs) end("nothing comes any more");
      },
      1000, 1000);
  uv_run(loop, UV_RUN_DEFAULT);
  std::vector<int64_t> took;
  std::vector<int64_t> late;
  for (size_t i = 0; i < plan.events; ++i) {
    if (sender.due_ns(i) - sender.began_ns() < kWarmNs && plan.rate > 0) continue;
    took.push_back(arrived_ns[i] - sender.due_ns(i));
    late.push_back(sender.late_ns(i));
  }
  std::printf("{");
  if (plan.rate > 0) {
    print("", took);
    print("late_", late);
  }
  const double seconds = static_cast<double>(last_ns - sender.began_ns()) / 1e9;
  std::printf(
      "\"events\":%zu,\"again\":%zu,\"refused\":%zu,\"requests\":%zu,\"seconds\":%.6f,\"events_s\":%.1f}\n",
      plan.events, again, sender.refused(), receiver.requests(), seconds,
      static_cast<double>(plan.events) / seconds);
  return 0;
}

Plan read_plan(char** argv) {
  Plan plan;
  plan.to = std::atoi(argv[3]);
  std::ifstream file(argv[4]);
  for (std::string line; std::getline(file, line);) plan.lines.push_back(line);
  plan.events = std::strtoull(argv[5], nullptr, 10);
  plan.connections = std::strtoull(argv[6], nullptr, 10);
  if (plan.lines.empty() || plan.events == 0 || plan.connections == 0) end("nothing to send");
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 2 ? argv[1] : "";
  if (what == "receive" && argc == 3) return receive(std::atoi(argv[2]));
  if ((what == "flood" && argc == 7) || (what == "steady" && argc == 8)) {
    Plan plan = read_plan(argv);
    if (what == "steady") plan.rate = std::atof(argv[7]);
    if (what == "steady" && plan.rate <= 0) end("a rate is above 0");
    return send_and_receive(std::atoi(argv[2]), plan);
  }
  std::fprintf(stderr,
               "usage: http_probe receive PORT | flood PORT TO FILE EVENTS CONNECTIONS | "
               "steady PORT TO FILE EVENTS CONNECTIONS RATE\n");
  return 2;
}
