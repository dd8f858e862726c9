// Subscribers: who wants to know that a stream has something new to read.
//
// Thread safety: every method on any thread. A call runs outside the lock, so it may add another.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "colloquium/function.h"

namespace colloquium::log {

class Subscribers {
 public:
  using Wake = UniqueFunction<void(int32_t partition)>;

  void add(const std::string& stream, Wake wake) {
    const std::lock_guard lock(mutex_);
    calls_[stream].push_back(std::make_shared<Wake>(std::move(wake)));
  }
  void wake(const std::string& stream, int32_t partition) {
    std::vector<std::shared_ptr<Wake>> called;
    {
      const std::lock_guard lock(mutex_);
      const auto found = calls_.find(stream);
      if (found != calls_.end()) called = found->second;
    }
    for (const auto& call : called) (*call)(partition);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::shared_ptr<Wake>>> calls_;  // guarded by mutex_
};

}  // namespace colloquium::log
