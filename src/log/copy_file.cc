#include "log/copy_file.h"

#include <algorithm>
#include <memory>

#include "base/assert.h"
#include "io/checksum.h"

namespace colloquium::log {

Result<uint32_t> copy_bytes(io::FileSystem& fs, const io::File& from, uint64_t position, uint64_t size,
                            const std::string& to) {
  ASSERT(!to.empty());
  const std::string part = to + ".tmp";
  TRY_ASSIGN(const std::unique_ptr<io::File> file, fs.open(part, io::OpenMode::kOpenOrCreate));
  TRY(file->truncate(0));
  std::string chunk;
  uint32_t crc = 0;
  for (uint64_t done = 0; done < size;) {
    chunk.resize(std::min<uint64_t>(size_t{1} << 20, size - done));
    TRY_ASSIGN(const size_t count, from.read_at(position + done, chunk));
    if (count == 0) {
      return fail(ErrorCode::kCorrupt, "cannot copy to '" + to + "': what is copied ends after " +
                                           std::to_string(done) + " of " + std::to_string(size) + " bytes");
    }
    const std::string_view bytes = std::string_view(chunk).substr(0, count);
    TRY(file->write_at(done, bytes));
    crc = io::crc32c(bytes, crc);
    done += count;
  }
  TRY(file->sync());
  TRY(fs.rename(part, to));
  return crc;
}

Result<uint32_t> copy_file(io::FileSystem& fs, const std::string& from, const std::string& to) {
  ASSERT(from != to);
  TRY_ASSIGN(const std::unique_ptr<io::File> file, fs.open(from, io::OpenMode::kRead));
  TRY_ASSIGN(const io::FileInfo info, file->info());
  return copy_bytes(fs, *file, 0, info.size, to);
}

}  // namespace colloquium::log
