// Operators that find the words in a string: words, and the cases of names.

#include <utf8proc.h>

#include "base/assert.h"
#include "computo/library/code_points.h"
#include "computo/library/texts.h"
#include "computo/library/unicode.h"

namespace colloquium::computo::ops {

namespace {

bool is_word_point(int32_t point) {
  if (point < 0x80) return is_digit(static_cast<char>(point)) || is_letter(point);
  return is_letter(point) || is_mark(point) || is_number(point);
}

bool is_apostrophe(int32_t point) {
  return point == '\'' || point == 0x2019;
}

int32_t peek_point(std::string_view text) {
  return text.empty() ? 0 : take_point(text);
}

// The next word of the text, which is taken off with what stands before it; empty at the end.
std::string_view take_word(std::string_view& text) {
  while (!text.empty()) {
    const char* const begin = text.data();
    int32_t last = take_point(text);
    if (!is_word_point(last)) continue;
    while (!text.empty()) {
      std::string_view after = text;
      const int32_t point = take_point(after);
      const bool inside = is_apostrophe(point) && is_letter(last) && is_letter(peek_point(after));
      if (!inside && !is_word_point(point)) break;
      last = point;
      text = after;
    }
    ASSERT(text.data() > begin);
    return {begin, static_cast<size_t>(text.data() - begin)};
  }
  return {};
}

// Writes the words of a text as a name, a code point at a time.
class NameWriter {
 public:
  NameWriter(Output& output, NameStyle style) : output_(output), style_(style) {}

  void run(std::string_view text) {
    while (!text.empty()) {
      const int32_t point = take_point(text);
      if (!is_word_point(point)) {
        in_word_ = false;
        continue;
      }
      const bool begins = !in_word_ || splits(point, peek_point(text));
      if (begins) begin_word();
      ASSERT(point > 0);
      put(begins && style_ == NameStyle::kCamel && words_ > 1 ? title_point(point) : lower_point(point));
      in_word_ = true;
      last_ = point;
    }
  }

 private:
  // Between "r" and "N" of serverName, and between "P" and "S" of HTTPServer.
  bool splits(int32_t point, int32_t next) const {
    if (!is_capital(point)) return false;
    return !is_capital(last_) || is_small(next);
  }

  void begin_word() {
    ++words_;
    if (words_ > 1 && style_ == NameStyle::kSnake) output_.put('_');
    if (words_ > 1 && style_ == NameStyle::kKebab) output_.put('-');
  }

  void put(const Folded& points) { output_.commit(write_points(points, output_.room(4 * kMostFolded))); }

  Output& output_;
  NameStyle style_;
  uint64_t words_ = 0;
  bool in_word_ = false;
  int32_t last_ = 0;
};

}  // namespace

bool words(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 4)) return false;
  uint64_t size = 0;
  for (std::string_view rest = text; !take_word(rest).empty();) ++size;
  Value* const items = result_array(machine, size);
  if (items == nullptr) return false;
  for (uint64_t i = 0; i < size; ++i) items[i] = string_value(take_word(text));
  out = array_value(items, static_cast<uint32_t>(size));
  return true;
}

template <NameStyle kStyle>
bool name_case(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 8)) return false;
  machine.text_output().start(false);
  NameWriter(machine.text_output(), kStyle).run(text);
  ASSERT(!machine.failed());
  return finish_text(machine, out);
}

template bool name_case<NameStyle::kCamel>(Machine&, const Value*, uint32_t, Value&);
template bool name_case<NameStyle::kSnake>(Machine&, const Value*, uint32_t, Value&);
template bool name_case<NameStyle::kKebab>(Machine&, const Value*, uint32_t, Value&);

}  // namespace colloquium::computo::ops
