// The floor of the HTTP benchmark: libuv, the socket options of the real server, and a canned answer.
//
//   bare_uv_server PORT         port 0 takes a free one; "listening on 127.0.0.1:PORT" goes to stdout
//
// It finds the end of each request (Content-Length, spelled as the generator spells it) and answers with as
// many bytes as the real server would. It checks nothing, keeps nothing and survives no hostile client.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <uv.h>

namespace {

constexpr std::string_view kBody = R"({"accepted":1,"duplicates":0,"offsets":{"0":[1000000,1000000]}})";
constexpr std::string_view kLength = "Content-Length: ";
char read_buffer[1 << 20];
std::string answer;

struct Connection {
  uv_tcp_t tcp;
  std::string held;  // of a request whose head is not complete
  size_t body_left = 0;
};

struct Write {
  uv_write_t request;
  std::string bytes;
};

void on_closed(uv_handle_t* handle) {
  delete static_cast<Connection*>(handle->data);
}

void send(Connection* connection, size_t answers) {
  std::string bytes;
  for (size_t i = 0; i < answers; ++i) bytes += answer;
  uv_buf_t buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
  uv_stream_t* stream = reinterpret_cast<uv_stream_t*>(&connection->tcp);
  int sent = uv_try_write(stream, &buffer, 1);
  if (sent == static_cast<int>(bytes.size())) return;
  Write* write = new Write{{}, bytes.substr(sent > 0 ? static_cast<size_t>(sent) : 0)};
  write->request.data = write;
  buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  uv_write(&write->request, stream, &buffer, 1,
           [](uv_write_t* done, int) { delete static_cast<Write*>(done->data); });
}

// Consumes `bytes`; returns how many requests ended in them.
size_t consume(Connection* connection, std::string_view bytes) {
  size_t ended = 0;
  while (!bytes.empty()) {
    if (connection->body_left > 0) {
      size_t taken = std::min(connection->body_left, bytes.size());
      bytes.remove_prefix(taken);
      connection->body_left -= taken;
      if (connection->body_left == 0) ++ended;
      continue;
    }
    size_t before = connection->held.size();
    connection->held += bytes;
    size_t end = connection->held.find("\r\n\r\n");
    if (end == std::string::npos) break;
    size_t at = connection->held.find(kLength);
    connection->body_left =
        at < end ? std::strtoull(connection->held.c_str() + at + kLength.size(), nullptr, 10) : 0;
    if (connection->body_left == 0) ++ended;
    bytes.remove_prefix(end + 4 - before);
    connection->held.clear();
  }
  return ended;
}

void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
  Connection* connection = static_cast<Connection*>(stream->data);
  if (count < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(stream), on_closed);
    return;
  }
  size_t ended = consume(connection, std::string_view(read_buffer, static_cast<size_t>(count)));
  if (ended > 0) send(connection, ended);
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
