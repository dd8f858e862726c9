// "Did you mean": the nearest of some names (section 7.3 of the language).
//
// Thread safety: functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace colloquium::computo {

// Offers names one by one and keeps the best.
class Suggestion {
 public:
  explicit Suggestion(std::string_view wanted) : wanted_(wanted) {}
  void offer(std::string_view candidate);
  // Empty if nothing was near enough.
  const std::string& best() const { return best_; }

 private:
  static constexpr size_t kMostDistance = 2;
  std::string_view wanted_;
  std::string best_;
  size_t distance_ = kMostDistance + 1;
};

}  // namespace colloquium::computo
