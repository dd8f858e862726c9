// Placeholder: what stands between {{ and }} in a template: "int 1 100", "pick red|green", "uuid".
//
// The value is a function of the event's number and of the draws before it: nothing else goes in, so the same seed
// gives the same events on any machine.
//
// Thread safety: values, immutable once made; Draws belongs to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

namespace colloquium::components {

// The chance of one event: splitmix64, begun anew for each event, so that any event can be made by itself.
class Draws {
 public:
  Draws(uint64_t seed, uint64_t event);
  uint64_t next();
  // Evenly in [0, bound). REQUIRES: bound > 0.
  uint64_t below(uint64_t bound);
  // In [0, 1).
  double unit();

 private:
  uint64_t state_;
};

// What an event's placeholders see.
struct EventMoment {
  uint64_t number;
  int64_t time_ms;
};

class Placeholder {
 public:
  // `text` without the braces. An error says what is wrong and what there is.
  static Result<Placeholder> parse(std::string_view text);

  // Whether it is text, which stands in quotes, and not a number or a boolean.
  bool is_text() const;

  // Appends the value, escaped as the inside of a JSON string where that is needed, without quotes.
  void append(const EventMoment& event, Draws& draws, std::string& out) const;

 private:
  enum class Kind : uint8_t;
  struct Form;

  Kind kind_{};
  int64_t low_ = 0;
  uint64_t span_ = 0;  // of int: how many values, 0 for all of 2^64; of hex: digits; of words: how many
  double from_ = 0;
  double width_ = 0;
  int decimals_ = 0;
  std::vector<std::string> options_;  // of pick: escaped

  static const Form* find(std::string_view name);
  Status take_arguments(const Form& form, std::string_view rest);
  Status take_options(std::string_view rest);
  Status take_numbers(const Form& form, const std::vector<std::string_view>& words);
  Status take_float(const std::vector<std::string_view>& words);
};

}  // namespace colloquium::components
