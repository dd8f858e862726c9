#include "io/inflated_file.h"

#include <catch2/catch.hpp>
#include <string>

#include "io/compress.h"
#include "io/memory_file_system.h"

namespace colloquium::io {
namespace {

std::string text_of(size_t size) {
  std::string text;
  for (int n = 0; text.size() < size; ++n) text += "line " + std::to_string(n * 7919) + "\n";
  return text;
}

std::string compressed(Compression compression, std::string_view text) {
  Compressor compressor;
  std::string out;
  REQUIRE(compressor.compress(compression, text, out));
  return out;
}

Result<std::unique_ptr<File>> open(MemoryFileSystem& fs, std::string_view content) {
  auto file = fs.open("f", OpenMode::kOpenOrCreate).value();
  REQUIRE(file->truncate(0));
  REQUIRE(file->write_at(0, content));
  return inflated(std::move(file));
}

std::string read(const File& file, uint64_t offset, size_t size) {
  std::string out(size, '\0');
  out.resize(file.read_at(offset, {out.data(), out.size()}).value());
  return out;
}

}  // namespace

TEST_CASE("a compressed file is read as what it holds, from wherever") {
  const auto compression = GENERATE(Compression::kGzip, Compression::kZstd);
  MemoryFileSystem fs;
  const std::string first = text_of(700'000);
  const std::string text = first + "second";
  const auto file = open(fs, compressed(compression, first) + compressed(compression, "second"));
  REQUIRE(file);
  CHECK((*file)->info()->size == text.size());
  CHECK(read(**file, 0, text.size() + 10) == text);
  CHECK(read(**file, 650'000, 1000) == text.substr(650'000, 1000));
  CHECK(read(**file, 10, 20) == text.substr(10, 20));
  CHECK(read(**file, text.size() - 3, 10) == "ond");
  CHECK(read(**file, text.size() + 5, 10).empty());
}

TEST_CASE("a file that is not compressed is itself") {
  MemoryFileSystem fs;
  const auto file = open(fs, "plain");
  REQUIRE(file);
  CHECK(read(**file, 1, 10) == "lain");
  CHECK_FALSE(*is_compressed(**file));
  CHECK((*open(fs, ""))->info()->size == 0);
}

TEST_CASE("a compressed file that is damaged or not complete is refused before any of it is taken") {
  const auto compression = GENERATE(Compression::kGzip, Compression::kZstd);
  MemoryFileSystem fs;
  const std::string whole = compressed(compression, text_of(100'000));
  for (const size_t length : {size_t{6}, whole.size() / 2, whole.size() - 1}) {
    const auto cut = open(fs, std::string_view(whole).substr(0, length));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == ErrorCode::kCorrupt);
  }
  // A zstd frame need not have a checksum.
  if (compression == Compression::kZstd) return;
  std::string bad = whole;
  bad[whole.size() / 2] ^= 0x55;
  CHECK_FALSE(open(fs, bad));
}

}  // namespace colloquium::io
