#include "computo/output.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/text.h"
#include "json/rebase.h"

namespace colloquium::computo {

namespace {
constexpr size_t kFirstBuffer = 4096;
// One large result must not tie up its memory for ever.
constexpr size_t kKeptBuffer = 4 * 1024 * 1024;
constexpr uint32_t kMostCount = (1u << 20) - 1;
}  // namespace

Output::Output() : buffer_(std::make_unique_for_overwrite<char[]>(kFirstBuffer)) {
  at_ = buffer_.get();
  end_ = at_ + kFirstBuffer;
  ASSERT(size() == 0);
}

void Output::start(bool with_tape) {
  if (static_cast<size_t>(end_ - buffer_.get()) > kKeptBuffer) {
    buffer_ = std::make_unique_for_overwrite<char[]>(kFirstBuffer);
    end_ = buffer_.get() + kFirstBuffer;
  }
  at_ = buffer_.get();
  tape_.clear();
  with_tape_ = with_tape;
  ASSERT(size() == 0);
}

void Output::grow(size_t bytes) {
  const size_t used = size();
  const size_t capacity = static_cast<size_t>(end_ - buffer_.get());
  const size_t wanted = std::max(capacity * 2, used + bytes);
  auto larger = std::make_unique_for_overwrite<char[]>(wanted);
  std::copy_n(buffer_.get(), used, larger.get());
  buffer_ = std::move(larger);
  at_ = buffer_.get() + used;
  end_ = buffer_.get() + wanted;
  ASSERT(bytes <= static_cast<size_t>(end_ - at_));
}

void Output::put(std::string_view text) {
  commit(std::copy(text.begin(), text.end(), room(text.size())));
}

void Output::leaf(TokenType type, size_t offset, uint8_t flags) {
  if (!with_tape_) return;
  ASSERT(offset <= size());
  TapeToken token{};
  token.offset = static_cast<uint32_t>(offset);
  token.length = static_cast<uint32_t>(size() - offset);
  token.next = static_cast<uint32_t>(tape_.size() + 1);
  token.flags = flags & 63u;
  token.type_bits = static_cast<uint32_t>(type) & 63u;
  tape_.push_back(token);
}

size_t Output::open(TokenType type) {
  ASSERT(type == TokenType::kArray || type == TokenType::kObject);
  leaf(type, size(), 0);
  put(type == TokenType::kArray ? '[' : '{');
  return tape_.size() - 1;
}

void Output::close(size_t opened, uint32_t count) {
  if (!with_tape_) return;
  ASSERT(opened < tape_.size());
  TapeToken& token = tape_[opened];
  token.length = static_cast<uint32_t>(size() - token.offset);
  token.next = static_cast<uint32_t>(tape_.size());
  token.count = std::min(count, kMostCount) & kMostCount;
}

void Output::copy_tokens(const json::ValueView& view, size_t offset, bool retype_numbers) {
  if (!with_tape_) return;
  const uint32_t begin = view.index();
  ASSERT(begin < view.token().next);
  const size_t first = tape_.size();
  json::append_rebased(json::tape_of(view), begin, static_cast<uint32_t>(first), static_cast<uint32_t>(offset),
                       tape_);
  if (!retype_numbers) return;
  for (size_t i = first; i < tape_.size(); ++i) {
    TapeToken& token = tape_[i];
    if (token.type() != TokenType::kDouble) continue;
    const NumberToken number = number_token(text().substr(token.offset, token.length));
    token.type_bits = static_cast<uint32_t>(number.type) & 63u;
    token.flags = number.flags & 63u;
  }
}

}  // namespace colloquium::computo
