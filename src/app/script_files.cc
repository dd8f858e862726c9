#include "app/script_files.h"

#include <algorithm>
#include <array>
#include <utility>

#include "computo/notation.h"
#include "config/shown_line.h"
#include "io/byte_stream.h"
#include "io/file_system.h"

namespace colloquium::app {
namespace {

Result<std::string> read_all(const ReadBytes& read) {
  std::string text;
  std::array<char, 65536> piece;
  while (true) {
    TRY_ASSIGN(const size_t got, read(piece));
    if (got == 0) return text;
    if (text.size() + got > kScriptLimitBytes) {
      return fail(ErrorCode::kLimit, "standard input is longer than a script may be");
    }
    text.append(piece.data(), got);
  }
}

}  // namespace

Result<Script> read_script(const std::string& path, Console& console) {
  if (path == "-") {
    TRY_ASSIGN(std::string text, read_all(console.in));
    return Script{std::move(text), kStandardInput};
  }
  TRY_ASSIGN(std::string text, io::read_stream(path, kScriptLimitBytes));
  return Script{std::move(text), path};
}

VerbOption array_key_option(std::string& key) {
  return {"--array", "KEY", "the key that marks a literal array in a script; default 'array'", &key};
}

Status check_array_key(const std::string& key) {
  if (!key.empty()) return {};
  return fail(ErrorCode::kInvalidConfig, "--array needs a key of at least one character");
}

computo::CompileOptions script_options(const std::string& origin, const std::string& array_key) {
  computo::CompileOptions options;
  options.array_key = array_key;
  options.origin = origin;
  options.import = [](const std::string& path, const std::string& from, std::string& found, std::string& problem) {
    return io::read_beside(io::posix_file_system(), path, from, kScriptLimitBytes, found, problem);
  };
  options.any_metric = true;  // nobody declares one here, and nobody counts
  return options;
}

std::optional<std::string> SourceLines::line(std::string_view file, uint32_t line) {
  auto known = texts_.find(file);
  if (known == texts_.end()) {
    auto text = io::read_file(io::posix_file_system(), std::string(file), kScriptLimitBytes);
    std::optional<std::string> kept;
    if (text) kept = std::move(*text);
    known = texts_.emplace(file, std::move(kept)).first;
  }
  if (!known->second || line == 0) return std::nullopt;
  std::string_view rest = computo::without_byte_order_mark(*known->second);
  for (; line > 1; --line) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return std::string(rest);
}

std::string describe_with_source(const ConfigProblems& problems) {
  SourceLines lines;
  std::string text;
  for (const ConfigProblem& problem : problems) {
    text += problem.describe() + "\n";
    if (problem.mark.file == nullptr || problem.mark.line <= 0 || problem.mark.column <= 0) continue;
    const auto line = lines.line(*problem.mark.file, static_cast<uint32_t>(problem.mark.line));
    if (!line) continue;
    const config::ShownLine shown = config::hide_secrets(*line, static_cast<uint32_t>(problem.mark.column));
    text += computo::source_excerpt(shown.text, shown.column);
  }
  return text;
}

}  // namespace colloquium::app
