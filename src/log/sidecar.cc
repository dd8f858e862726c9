#include "log/sidecar.h"

#include <array>
#include <cctype>
#include <cstdio>

#include "base/assert.h"
#include "io/checksum.h"

namespace colloquium::log {
namespace {

constexpr size_t kMaxSidecarBytes = size_t{64} << 20;
constexpr std::string_view kChecksum = "crc32c ";
constexpr size_t kChecksumLineBytes = kChecksum.size() + 8 + 1;

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' || c == ':';
}

constexpr char kHex[] = "0123456789abcdef";

void append_escaped(std::string& out, std::string_view field) {
  if (field.empty()) out += '%';  // so that an empty field is still one
  for (const char c : field) {
    if (is_plain(c)) {
      out += c;
    } else {
      const auto byte = static_cast<uint8_t>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

std::string unescaped(std::string_view field) {
  if (field == "%") return {};
  std::string out;
  for (size_t i = 0; i < field.size(); ++i) {
    unsigned value = 0;
    const bool code = field[i] == '%' && i + 2 < field.size() &&
                      std::from_chars(&field[i] + 1, &field[i] + 3, value, 16).ec == std::errc();
    out += code ? static_cast<char>(value) : field[i];
    if (code) i += 2;
  }
  return out;
}

std::string checksum_line(std::string_view text) {
  std::array<char, 16> hex{};
  std::snprintf(hex.data(), hex.size(), "%08x", io::crc32c(text));
  return std::string(kChecksum) + hex.data() + "\n";
}

// Whether `content` ends as every version so far does: with the checksum of all that is before it.
enum class Checksum { kRight, kWrong, kNone };
Checksum look_at_checksum(std::string_view content) {
  if (content.size() < kChecksumLineBytes) return Checksum::kNone;
  const std::string_view body = content.substr(0, content.size() - kChecksumLineBytes);
  const std::string_view line = content.substr(body.size());
  if (line == checksum_line(body)) return Checksum::kRight;
  return line.starts_with(kChecksum) && line.ends_with('\n') ? Checksum::kWrong : Checksum::kNone;
}

SidecarLine split(std::string_view text) {
  SidecarLine line;
  bool first = true;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (first) {
      line.name = word;
    } else {
      line.fields.push_back(unescaped(word));
    }
    first = false;
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  return line;
}

}  // namespace

SidecarWriter::SidecarWriter(std::string_view kind, int version) {
  ASSERT(version >= 1 && kind.find_first_of(" \n") == std::string_view::npos);
  text_.append("colloquium ").append(kind).append(" ").append(std::to_string(version)).append("\n");
}

void SidecarWriter::line(std::string_view name, std::initializer_list<std::string_view> fields) {
  ASSERT(name.find_first_of(" \n") == std::string_view::npos && name != "crc32c");
  text_ += name;
  for (const std::string_view field : fields) {
    text_ += ' ';
    append_escaped(text_, field);
  }
  text_ += '\n';
}

std::string SidecarWriter::finish() {
  ASSERT(!text_.empty() && text_.back() == '\n');
  return text_ + checksum_line(text_);
}

tl::unexpected<Error> sidecar_damaged(const std::string& path, std::string_view what) {
  return fail(ErrorCode::kCorrupt,
              "'" + path + "' is damaged: " + std::string(what) + "; restore it from a backup");
}

Result<Sidecar> parse_sidecar(std::string_view content, std::string_view kind, int newest,
                              const std::string& path) {
  ASSERT(newest >= 1);
  const std::string head = "colloquium " + std::string(kind) + " ";
  if (content.substr(0, head.size()) != head)
    return sidecar_damaged(path, "it does not begin with '" + head + "'");
  const Checksum checksum = look_at_checksum(content);
  Sidecar sidecar;
  const char* const from = content.data() + head.size();
  const char* const end = content.data() + content.size();
  if (std::from_chars(from, end, sidecar.version).ec != std::errc())
    return sidecar_damaged(path, "it has no version");
  // A newer one may be laid out in any way; but where it ends as ours do and that is wrong, a bit of the version may
  // be, and it is damage that a repair can mend.
  if ((sidecar.version > newest || sidecar.version < 1) && checksum != Checksum::kWrong) {
    return fail(ErrorCode::kInvalidConfig, "'" + path + "' has format version " + std::to_string(sidecar.version) +
                                               ", and this program knows up to " + std::to_string(newest) +
                                               "; use the Colloquium that wrote it, or a newer one");
  }
  if (content.size() < kChecksumLineBytes) return sidecar_damaged(path, "it is cut off");
  if (checksum != Checksum::kRight) return sidecar_damaged(path, "its checksum does not match");
  const std::string_view body = content.substr(0, content.size() - kChecksumLineBytes);
  for (size_t at = body.find('\n') + 1; at < body.size();) {
    const size_t line_end = body.find('\n', at);
    if (line_end == std::string_view::npos) return sidecar_damaged(path, "its last line is not ended");
    sidecar.lines.push_back(split(body.substr(at, line_end - at)));
    if (sidecar.lines.back().name.empty()) return sidecar_damaged(path, "it has a line without a name");
    at = line_end + 1;
  }
  return sidecar;
}

Result<Sidecar> read_sidecar(const io::FileSystem& fs, const std::string& path, std::string_view kind,
                             int newest) {
  TRY_ASSIGN(const std::string content, io::read_file(fs, path, kMaxSidecarBytes));
  return parse_sidecar(content, kind, newest, path);
}

}  // namespace colloquium::log
