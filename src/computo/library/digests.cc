#include "computo/library/digests.h"

#include <algorithm>
#include <xxhash.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/murmur2.h"
#include "computo/library/bytes.h"
#include "computo/library/digester.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr size_t kUuidBytes = 16;
constexpr std::string_view kNamespace = "a UUID, or \"dns\", \"url\", \"oid\" or \"x500\"";

// Digesting is dearer than reading.
bool charge_digest(Machine& machine, size_t bytes) {
  ASSERT(!machine.failed());
  return machine.charge(8 + bytes / 8);
}

bool unavailable(Machine& machine) {
  return machine.fail(Category::kValue, "the system's OpenSSL does not offer this digest");
}

// The namespaces of RFC 9562 differ in one digit of their first group.
std::string_view named_namespace(std::string_view name) {
  if (name == "dns") return "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  if (name == "url") return "6ba7b811-9dad-11d1-80b4-00c04fd430c8";
  if (name == "oid") return "6ba7b812-9dad-11d1-80b4-00c04fd430c8";
  if (name == "x500") return "6ba7b814-9dad-11d1-80b4-00c04fd430c8";
  return name;
}

bool is_uuid_hyphen(size_t place) {
  return place == 8 || place == 13 || place == 18 || place == 23;
}

// 8-4-4-4-12 digits.
bool read_uuid(std::string_view text, char* bytes) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size();) {
    if (is_uuid_hyphen(i)) {
      if (text[i] != '-') return false;
      ++i;
      continue;
    }
    ASSERT(i + 1 < text.size());
    if (!hex_byte(text.data() + i, *bytes++)) return false;
    i += 2;
  }
  return true;
}

std::string_view write_uuid(const char* bytes, char* text) {
  char* at = text;
  for (size_t i = 0; i < kUuidBytes; ++i) {
    if (is_uuid_hyphen(static_cast<size_t>(at - text))) *at++ = '-';
    *at++ = kHexDigits[static_cast<unsigned char>(bytes[i]) >> 4];
    *at++ = kHexDigits[static_cast<unsigned char>(bytes[i]) & 15];
  }
  ASSERT(at - text == 36);
  return {text, 36};
}

}  // namespace

template <Digest kDigest>
bool digest(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  DigestBytes bytes;
  if (!text_argument(machine, arguments, 0, text) || !charge_digest(machine, text.size())) return false;
  if (!machine.tools().get<Digester>().digest(kDigest, {text}, bytes)) return unavailable(machine);
  return hex_value(machine, bytes.view(), out);
}

template <Digest kDigest>
bool hmac(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view key;
  std::string_view text;
  DigestBytes bytes;
  if (!text_argument(machine, arguments, 0, key) || !text_argument(machine, arguments, 1, text)) return false;
  if (!charge_digest(machine, key.size() + text.size())) return false;
  if (!machine.tools().get<Digester>().hmac(kDigest, key, text, bytes)) return unavailable(machine);
  return hex_value(machine, bytes.view(), out);
}

template bool digest<Digest::kMd5>(Machine&, const Value*, uint32_t, Value&);
template bool digest<Digest::kSha1>(Machine&, const Value*, uint32_t, Value&);
template bool digest<Digest::kSha256>(Machine&, const Value*, uint32_t, Value&);
template bool digest<Digest::kSha512>(Machine&, const Value*, uint32_t, Value&);
template bool hmac<Digest::kSha1>(Machine&, const Value*, uint32_t, Value&);
template bool hmac<Digest::kSha256>(Machine&, const Value*, uint32_t, Value&);

bool crc32(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  out = int_value(static_cast<int64_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size())));
  return true;
}

bool murmur2(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  out = int_value(static_cast<int32_t>(colloquium::murmur2(text)));
  return true;
}

bool xxhash64(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  XXH64_canonical_t bytes;  // big-endian, as it is printed everywhere
  XXH64_canonicalFromHash(&bytes, XXH64(text.data(), text.size(), 0));
  return hex_value(machine, {reinterpret_cast<const char*>(bytes.digest), sizeof bytes.digest}, out);
}

std::string check_uuid(std::span<const ConstantText> arguments) {
  char bytes[kUuidBytes];
  ASSERT(!arguments.empty());
  if (!arguments[0] || read_uuid(named_namespace(*arguments[0]), bytes)) return {};
  return expectation(kNamespace, *arguments[0]);
}

bool uuid_v5(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view scope;
  std::string_view name;
  char prefix[kUuidBytes];
  DigestBytes digest;
  if (!text_argument(machine, arguments, 0, scope) || !text_argument(machine, arguments, 1, name)) return false;
  if (!charge_digest(machine, name.size())) return false;
  if (!read_uuid(named_namespace(scope), prefix)) return fail_value(machine, 0, kNamespace, scope);
  if (!machine.tools().get<Digester>().digest(Digest::kSha1, {{prefix, kUuidBytes}, name}, digest)) {
    return unavailable(machine);
  }
  // Version and variant take their bits.
  digest.bytes[6] = static_cast<char>((digest.bytes[6] & 0x0F) | 0x50);
  digest.bytes[8] = static_cast<char>((digest.bytes[8] & 0x3F) | 0x80);
  char text[36];
  return copied_text(machine, write_uuid(digest.bytes.data(), text), out);
}

}  // namespace colloquium::computo::ops
