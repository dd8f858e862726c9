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
  std::string_view wanted_;
  std::string best_;
  size_t distance_ = 3;  // one more than is still offered
};

// Levenshtein distance over bytes, or `bound` if it is not less than that.
size_t edit_distance(std::string_view a, std::string_view b, size_t bound);

}  // namespace colloquium::computo
