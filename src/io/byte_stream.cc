#include "io/byte_stream.h"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/stat.h>

#include "base/assert.h"
#include "io/file_system.h"

namespace colloquium::io {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;

// The open descriptor that a path names.
std::optional<int> descriptor_of(std::string_view path) {
  if (path == "/dev/stdin") return STDIN_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int number = -1;
    const auto [end, error] = std::from_chars(path.data() + folder.size(), path.data() + path.size(), number);
    if (error == std::errc() && end == path.data() + path.size() && number >= 0) return number;
  }
  return std::nullopt;
}

bool is_pipe(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode);
}

}  // namespace

Result<ByteStream> ByteStream::open(const std::string& path, int writer_wait_ms) {
  if (const auto number = descriptor_of(path)) {
    Descriptor same(::fcntl(*number, F_DUPFD_CLOEXEC, 0));
    if (!same.valid()) return failed("open", path, errno);
    return ByteStream(std::move(same), path, 0);
  }
  // Without O_NONBLOCK opening a pipe would wait for its writer, for ever.
  Descriptor opened(without_interrupts([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (!opened.valid()) return failed("open", path, errno);
  const bool pipe = is_pipe(opened.get());
  return ByteStream(std::move(opened), path, pipe ? writer_wait_ms : 0);
}

Result<size_t> ByteStream::read(std::span<char> into) {
  ASSERT(!into.empty());
  for (;;) {
    const ssize_t got = without_interrupts([&] { return ::read(descriptor_.get(), into.data(), into.size()); });
    const bool waits = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (got < 0 && !waits) return failed("read", path_, errno);
    if (got == 0 && writer_wait_ms_ > 0) {
      TRY(wait_for_writer());
      continue;
    }
    writer_wait_ms_ = 0;
    if (!waits) return static_cast<size_t>(got);
    pollfd readable{descriptor_.get(), POLLIN, 0};
    if (without_interrupts([&] { return ::poll(&readable, 1, -1); }) < 0) return failed("read", path_, errno);
  }
}

// A pipe that nobody has opened for writing since this end was opened is neither readable nor hung up.
Status ByteStream::wait_for_writer() {
  ASSERT(writer_wait_ms_ > 0);
  pollfd readable{descriptor_.get(), POLLIN, 0};
  const int ready = without_interrupts([&] { return ::poll(&readable, 1, writer_wait_ms_); });
  if (ready < 0) return failed("read", path_, errno);
  if (ready == 0) {
    return fail(ErrorCode::kTimeout, "cannot read '" + path_ + "': nobody has written to this pipe for " +
                                         std::to_string(writer_wait_ms_) + " ms; start its writer first");
  }
  writer_wait_ms_ = 0;
  return {};
}

Result<std::string> read_stream(const std::string& path, size_t limit_bytes) {
  const auto info = posix_file_system().info(path);
  if (!info || info->is_regular || info->is_directory) return read_file(posix_file_system(), path, limit_bytes);
  TRY_ASSIGN(ByteStream stream, ByteStream::open(path));
  std::string text;
  std::array<char, kPieceBytes> piece;
  for (;;) {
    TRY_ASSIGN(const size_t got, stream.read(piece));
    if (got == 0) return text;
    if (text.size() + got > limit_bytes) {
      return fail(ErrorCode::kLimit, "cannot read '" + path + "': it has more than the " +
                                         std::to_string(limit_bytes) + " bytes expected at most");
    }
    text.append(piece.data(), got);
  }
}

}  // namespace colloquium::io
