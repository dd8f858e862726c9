// BlockingFd: a file descriptor whose reads and writes may wait for ever, and can be interrupted.
//
// Standard input and output belong to the terminal or the shell as much as to us, so their flags are left
// alone (O_NONBLOCK would be everybody's). Reads and writes run on the offload pool and wait in poll(2) for
// the descriptor or for interrupt().
//
// Thread safety: one thread at a time reads or writes; interrupt() on any thread. The descriptor itself is
// not owned.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "colloquium/result.h"

namespace colloquium::components {

class BlockingFd {
 public:
  enum class Use { kRead, kWrite };
  // `name` is for messages: "standard input". kNotFound if the descriptor is not open, or not for this use: so is
  // what stands in for a standard stream that was closed (app/main.cc).
  static Result<std::unique_ptr<BlockingFd>> create(int fd, Use use, std::string name);
  ~BlockingFd();
  BlockingFd(const BlockingFd&) = delete;
  BlockingFd& operator=(const BlockingFd&) = delete;

  // Every read and write under way or to come ends with kCancelled.
  void interrupt();

  // Bytes read, at least one; 0 at the end of the input.
  Result<size_t> read(std::span<char> into);

  // Whether read() would not wait.
  bool readable() const;

  // Writes everything, or fails with `written` bytes written.
  Status write(std::string_view bytes, size_t& written);

 private:
  BlockingFd(int fd, int wake_fd, std::string name);
  Status wait(short events);
  tl::unexpected<Error> failure(const char* verb, int error) const;

  const int fd_;
  const int wake_fd_;
  const std::string name_;
  const size_t write_size_;  // what a writable descriptor takes without waiting
};

}  // namespace colloquium::components
