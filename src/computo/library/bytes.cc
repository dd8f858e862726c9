#include "computo/library/bytes.h"

#include "base/assert.h"
#include "computo/library/texts.h"
#include "json/utf8.h"

namespace colloquium::computo::ops {

bool hex_value(Machine& machine, std::string_view bytes, Value& out) {
  char* const begin = text_room(machine, uint64_t{bytes.size()} * 2);
  if (begin == nullptr) return false;
  char* at = begin;
  for (const char c : bytes) {
    *at++ = kHexDigits[static_cast<unsigned char>(c) >> 4];
    *at++ = kHexDigits[static_cast<unsigned char>(c) & 15];
  }
  ASSERT(at == begin + bytes.size() * 2);
  out = string_value({begin, bytes.size() * 2});
  return true;
}

bool is_utf8(std::string_view bytes) {
  return is_ascii(bytes) || json::valid_utf8_prefix(bytes) == bytes.size();
}

bool utf8_value(Machine& machine, std::string_view bytes, std::string_view source, Value& out) {
  ASSERT(!machine.failed());
  if (!machine.charge(bytes.size() / 16)) return false;
  if (!is_utf8(bytes)) return fail_value(machine, 0, "something that decodes to UTF-8", source);
  out = string_value(bytes);
  return true;
}

}  // namespace colloquium::computo::ops
