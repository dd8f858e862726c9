#include "json/utf8.h"

#include <cstdint>

namespace colloquium::json {
namespace {

// What a first byte says of the sequence it begins.
struct Lead {
  size_t length;       // of the sequence; 0: no sequence starts so
  uint8_t second_min;  // of the second byte; the later ones are 80..bf
  uint8_t second_max;
};

Lead classify(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xc2) return {0, 0, 0};
  if (byte < 0xe0) return {2, 0x80, 0xbf};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3, 0x80, 0xbf};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4, 0x80, 0xbf};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

size_t valid_utf8_prefix(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  size_t i = 0;
  while (i < text.size()) {
    const Lead lead = classify(byte(i));
    if (lead.length == 0 || text.size() - i < lead.length) return i;
    if (lead.length > 1 && (byte(i + 1) < lead.second_min || byte(i + 1) > lead.second_max)) return i;
    for (size_t k = 2; k < lead.length; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return i;
    }
    i += lead.length;
  }
  return i;
}

size_t ill_formed_length(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const Lead lead = classify(byte(0));
  if (lead.length < 2 || text.size() == 1 || byte(1) < lead.second_min || byte(1) > lead.second_max) return 1;
  size_t length = 2;
  while (length < text.size() && length < lead.length && (byte(length) & 0xc0) == 0x80) ++length;
  return length;
}

}  // namespace colloquium::json
