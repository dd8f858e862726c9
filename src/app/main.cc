// The program: the table of verbs, standard streams, and nothing else.

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <malloc.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "app/command_line.h"

namespace colloquium::app {
namespace {

// Whoever started us may have closed standard streams. The next files we open would get their numbers, and what
// is meant for standard output would go into, say, a socket. Input and output are held the wrong way round, so
// that using them fails and is told, as it would have been; messages just go nowhere.
bool hold_standard_streams() {
  constexpr int kModes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    const bool is_open = ::fcntl(fd, F_GETFD) >= 0;
    // The lowest free number is the one that is closed.
    if (!is_open && ::open("/dev/null", kModes[fd]) != fd) return false;
  }
  return true;
}

Result<size_t> read_stdin(std::span<char> into) {
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, into.data(), into.size());
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR)
      return fail(ErrorCode::kIo, std::string("cannot read standard input: ") + std::strerror(errno));
  }
}

// Batches are around a megabyte and live for milliseconds. By default glibc takes such memory from the kernel
// each time and gives it back, and zeroing fresh pages cost a fifth of all processor time.
void keep_memory_of_batches() {
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

}  // namespace
}  // namespace colloquium::app

int main(int argc, char** argv) {
  using namespace colloquium::app;
  if (!hold_standard_streams()) return static_cast<int>(Exit::kRefused);
  keep_memory_of_batches();
  // Nothing here uses stdio, and unsynchronised streams are several times faster.
  std::ios::sync_with_stdio(false);
  Console console{read_stdin, std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1, ::isatty(STDIN_FILENO) == 1};
  const Exit code = run_command_line(root_verb(), std::vector<std::string>(argv + 1, argv + argc), console);
  // A full disk or a closed pipe behind stdout only shows when the last bytes leave.
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "error: cannot write to standard output\n";
    return static_cast<int>(Exit::kFailed);
  }
  return static_cast<int>(code);
}
