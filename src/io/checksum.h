// Checksums and hashes.
//
// CRC-32C (Castagnoli, RFC 3720 appendix B.4; check value of "123456789": 0xE3069283) guards what is stored,
// as Kafka's record batches want it. CRC-32 (IEEE 802.3; check value: 0xCBF43926) is what gzip and AWS's event
// streams have. XXH3 (xxhash.com) finds and spreads: dedupe ids, fingerprints; it is no protection against someone
// who chooses the input. Thread safety: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace colloquium::io {

// Of `bytes`, or of what `crc` was computed over followed by `bytes`.
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

// CRC-32 of the same.
uint32_t crc32(std::string_view bytes, uint32_t crc = 0);

// crc32c(a ‖ b) from crc32c(a), crc32c(b) and the length of b, in O(log length_b).
uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);

uint64_t xxh3_64(std::string_view bytes, uint64_t seed = 0);
// {low, high} 64 bits.
std::array<uint64_t, 2> xxh3_128(std::string_view bytes, uint64_t seed = 0);

}  // namespace colloquium::io
