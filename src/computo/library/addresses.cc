// Operators over IP addresses and networks (RFC 4291, RFC 4632).

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/library/digests.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr size_t kAddressBytes = 16;
constexpr uint32_t kAddressBits = 128;
// Before an IPv4 address mapped into IPv6, ::ffff:a.b.c.d.
constexpr uint32_t kMappedBits = 96;
constexpr unsigned char kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Either version in one form: IPv4 as mapped into IPv6.
struct Address {
  unsigned char bytes[kAddressBytes];
  int version;

  bool is_ipv4() const { return std::equal(std::begin(kMappedPrefix), std::end(kMappedPrefix), bytes); }
};

struct Network {
  Address first;
  uint32_t bits;
};

bool read_address(std::string_view text, Address& out) {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return false;
  std::copy(text.begin(), text.end(), terminated);
  if (::inet_pton(AF_INET, terminated, out.bytes + sizeof kMappedPrefix) == 1) {
    std::copy(std::begin(kMappedPrefix), std::end(kMappedPrefix), out.bytes);
    out.version = 4;
    ASSERT(out.is_ipv4());
    return true;
  }
  out.version = 6;
  return ::inet_pton(AF_INET6, terminated, out.bytes) == 1;
}

bool read_network(std::string_view text, Network& out) {
  const size_t slash = std::min(text.find('/'), text.size());
  if (!read_address(text.substr(0, slash), out.first)) return false;
  const uint32_t skipped = out.first.version == 4 ? kMappedBits : 0;
  out.bits = kAddressBits;
  if (slash == text.size()) return true;
  const std::string_view length = text.substr(slash + 1);
  const auto read = std::from_chars(length.data(), length.data() + length.size(), out.bits);
  if (read.ec != std::errc() || read.ptr != length.data() + length.size()) return false;
  if (out.bits > kAddressBits - skipped) return false;
  out.bits += skipped;
  ASSERT(out.bits <= kAddressBits);
  return true;
}

// An IPv6 network so large that all of IPv4 would lie in it means none of that.
bool lies_in(const Address& address, const Network& network) {
  if (address.is_ipv4() && network.bits < kMappedBits) return false;
  const size_t whole = network.bits / 8;
  if (!std::equal(address.bytes, address.bytes + whole, network.first.bytes)) return false;
  const uint32_t rest = network.bits % 8;
  ASSERT(rest == 0 || whole < kAddressBytes);
  return rest == 0 || ((address.bytes[whole] ^ network.first.bytes[whole]) >> (8 - rest)) == 0;
}

bool check_network(Machine& machine, const Address& address, const Value& v, bool& inside) {
  if (type_of(v) != Type::kString) return machine.fail_type(1, "a network or an array of them", v);
  std::string_view text;
  Network network{};
  if (!text_of(machine, v, text) || !machine.charge(2)) return false;
  if (!read_network(text, network)) return fail_value(machine, 1, "a network such as \"10.0.0.0/8\"", text);
  ASSERT(!machine.failed());
  inside = lies_in(address, network);
  return true;
}

}  // namespace

bool ip_version(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  Address address{};
  if (!text_argument(machine, arguments, 0, text)) return false;
  out = read_address(text, address) ? int_value(address.version) : null_value();
  return true;
}

bool ip_in_cidr(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view text;
  Address address{};
  bool inside = false;
  if (!text_argument(machine, arguments, 0, text)) return false;
  if (!read_address(text, address)) return fail_value(machine, 0, "an IP address", text);
  if (type_of(arguments[1]) == Type::kArray) {
    Elements networks(arguments[1]);
    for (uint32_t i = array_size(arguments[1]); i > 0 && !inside; --i) {
      if (!check_network(machine, address, networks.next(), inside)) return false;
    }
  } else if (!check_network(machine, address, arguments[1], inside)) {
    return false;
  }
  out = bool_value(inside);
  return true;
}

}  // namespace colloquium::computo::ops
