// Operators that make a fixed-size value of a text, and those over addresses of hosts.
//
// Digests and authentication codes are OpenSSL's, as hexadecimal text; hashes are for distributing and comparing,
// not for security.
#pragma once

#include "computo/library/digester.h"
#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// digests.cc
template <Digest kDigest>
bool digest(Machine& machine, const Value* arguments, uint32_t count, Value& out);
template <Digest kDigest>
bool hmac(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool crc32(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool murmur2(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool uuid_v5(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool xxhash64(Machine& machine, const Value* arguments, uint32_t count, Value& out);
std::string check_uuid(std::span<const ConstantText> arguments);

// addresses.cc
bool ip_in_cidr(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool ip_version(Machine& machine, const Value* arguments, uint32_t count, Value& out);

}  // namespace ops

inline constexpr Operator kDigestLibrary[] = {
    native("crc32", 1, 1, {"Digests", "text: string", "integer", "type"}, "s", ops::crc32,
           "The CRC-32 of the string's bytes (of gzip and PNG), an integer from 0 to 4294967295.",
           R"(["crc32","123456789"])", "3421780262"),
    native("hmacSha1", 2, 2, {"Digests", "key: string, text: string", "string", "type"}, "s",
           ops::hmac<ops::Digest::kSha1>,
           "The HMAC of a text by SHA-1 with the first operand as the key (RFC 2104), 40 hexadecimal digits.",
           R"(["hmacSha1","key","The quick brown fox jumps over the lazy dog"])",
           R"("de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9")"),
    native("hmacSha256", 2, 2, {"Digests", "key: string, text: string", "string", "type"}, "s",
           ops::hmac<ops::Digest::kSha256>,
           "The HMAC of a text by SHA-256 with the first operand as the key (RFC 2104), 64 hexadecimal digits.",
           R"(["hmacSha256","key","The quick brown fox jumps over the lazy dog"])",
           R"("f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")"),
    native("ipInCidr", 2, 2,
           {"Addresses", "address: string, networks: string or array of strings", "boolean", "type value"}, "s.",
           ops::ip_in_cidr,
           "True if the IP address lies in the network, as in 10.0.0.0/8 or 2001:db8::/32, or in any of an array "
           "of them; a network without a length is one address. An IPv4 address mapped into IPv6 counts as IPv4. "
           "What is no address or network is an error of category value.",
           R"([["ipInCidr","10.1.2.3","10.0.0.0/8"],["ipInCidr","::1",["split","10.0.0.0/8 fc00::/7"," "]]])",
           "[true,false]"),
    native("ipVersion", 1, 1, {"Addresses", "address: string", "integer", "type"}, "s", ops::ip_version,
           "4 or 6 if the string is an address of that version of IP, else null.",
           R"([["ipVersion","192.0.2.1"],["ipVersion","::1"],["ipVersion","host"]])", "[4,6,null]"),
    native("md5", 1, 1, {"Digests", "text: string", "string", "type"}, "s", ops::digest<ops::Digest::kMd5>,
           "The MD5 digest of the string's bytes, 32 hexadecimal digits; not for security.", R"(["md5","abc"])",
           R"("900150983cd24fb0d6963f7d28e17f72")"),
    native("murmur2", 1, 1, {"Digests", "text: string", "integer", "type"}, "s", ops::murmur2,
           "The hash Kafka's default partitioner computes, an integer from -2147483648 to 2147483647. Its "
           "partition is the remainder of bitAnd of that and 2147483647 by the number of partitions.",
           R"(["murmur2","foobar"])", "-790332482"),
    native("sha1", 1, 1, {"Digests", "text: string", "string", "type"}, "s", ops::digest<ops::Digest::kSha1>,
           "The SHA-1 digest of the string's bytes, 40 hexadecimal digits; not for security.", R"(["sha1","abc"])",
           R"("a9993e364706816aba3e25717850c26c9cd0d89d")"),
    native("sha256", 1, 1, {"Digests", "text: string", "string", "type"}, "s", ops::digest<ops::Digest::kSha256>,
           "The SHA-256 digest of the string's bytes, 64 hexadecimal digits.", R"(["sha256","abc"])",
           R"("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")"),
    native("sha512", 1, 1, {"Digests", "text: string", "string", "type"}, "s", ops::digest<ops::Digest::kSha512>,
           "The SHA-512 digest of the string's bytes, 128 hexadecimal digits.",
           R"(["substring",["sha512","abc"],0,32])", R"("ddaf35a193617abacc417349ae204131")"),
    native("uuidV5", 2, 2, {"Digests", "namespace: string, name: string", "string", "type value"}, "s",
           ops::uuid_v5,
           "The UUID of version 5 (RFC 9562) of a name in a namespace, which is a UUID or dns, url, oid or x500. "
           "The same name always has the same UUID. Another namespace is an error of category value.",
           R"(["uuidV5","dns","www.example.com"])", R"("2ed6657d-e927-568b-95e1-2665a8aea6a2")", ops::check_uuid),
    native("xxhash64", 1, 1, {"Digests", "text: string", "string", "type"}, "s", ops::xxhash64,
           "The 64-bit xxHash of the string's bytes, 16 hexadecimal digits, since it exceeds the language's "
           "integers.",
           R"(["xxhash64","abc"])", R"("44bc2cf5ad770999")"),
};

}  // namespace colloquium::computo
