// What the files that make system calls share: descriptors that close themselves, calls that signals interrupt,
// and what is told about calls that failed.
//
// Thread safety: functions; a Descriptor belongs to whoever holds it.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "colloquium/result.h"

namespace colloquium::io {

// "cannot write '/a/b': No space left on device; free space on that disk".
tl::unexpected<Error> failed(std::string_view verb, const std::string& path, int error);

// Repeats a system call that a signal interrupted.
template <class Call>
auto without_interrupts(Call call) {
  for (;;) {
    auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

// Closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }

 private:
  int number_;
};

}  // namespace colloquium::io
