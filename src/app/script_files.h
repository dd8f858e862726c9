// Script files as the verbs of `computo` need them: their texts, what they import, and their lines for messages.
//
// Thread safety: main thread only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/config_spec.h"
#include "colloquium/result.h"

#include "app/verb.h"
#include "computo/error_text.h"
#include "computo/program.h"

namespace colloquium::app {

inline constexpr size_t kScriptLimitBytes = size_t{64} << 20;
// What messages call a script that is given by -e, and one that comes from standard input.
inline constexpr const char* kInline = "-e";
inline constexpr const char* kStandardInput = "stdin";

// The text of a script and what messages call it.
struct Script {
  std::string text;
  std::string origin;
};

// The file, or standard input for "-".
Result<Script> read_script(const std::string& path, Console& console);

// The row of the key that marks literal arrays, for every verb that reads scripts; and what is wrong with the key.
VerbOption array_key_option(std::string& key);
Status check_array_key(const std::string& key);

// For compiling a script by itself: what it imports is found from its folder, and it may name any metric.
computo::CompileOptions script_options(const std::string& origin, const std::string& array_key);

// The lines of files, for messages: of those that were added as they were added, of others as they are on disk.
class SourceLines {
 public:
  void add(const Script& script) { texts_[script.origin] = script.text; }
  std::optional<std::string> line(std::string_view file, uint32_t line);
  computo::SourceLine reader() {
    return [this](std::string_view file, uint32_t number) { return line(file, number); };
  }

 private:
  std::map<std::string, std::optional<std::string>, std::less<>> texts_;
};

// Each problem on its line, with the line of the file below it, without the secrets that stand there.
std::string describe_with_source(const ConfigProblems& problems);

}  // namespace colloquium::app
