// The floor of the HTTP benchmark: libuv, the socket options of the real server, and a canned answer.
//
//   bare_uv_server PORT [FILE]  port 0 takes a free one; "listening on 127.0.0.1:PORT" goes to stdout
//
// With a FILE it is the floor of durable ingest: what is read goes, headers and all, to a thread that writes and
// syncs whatever has come meanwhile in one go, and only then are its requests answered.
//
// It finds the end of each request (Content-Length, spelled as the generator spells it) and answers with as
// many bytes as the real server would. It checks nothing, keeps nothing and survives no hostile client.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>
#include <uv.h>
#include <vector>

#include "bare_http.h"

namespace {

constexpr std::string_view kBody = R"({"accepted":1,"duplicates":0,"offsets":{"0":[1000000,1000000]}})";
char read_buffer[1 << 20];
std::string answer;

struct Connection {
  uv_tcp_t tcp;
  bench::HttpCutter cutter;
  size_t unsynced = 0;  // requests the disk owes an answer
  bool closed = false;  // deleted once nothing is owed
};

// The thread that makes requests durable. The loop hands over what one turn brought, and gets back who is to be
// answered.
class Disk {
 public:
  using Owed = std::vector<std::pair<Connection*, size_t>>;

  Disk(uv_loop_t* loop, const char* path) : file_(open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0644)) {
    if (file_ < 0) {
      std::perror(path);
      std::exit(1);
    }
    synced_.data = this;
    turn_.data = this;
    uv_async_init(loop, &synced_, [](uv_async_t* async) { static_cast<Disk*>(async->data)->answer_synced(); });
    uv_check_init(loop, &turn_);
    uv_check_start(&turn_, [](uv_check_t* check) { static_cast<Disk*>(check->data)->hand_over(); });
    std::thread([this] { run(); }).detach();
  }

  // Loop: of this turn.
  void add(Connection* connection, std::string_view bytes, size_t ended) {
    bytes_ += bytes;
    if (ended == 0) return;
    connection->unsynced += ended;
    owed_.emplace_back(connection, ended);
  }

 private:
  void hand_over() {
    if (bytes_.empty()) return;
    const std::lock_guard lock(mutex_);
    to_write_ += bytes_;
    to_answer_.insert(to_answer_.end(), owed_.begin(), owed_.end());
    bytes_.clear();
    owed_.clear();
    wake_.notify_one();
  }

  void run() {
    std::string bytes;
    Owed owed;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return !to_write_.empty(); });
        bytes.swap(to_write_);
        owed.swap(to_answer_);
      }
      if (write(file_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
          fdatasync(file_) != 0) {
        std::perror("write");
        std::_Exit(1);
      }
      bytes.clear();
      {
        const std::lock_guard lock(mutex_);
        done_.insert(done_.end(), owed.begin(), owed.end());
      }
      owed.clear();
      uv_async_send(&synced_);
    }
  }

  void answer_synced();

  const int file_;
  uv_async_t synced_;
  uv_check_t turn_;
  std::string bytes_;  // loop
  Owed owed_;          // loop
  std::mutex mutex_;   // guards the three below
  std::condition_variable wake_;
  std::string to_write_;
  Owed to_answer_, done_;
};

std::unique_ptr<Disk> disk;  // null: answers come at once

void on_closed(uv_handle_t* handle) {
  Connection* connection = static_cast<Connection*>(handle->data);
  connection->closed = true;
  if (connection->unsynced == 0) delete connection;
}

void send(Connection* connection, size_t answers) {
  std::string bytes;
  for (size_t i = 0; i < answers; ++i) bytes += answer;
  bench::send(reinterpret_cast<uv_stream_t*>(&connection->tcp), bytes);
}

void Disk::answer_synced() {
  Owed done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  for (auto [connection, requests] : done) {
    connection->unsynced -= requests;
    if (!connection->closed) {
      if (!uv_is_closing(reinterpret_cast<uv_handle_t*>(&connection->tcp))) send(connection, requests);
    } else if (connection->unsynced == 0) {
      delete connection;
    }
  }
}

// Consumes `bytes`; returns how many requests ended in them.
size_t consume(Connection* connection, std::string_view bytes) {
  size_t ended = 0;
  connection->cutter.consume(
      bytes, [](std::string_view) {}, [](std::string_view) {}, [&] { ++ended; });
  return ended;
}

void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
  Connection* connection = static_cast<Connection*>(stream->data);
  if (count < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(stream), on_closed);
    return;
  }
  const std::string_view bytes(read_buffer, static_cast<size_t>(count));
  size_t ended = consume(connection, bytes);
  if (disk != nullptr) {
    disk->add(connection, bytes, ended);
  } else if (ended > 0) {
    send(connection, ended);
  }
}

void on_connection(uv_stream_t* server, int status) {
  if (status < 0) return;
  Connection* connection = new Connection;
  uv_tcp_init(server->loop, &connection->tcp);
  connection->tcp.data = connection;
  uv_accept(server, reinterpret_cast<uv_stream_t*>(&connection->tcp));
  uv_tcp_nodelay(&connection->tcp, 1);
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&connection->tcp),
      [](uv_handle_t*, size_t, uv_buf_t* buffer) { *buffer = uv_buf_init(read_buffer, sizeof read_buffer); },
      on_read);
}

}  // namespace

int main(int argc, char** argv) {
  answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(kBody.size()) +
           "\r\n\r\n";
  answer += kBody;
  uv_loop_t* loop = uv_default_loop();
  if (argc > 2) disk = std::make_unique<Disk>(loop, argv[2]);
  uv_tcp_t server;
  uv_tcp_init(loop, &server);
  sockaddr_in address;
  uv_ip4_addr("127.0.0.1", argc > 1 ? std::atoi(argv[1]) : 0, &address);
  uv_tcp_bind(&server, reinterpret_cast<const sockaddr*>(&address), 0);
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&server), 1024, on_connection) != 0) {
    std::fprintf(stderr, "cannot listen\n");
    return 1;
  }
  int size = sizeof address;
  uv_tcp_getsockname(&server, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
