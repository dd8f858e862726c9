#include "net/chunked_decoder.h"

#include <algorithm>

namespace colloquium::net {
namespace {

constexpr uint64_t kSizeMax = uint64_t{1} << 56;  // one more hex digit cannot overflow

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
  size_t used = 0;
  while (used < input.size() && state_ != State::kDone) {
    if (state_ == State::kData) {
      const auto length = static_cast<size_t>(std::min<uint64_t>(size_, input.size() - used));
      size_ -= length;
      if (size_ == 0) state_ = State::kDataCr;
      return {Step::Kind::kData, used + length, input.substr(used, length), nullptr};
    }
    const char* reason = take(input[used++]);
    if (reason != nullptr) return {Step::Kind::kBad, used, {}, reason};
  }
  const auto kind = state_ == State::kDone ? Step::Kind::kDone : Step::Kind::kNeedMore;
  return {kind, used, {}, nullptr};
}

const char* ChunkedDecoder::expect(char c, char wanted, State then) {
  if (c != wanted) return "a line of the chunked body does not end in CR LF";
  state_ = then;
  return nullptr;
}

const char* ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::kSizeFirst:
    case State::kSize:
      return take_size(c);
    case State::kExtension:
      if (c == '\r') return expect(c, '\r', State::kSizeLf);
      if (is_control(c)) return "a chunk extension holds a control character";
      return ++line_bytes_ > kExtensionBytesMax ? "a chunk extension is too long" : nullptr;
    case State::kSizeLf:
      return expect(c, '\n', size_ == 0 ? State::kTrailerFirst : State::kData);
    case State::kDataCr:
      return expect(c, '\r', State::kDataLf);
    case State::kDataLf:
      return expect(c, '\n', State::kSizeFirst);
    case State::kTrailerLf:
      return expect(c, '\n', State::kTrailerFirst);
    case State::kEndLf:
      return expect(c, '\n', State::kDone);
    case State::kTrailerFirst:
    case State::kTrailer:
      return take_trailer(c);
    case State::kData:
    case State::kDone:
      break;
  }
  return "the chunked body is out of step";
}

const char* ChunkedDecoder::take_size(char c) {
  const int digit = hex_value(c);
  if (digit >= 0) {
    size_ = (state_ == State::kSizeFirst ? 0 : size_ * 16) + static_cast<uint64_t>(digit);
    state_ = State::kSize;
    return size_ >= kSizeMax ? "a chunk size is out of range" : nullptr;
  }
  if (state_ == State::kSizeFirst) return "a chunk size is no hexadecimal number";
  line_bytes_ = 0;
  if (c == ';') {
    state_ = State::kExtension;
    return nullptr;
  }
  return c == '\r' ? expect(c, '\r', State::kSizeLf) : "a chunk size is no hexadecimal number";
}

const char* ChunkedDecoder::take_trailer(char c) {
  const bool first = state_ == State::kTrailerFirst;
  if (c == '\r') return expect(c, '\r', first ? State::kEndLf : State::kTrailerLf);
  if (is_control(c)) return "a trailer holds a control character";
  if (first && (c == ' ' || c == '\t')) return "a trailer is folded over several lines";
  state_ = State::kTrailer;
  return ++line_bytes_ > kTrailerBytesMax ? "the trailers are too long" : nullptr;
}

}  // namespace colloquium::net
