#include "components/file/path_template.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "formats/text_template.h"

namespace colloquium::components {
namespace {

constexpr std::string_view kTimeFields = "YmdHMSj";
constexpr size_t kNameBytesMax = 200;  // a file's name may have 255, and more is put to it

bool stays(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

void append_time(char field, int64_t timestamp_ms, std::string& out) {
  const std::time_t seconds = timestamp_ms >= 0 ? timestamp_ms / 1000 : (timestamp_ms - 999) / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  const auto number = [&](const char* format, int value) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), format, value);
    out += text.data();
  };
  if (field == 'Y') return number("%04d", parts.tm_year + 1900);
  if (field == 'm') return number("%02d", parts.tm_mon + 1);
  if (field == 'd') return number("%02d", parts.tm_mday);
  if (field == 'H') return number("%02d", parts.tm_hour);
  if (field == 'M') return number("%02d", parts.tm_min);
  if (field == 'S') return number("%02d", parts.tm_sec);
  number("%03d", parts.tm_yday + 1);
}

}  // namespace

std::string escaped_name(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (stays(c) && !(c == '.' && out.empty())) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Result<PathTemplate> PathTemplate::parse(const std::string& text, const ConfigMark& mark) {
  PathTemplate path;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t plain = std::min(rest.find_first_of("%{}"), rest.size());
    if (plain > 0) path.pieces_.push_back({std::string(rest.substr(0, plain)), 0, {}});
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    const std::string_view two = rest.substr(0, 2);
    if (two == "%%" || two == "{{" || two == "}}") {
      path.pieces_.push_back({std::string(1, two[0]), 0, {}});
      rest.remove_prefix(2);
    } else if (rest[0] == '%') {
      TRY(path.add_time(rest));
    } else if (rest[0] == '{') {
      TRY(path.add_field(rest, mark));
    } else {
      return fail(ErrorCode::kInvalidInput, "path has a '}' that closes nothing; write }} for one in a name");
    }
  }
  return path;
}

Status PathTemplate::add_time(std::string_view& rest) {
  if (rest.size() < 2 || kTimeFields.find(rest[1]) == std::string_view::npos) {
    return fail(ErrorCode::kInvalidInput,
                "path has the field '" + std::string(rest.substr(0, 2)) +
                    "', which is none; known: %Y %m %d %H %M %S %j, and %% for a percent sign");
  }
  pieces_.push_back({{}, rest[1], {}});
  rest.remove_prefix(2);
  return {};
}

Status PathTemplate::add_field(std::string_view& rest, const ConfigMark& mark) {
  rest.remove_prefix(1);
  const size_t end = formats::end_of_field(rest);
  if (end < 2) {
    return fail(ErrorCode::kInvalidInput,
                "path has a '{' without expression or '}', as in {$input/id}; write {{ for one in a name");
  }
  Piece piece;
  piece.expression.kind = ConfigNode::Kind::kString;
  piece.expression.text = "= " + std::string(rest.substr(0, end - 1));
  piece.expression.quoted = true;
  piece.expression.mark = mark;
  pieces_.push_back(std::move(piece));
  rest.remove_prefix(end);
  return {};
}

bool PathTemplate::is_constant() const {
  return std::all_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return !piece.literal.empty(); });
}

void PathTemplate::check(const ScriptNames& names, ConfigProblems& problems) const {
  for (const Piece& piece : pieces_) formats::EventText::check(piece.expression, names, problems);
}

struct PathTemplate::Renderer::Part {
  std::string literal;
  char time = 0;
  std::unique_ptr<formats::EventText> expression;
};

Result<std::unique_ptr<PathTemplate::Renderer>> PathTemplate::Renderer::create(
    const PathTemplate& path, const formats::EventText::Variables& variables) {
  auto renderer = std::make_unique<Renderer>();
  for (const Piece& piece : path.pieces_) {
    auto part = std::make_shared<Part>();
    part->literal = piece.literal;
    part->time = piece.time;
    if (piece.literal.empty() && piece.time == 0) {
      TRY_ASSIGN(part->expression, formats::EventText::create(piece.expression, variables));
    }
    renderer->parts_.push_back(std::move(part));
  }
  return renderer;
}

Result<std::string_view> PathTemplate::Renderer::render(const Batch& batch, size_t i) {
  path_.clear();
  for (const auto& part : parts_) TRY(append(*part, batch, i));
  // An expression writes '%' as %25, so this gives no name that another text has.
  if (path_.ends_with(kPartEnding)) path_.replace(path_.size() - kPartEnding.size(), 1, "%2E");
  return path_;
}

Status PathTemplate::Renderer::append(const Part& part, const Batch& batch, size_t i) {
  if (part.time != 0) {
    append_time(part.time, batch.entry(i).timestamp_ms, path_);
    return {};
  }
  if (part.expression == nullptr) {
    path_ += part.literal;
    return {};
  }
  TRY_ASSIGN(const std::string_view text, part.expression->evaluate(batch, i));
  const std::string name = escaped_name(text);
  if (name.empty()) return fail(ErrorCode::kInvalidInput, "an expression in path gave an empty text");
  if (name.size() > kNameBytesMax) {
    return fail(ErrorCode::kLimit, "an expression in path gave a text that is too long for the name of a file");
  }
  path_ += name;
  return {};
}

}  // namespace colloquium::components
