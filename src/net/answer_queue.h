// AnswerQueue: the unanswered requests of one HTTP/1.1 connection, in order, and the answers that came early.
//
// Requests are numbered; an answer to any but the first waits here until those before it are there.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "net/request_intake.h"
#include "net/request_rules.h"

namespace colloquium::net {

struct PendingAnswer {
  bool answered = false;
  bool streaming = false;       // begun, and not answered before its end
  bool head_only = false;       // the request was HEAD
  bool old_version = false;     // HTTP/1.0: keeping the connection has to be said
  bool keep_alive = true;       // what the request asked for; after the answer, what is to be done
  bool wants_continue = false;  // 100 Continue is due once it stands in front
  OriginAnswer origin;
  RequestMemory memory;  // stays in place until the next begin()
  std::string bytes;     // the answer, if it came early
};

class AnswerQueue {
 public:
  bool empty() const { return size() == 0; }
  size_t size() const { return static_cast<size_t>(end_ - begin_); }

  // Appends a request and gives its number.
  uint64_t begin(PendingAnswer pending) {
    if (size() == slots_.size()) grow();
    slot(end_) = std::move(pending);
    return end_++;
  }
  bool contains(uint64_t exchange) const { return exchange >= begin_ && exchange < end_; }
  bool is_front(uint64_t exchange) const { return exchange == begin_ && !empty(); }

  PendingAnswer& at(uint64_t exchange) {
    ASSERT(contains(exchange));
    return slot(exchange);
  }
  const PendingAnswer& at(uint64_t exchange) const {
    ASSERT(contains(exchange));
    return slots_[exchange & (slots_.size() - 1)];
  }
  PendingAnswer& front() { return at(begin_); }
  void pop_front() {
    ASSERT(!empty());
    ++begin_;
  }
  // The request that came last is given up.
  void pop_back() {
    ASSERT(!empty());
    --end_;
  }

 private:
  PendingAnswer& slot(uint64_t exchange) { return slots_[exchange & (slots_.size() - 1)]; }

  void grow() {
    const size_t size_before = slots_.size();
    std::vector<PendingAnswer> larger(size_before == 0 ? 2 : size_before * 2);
    for (uint64_t i = begin_; i < end_; ++i) larger[i & (larger.size() - 1)] = std::move(slot(i));
    slots_ = std::move(larger);
  }

  std::vector<PendingAnswer> slots_;  // a ring; its size is a power of two
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

}  // namespace colloquium::net
