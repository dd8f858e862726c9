#include "io/compress.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::io {
namespace {

constexpr Compression kAll[] = {Compression::kNone, Compression::kGzip, Compression::kLz4, Compression::kZstd};

std::string sample(size_t size) {
  std::string text;
  uint64_t state = 1;
  while (text.size() < size) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text += R"({"id":)" + std::to_string(state >> 40) + R"(,"kind":"order","total":)" +
            std::to_string(state >> 56) + "}\n";
  }
  text.resize(size);
  return text;
}

}  // namespace

TEST_CASE("every compression gives back what it was given [REQ-010]", "[REQ-010]") {
  Compressor compressor;
  Decompressor decompressor;
  const size_t size = GENERATE(size_t{0}, size_t{1}, size_t{300}, size_t{65536}, size_t{1000003}, size_t{5} << 20);
  const std::string text = sample(size);
  for (const Compression compression : kAll) {
    INFO(to_string(compression) << ", " << size << " bytes");
    std::string packed, unpacked;
    REQUIRE(compressor.compress(compression, text, packed));
    REQUIRE(decompressor.decompress(compression, packed, size, unpacked));
    CHECK(unpacked == text);
    if (compression != Compression::kNone && size > 60000) CHECK(packed.size() < size / 2);
  }
}

TEST_CASE("bytes that do not compress survive too") {
  Compressor compressor;
  Decompressor decompressor;
  std::string noise(300000, '\0');
  uint64_t state = 7;
  for (char& c : noise) c = static_cast<char>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
  for (const Compression compression : kAll) {
    std::string packed, unpacked;
    REQUIRE(compressor.compress(compression, noise, packed));
    REQUIRE(decompressor.decompress(compression, packed, noise.size(), unpacked));
    CHECK(unpacked == noise);
  }
}

TEST_CASE("a compressed block tells the size of what it holds") {
  Compressor compressor;
  for (const size_t size : {size_t{1}, size_t{300}, size_t{1000003}}) {
    for (const Compression compression : {Compression::kGzip, Compression::kLz4, Compression::kZstd}) {
      INFO(to_string(compression) << ", " << size << " bytes");
      std::string packed;
      REQUIRE(compressor.compress(compression, sample(size), packed));
      const std::string_view whole = packed;
      const auto told = declared_size(compression, whole.substr(0, 20), whole.substr(whole.size() - 4));
      CHECK(told == size);
      CHECK_FALSE(declared_size(compression, "", ""));
      CHECK_FALSE(declared_size(compression, "no frame at all, but text", ""));
    }
  }
  CHECK_FALSE(declared_size(Compression::kNone, "abcd", "abcd"));
}

TEST_CASE("decompression stops at its limit, whatever the input promises") {
  Compressor compressor;
  Decompressor decompressor;
  const std::string zeros(8 << 20, '\0');
  for (const Compression compression : kAll) {
    INFO(to_string(compression));
    std::string packed, unpacked;
    REQUIRE(compressor.compress(compression, zeros, packed));
    const Status refused = decompressor.decompress(compression, packed, zeros.size() - 1, unpacked);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kLimit);
    CHECK(unpacked.capacity() <= 2 * zeros.size());
    CHECK(decompressor.decompress(compression, packed, zeros.size(), unpacked));
  }
}

TEST_CASE("a prefix is the beginning of the whole") {
  Compressor compressor;
  Decompressor decompressor;
  const std::string text = sample(700000);
  for (const Compression compression : kAll) {
    std::string packed, prefix;
    REQUIRE(compressor.compress(compression, text, packed));
    for (const size_t wanted : {size_t{1}, size_t{61}, size_t{70000}, text.size(), text.size() + 10}) {
      REQUIRE(decompressor.decompress_prefix(compression, packed, wanted, prefix));
      CHECK(prefix == text.substr(0, wanted));
    }
  }
}

TEST_CASE("cut input is an error and never an endless loop or a read outside") {
  Compressor compressor;
  Decompressor decompressor;
  const std::string text = sample(3000);
  for (const Compression compression : {Compression::kGzip, Compression::kLz4, Compression::kZstd}) {
    std::string packed, unpacked;
    REQUIRE(compressor.compress(compression, text, packed));
    for (size_t length = 0; length < packed.size(); ++length) {
      INFO(to_string(compression) << " cut to " << length);
      const std::string cut = packed.substr(0, length);
      CHECK_FALSE(decompressor.decompress(compression, cut, 1 << 20, unpacked));
    }
    REQUIRE(decompressor.decompress(compression, packed, 1 << 20, unpacked));
    CHECK(unpacked == text);
  }
}

TEST_CASE("damaged input never gives more than the limit") {
  Compressor compressor;
  Decompressor decompressor;
  const std::string text = sample(2000);
  for (const Compression compression : {Compression::kGzip, Compression::kLz4, Compression::kZstd}) {
    std::string packed, unpacked;
    REQUIRE(compressor.compress(compression, text, packed));
    for (size_t bit = 0; bit < packed.size() * 8; ++bit) {
      std::string damaged = packed;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      if (decompressor.decompress(compression, damaged, 4096, unpacked)) CHECK(unpacked.size() <= 4096);
    }
  }
}

TEST_CASE("gzip members may follow one another") {
  Compressor compressor;
  Decompressor decompressor;
  std::string first, second, unpacked;
  REQUIRE(compressor.compress(Compression::kGzip, "hello ", first));
  REQUIRE(compressor.compress(Compression::kGzip, "world", second));
  REQUIRE(decompressor.decompress(Compression::kGzip, first + second, 100, unpacked));
  CHECK(unpacked == "hello world");
}

}  // namespace colloquium::io
