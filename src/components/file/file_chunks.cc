#include "components/file/file_chunks.h"

#include <algorithm>
#include <utility>

#include "io/file_system.h"

namespace colloquium::components {
namespace {
constexpr size_t kChunkBytes = size_t{1} << 20;
}

FileChunks::FileChunks(std::unique_ptr<io::File> file, const FileCursor& at, size_t max_line_bytes,
                       std::unique_ptr<formats::Framing> framing, bool follow)
    : file_(std::move(file)),
      cursor_(at),
      cutter_(max_line_bytes, at.offset, std::move(framing)),
      follow_(follow) {}

FileChunks::~FileChunks() = default;

Result<std::vector<FileChunk>> FileChunks::next(bool at_rest) {
  std::vector<FileChunk> chunks;
  at_end_ = false;
  while (chunks.empty() && !at_end_) {
    // A line that never ends makes this a long way.
    if (cancelled_) return fail(ErrorCode::kCancelled, "the source is being closed");
    TRY_ASSIGN(const size_t got, read());
    while (auto lines = cutter_.take()) chunks.push_back(chunk_of(std::move(*lines)));
    // Fewer bytes than asked for: this was the end. What is appended from now on is not read by this call.
    at_end_ = got < kChunkBytes;
  }
  if (!at_end_) return chunks;
  if (follow_ && !replaced_) {
    if (!at_rest) return chunks;
    if (auto lines = cutter_.take_at_rest()) chunks.push_back(chunk_of(std::move(*lines)));
    return chunks;
  }
  if (auto last = cutter_.finish()) chunks.push_back(chunk_of(std::move(*last)));
  return chunks;
}

Result<size_t> FileChunks::read() {
  TRY_ASSIGN(const io::FileInfo info, file_->info());
  const uint64_t at = cutter_.position();
  if (follow_ && info.size != at) {
    TRY_ASSIGN(const bool same, is_still_the_same(info));
    replaced_ = !same;
    if (replaced_) return 0;
  }
  // The file may have grown since: the next file's positions begin above the largest size seen.
  cursor_.size = std::max(cursor_.size, info.size);
  // A file that is followed mostly has little more; memory for a whole chunk would be had for nothing each time.
  const uint64_t left = info.size > at ? info.size - at : 0;
  const size_t wanted = follow_ ? static_cast<size_t>(std::min<uint64_t>(left + 1, kChunkBytes)) : kChunkBytes;
  TRY_ASSIGN(const size_t got, file_->read_at(at, cutter_.room(wanted)));
  cutter_.added(got);
  return got;
}

// Somebody may have cut it and written as much again.
Result<bool> FileChunks::is_still_the_same(const io::FileInfo& info) {
  if (info.size < cutter_.position()) return false;
  return cursor_.speaks_of(*file_);
}

FileChunk FileChunks::chunk_of(formats::Lines lines) {
  const std::string& body = *lines.body;
  cursor_.offset = lines.end;
  // The body of a line that was too long is not what the file holds.
  const bool as_read = body.size() == lines.end - lines.begin;
  const size_t tail = as_read ? std::min(body.size(), kFingerprintBytes) : 0;
  cursor_.tail = fingerprint_of(std::string_view(body).substr(body.size() - tail));
  // Made here, on the pool, and once: a chunk that is offered again has the same cursor.
  std::string cursor = cursor_.encode();
  return {std::move(lines), std::move(cursor)};
}

}  // namespace colloquium::components
