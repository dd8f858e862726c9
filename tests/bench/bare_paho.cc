// The least that a program on Paho MQTT C++ can do: it subscribes, and writes each message's payload and a line break
// to a file before its callback returns. The floor of the mqtt source.
//
//   bare_paho URL CLIENT_ID TOPIC QOS COUNT FILE write|sync       one line of JSON when COUNT messages have come
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <mqtt/async_client.h>
#include <mutex>
#include <string>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

// What the callback works on; the main thread waits for the end.
struct Taken {
  int fd = -1;
  bool sync = false;
  long wanted = 0;
  long count = 0;
  Clock::time_point first;
  Clock::time_point last;
  std::mutex mutex;
  std::condition_variable done;

  void take(const mqtt::const_message_ptr& message) {
    if (count == wanted) return;
    if (count == 0) first = Clock::now();
    const std::string line = message->get_payload() + "\n";
    if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::exit(1);
    if (sync && ::fdatasync(fd) != 0) std::exit(1);
    if (count + 1 == wanted) last = Clock::now();
    const std::lock_guard lock(mutex);
    if (++count == wanted) done.notify_one();
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: bare_paho URL CLIENT_ID TOPIC QOS COUNT FILE write|sync\n");
    return 2;
  }
  Taken taken;
  taken.wanted = std::atol(argv[5]);
  taken.fd = ::open(argv[6], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  taken.sync = std::string(argv[7]) == "sync";
  try {
    mqtt::async_client client(argv[1], argv[2], mqtt::create_options(MQTTVERSION_5));
    client.set_message_callback([&taken](const mqtt::const_message_ptr& message) { taken.take(message); });
    mqtt::connect_options options;
    options.set_mqtt_version(MQTTVERSION_5);
    options.set_clean_start(false);
    options.set_properties({{mqtt::property::SESSION_EXPIRY_INTERVAL, 3600}});
    client.connect(options)->wait();
    client.subscribe(argv[3], std::atoi(argv[4]))->wait();
    std::unique_lock lock(taken.mutex);
    taken.done.wait(lock, [&taken] { return taken.count >= taken.wanted; });
    lock.unlock();
    const double seconds = std::chrono::duration<double>(taken.last - taken.first).count();
    std::printf("{\"seconds\":%.6f}\n", seconds);
    std::fflush(stdout);
    client.disconnect()->wait();
  } catch (const mqtt::exception& failure) {
    std::fprintf(stderr, "bare_paho: %s\n", failure.what());
    return 1;
  }
  return 0;
}
