// ChunkedDecoder: takes the chunked transfer coding off a request body, strictly.
//
// Debian's http_parser is compiled without its strict mode and then takes any byte where a line feed has to
// stand, which is how one proxy's body becomes another's second request. So the coding is undone here:
// CR LF everywhere, sizes in hex digits alone, extensions read over, trailers checked and dropped.
//
// Thread safety: none. Source: RFC 9112 7.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace colloquium::net {

class ChunkedDecoder {
 public:
  static constexpr size_t kExtensionBytesMax = 256;     // of one chunk
  static constexpr size_t kTrailerBytesMax = 8 * 1024;  // of all trailers

  struct Step {
    enum class Kind : uint8_t {
      kNeedMore,  // everything given is consumed
      kData,      // `data` is the next part of the body, a view into the input
      kDone,      // the body has ended
      kBad,       // `reason` says why
    };
    Kind kind;
    size_t consumed;
    std::string_view data;
    const char* reason;
  };

  // Works on `input` up to the next thing worth telling.
  Step next(std::string_view input);

 private:
  enum class State : uint8_t {
    kSizeFirst,
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerFirst,
    kTrailer,
    kTrailerLf,
    kEndLf,
    kDone,
  };
  const char* take(char c);
  const char* take_size(char c);
  const char* take_trailer(char c);
  const char* expect(char c, char wanted, State then);

  State state_ = State::kSizeFirst;
  uint64_t size_ = 0;      // of the present chunk; in kData what is left of it
  size_t line_bytes_ = 0;  // of the extension, or of all trailers
};

}  // namespace colloquium::net
