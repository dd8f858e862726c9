#include "components/file/file_cursor.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/assert.h"
#include "io/checksum.h"
#include "io/file_system.h"

namespace colloquium::components {
namespace {

constexpr std::string_view kKind = "file";
constexpr std::string_view kVersion = "1";
constexpr size_t kFields = 8;
// More than can be at the door and not yet known to the cursor that is stored.
constexpr int64_t kBaseGap = int64_t{1} << 30;

std::string hex(uint64_t number) {
  char text[17];
  const auto end = std::to_chars(text, text + sizeof text, number, 16).ptr;
  return std::string(text, end);
}

std::string encode(Fingerprint print) {
  return std::to_string(print.length) + ":" + hex(print.hash);
}

template <class Number>
bool parse(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse(std::string_view text, Fingerprint& print) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  return parse(text.substr(0, colon), print.length) && parse(text.substr(colon + 1), print.hash, 16) &&
         print.length <= kFingerprintBytes;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> fields;
  while (true) {
    const size_t space = text.find(' ');
    fields.push_back(text.substr(0, space));
    if (space == std::string_view::npos) return fields;
    text.remove_prefix(space + 1);
  }
}

}  // namespace

Fingerprint fingerprint_of(std::string_view bytes) {
  ASSERT(bytes.size() <= kFingerprintBytes);
  return {bytes.size(), io::xxh3_64(bytes)};
}

Result<Fingerprint> read_fingerprint(const io::File& file, uint64_t offset, uint64_t length) {
  char bytes[kFingerprintBytes];
  ASSERT(length <= sizeof bytes);
  TRY_ASSIGN(const size_t got, file.read_at(offset, {bytes, static_cast<size_t>(length)}));
  return fingerprint_of({bytes, got});
}

std::string FileCursor::encode() const {
  std::string text(kKind);
  text.append(" ").append(kVersion);
  text += " " + std::to_string(inode) + " " + std::to_string(size) + " " + std::to_string(base);
  text += " " + std::to_string(offset);
  text += " " + components::encode(head) + " " + components::encode(tail);
  return text;
}

Result<FileCursor> FileCursor::decode(const std::string& text) {
  const std::vector<std::string_view> fields = split(text);
  FileCursor cursor;
  // Written by us, but through a disk: taken apart as if by anyone.
  const bool known = fields.size() == kFields && fields[0] == kKind && fields[1] == kVersion &&
                     parse(fields[2], cursor.inode) && parse(fields[3], cursor.size) &&
                     parse(fields[4], cursor.base) && parse(fields[5], cursor.offset) &&
                     parse(fields[6], cursor.head) && parse(fields[7], cursor.tail) &&
                     cursor.tail.length <= cursor.offset && cursor.base >= 0;
  if (known) return cursor;
  return fail(ErrorCode::kCorrupt,
              "the position stored for this source is not one of a file source of this version: '" + text +
                  "'; use the version that wrote it, or give the source another name to start anew");
}

Result<bool> FileCursor::speaks_of(const io::File& file) const {
  TRY_ASSIGN(const io::FileInfo info, file.info());
  // What was read is not there any more.
  if (info.size < offset) return false;
  // The same lengths as then: a file that grew has the same first and last bytes there.
  TRY_ASSIGN(const Fingerprint head_now, read_fingerprint(file, 0, head.length));
  TRY_ASSIGN(const Fingerprint tail_now, read_fingerprint(file, offset - tail.length, tail.length));
  // Of nothing there is nothing to compare.
  return (head.length == 0 || head_now == head) && (tail.length == 0 || tail_now == tail);
}

int64_t FileCursor::next_base() const {
  return base + static_cast<int64_t>(std::max(size, offset)) + kBaseGap;
}

}  // namespace colloquium::components
