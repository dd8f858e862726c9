// AnswerCache: answers that may be given again for a while to whoever asks the same. Bounded in bytes; what was
// asked for longest ago goes first. Failures are never in it.
//
// Thread safety: value; one thread. Times are those of Clock::wall_ms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "ai/call_record.h"

namespace colloquium::ai {

class AnswerCache {
 public:
  explicit AnswerCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // REQUIRES: an answer with a CacheMark. One that is larger than the cache is not kept.
  void put(std::shared_ptr<const CallRecord> answer);

  // An answer that is good until later than `now_ms`, and not older than `ttl_ms`; null: there is none.
  std::shared_ptr<const CallRecord> find(const io::Digest128& key, int64_t ttl_ms, int64_t now_ms);

  // What this call answered, if it is there.
  void remove(const std::string& call);

  size_t size() const { return order_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::shared_ptr<const CallRecord> answer;
    size_t bytes;
  };
  using Order = std::list<Entry>;  // what was asked for last stands first
  struct HashDigest {
    size_t operator()(const io::Digest128& digest) const { return static_cast<size_t>(digest[0]); }
  };
  void erase(Order::iterator at);

  const size_t bytes_max_;
  size_t bytes_ = 0;
  Order order_;
  std::unordered_map<io::Digest128, Order::iterator, HashDigest> by_key_;
  std::unordered_map<std::string, Order::iterator> by_call_;
};

}  // namespace colloquium::ai
