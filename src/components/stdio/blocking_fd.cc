#include "components/stdio/blocking_fd.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "base/assert.h"

namespace colloquium::components {
namespace {

constexpr size_t kFileWriteSize = size_t{1} << 20;

// A writable pipe has room for PIPE_BUF bytes (pipe(7)); one byte more could make the write wait where
// nothing interrupts it. A file never makes a write wait.
size_t write_size_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? kFileWriteSize : PIPE_BUF;
}

}  // namespace

BlockingFd::BlockingFd(int fd, int wake_fd, std::string name)
    : fd_(fd), wake_fd_(wake_fd), name_(std::move(name)), write_size_(write_size_of(fd)) {
  ASSERT(fd >= 0 && wake_fd >= 0);
}

BlockingFd::~BlockingFd() {
  ::close(wake_fd_);
}

Result<std::unique_ptr<BlockingFd>> BlockingFd::create(int fd, Use use, std::string name) {
  const int flags = fcntl(fd, F_GETFL);
  const bool reads = use == Use::kRead;
  if (flags < 0 || (flags & O_ACCMODE) == (reads ? O_WRONLY : O_RDONLY)) {
    return fail(ErrorCode::kNotFound,
                name + (reads ? " is closed, or not open for reading; open it, for instance with </dev/null"
                              : " is closed, or not open for writing; open it, for instance with >/dev/null"));
  }
  const int wake_fd = eventfd(0, EFD_CLOEXEC);
  if (wake_fd < 0) {
    return fail(ErrorCode::kLimit, "cannot watch " + name + ": " + std::generic_category().message(errno) +
                                       "; raise the limit of open files (ulimit -n)");
  }
  return std::unique_ptr<BlockingFd>(new BlockingFd(fd, wake_fd, std::move(name)));
}

void BlockingFd::interrupt() {
  const uint64_t one = 1;
  // The counter is never read, so it stays readable; only its overflow, after 2^64 calls, could fail.
  const ssize_t written = ::write(wake_fd_, &one, sizeof one);
  ASSERT(written == sizeof one);
}

tl::unexpected<Error> BlockingFd::failure(const char* verb, int error) const {
  const std::string what = std::string("cannot ") + verb + " " + name_ + ": ";
  if (error == EPIPE) {
    return fail(ErrorCode::kUnavailable,
                what + "its reader has gone; keep the reader running, or use a file sink");
  }
  const ErrorCode code =
      error == ENOSPC || error == EDQUOT || error == EFBIG ? ErrorCode::kNoSpace : ErrorCode::kIo;
  return fail(code, what + std::generic_category().message(error), {}, true);
}

// Until the descriptor is ready, or has an error or an end that read and write will tell.
Status BlockingFd::wait(short events) {
  for (;;) {
    pollfd watched[2] = {{fd_, events, 0}, {wake_fd_, POLLIN, 0}};
    if (poll(watched, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return failure("wait for", errno);
    }
    // First, so that a descriptor that is always ready cannot keep us from ending.
    if (watched[1].revents != 0) return fail(ErrorCode::kCancelled, name_ + " is being closed");
    if (watched[0].revents != 0) return {};
  }
}

Result<size_t> BlockingFd::read(std::span<char> into) {
  ASSERT(!into.empty());
  for (;;) {
    TRY(wait(POLLIN));
    const ssize_t got = ::read(fd_, into.data(), into.size());
    if (got >= 0) return static_cast<size_t>(got);
    // Someone else may have taken what poll saw, or may have made the descriptor non-blocking.
    if (errno != EINTR && errno != EAGAIN) return failure("read", errno);
  }
}

bool BlockingFd::readable() const {
  pollfd watched = {fd_, POLLIN, 0};
  return poll(&watched, 1, 0) > 0 && watched.revents != 0;
}

Status BlockingFd::write(std::string_view bytes, size_t& written) {
  written = 0;
  while (written < bytes.size()) {
    TRY(wait(POLLOUT));
    const size_t size = std::min(bytes.size() - written, write_size_);
    const ssize_t put = ::write(fd_, bytes.data() + written, size);
    // A short write is no error: the rest waits for room.
    if (put >= 0) {
      written += static_cast<size_t>(put);
    } else if (errno != EINTR && errno != EAGAIN) {
      return failure("write to", errno);
    }
  }
  return {};
}

}  // namespace colloquium::components
