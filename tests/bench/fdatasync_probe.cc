// What the disk below a folder does: the time of fdatasync after an append, to print beside durable figures.
//
//   fdatasync_probe FOLDER [COUNT]       one line of JSON, microseconds, for appends of 4 and 256 KiB
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::vector<long> sync_times_us(const std::string& path, size_t bytes, int count) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) {
    std::perror(path.c_str());
    std::exit(1);
  }
  std::string block(bytes, 'x');
  std::vector<long> times;
  for (int i = 0; i < count; ++i) {
    if (::write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size())) std::exit(1);
    Clock::time_point start = Clock::now();
    if (::fdatasync(fd) != 0) std::exit(1);
    times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
  }
  ::close(fd);
  ::unlink(path.c_str());
  std::sort(times.begin(), times.end());
  return times;
}

void print(const char* name, const std::vector<long>& times, const char* end) {
  std::printf("\"%s\":{\"p50\":%ld,\"p99\":%ld}%s", name, times[times.size() / 2], times[times.size() * 99 / 100],
              end);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: fdatasync_probe FOLDER [COUNT]\n");
    return 2;
  }
  int count = std::max(10, argc > 2 ? std::atoi(argv[2]) : 300);
  std::string path = std::string(argv[1]) + "/fdatasync_probe.tmp";
  std::printf("{");
  print("4KiB", sync_times_us(path, 4 << 10, count), ",");
  print("256KiB", sync_times_us(path, 256 << 10, count / 3), "}\n");
  return 0;
}
