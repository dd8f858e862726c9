#include "computo/imports.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "colloquium/batch.h"

#include "base/assert.h"
#include "computo/notation.h"
#include "computo/operators.h"
#include "computo/sugar.h"
#include "json/walk.h"

namespace colloquium::computo {

namespace {

// Enough for any library of scripts, and little enough that a script cannot fill the memory with imports.
constexpr size_t kMostModules = 256;
constexpr size_t kMostText = 64u << 20;

class Reader {
 public:
  Reader(const CompileOptions& options, uint32_t depth, Program& program)
      : options_(options), depth_(depth), program_(program) {}

  void read() {
    for (uint32_t module = 0; module < program_.modules.size(); ++module) {
      const uint32_t end = program_.modules[module].end;
      for (uint32_t token = program_.modules[module].root; token < end; ++token) {
        if (program_.tape[token].type() == TokenType::kArray) look_at(module, token);
      }
    }
  }

 private:
  void look_at(uint32_t module, uint32_t token) {
    const json::ValueView call = program_.expression(token);
    if (call.count() != 2 || !is_call_of(program_, token, "import")) return;
    const json::ValueView path = call.first_child().next();
    if (path.type() != TokenType::kString) return;
    Import import;
    import.call = token;
    std::string scratch;
    import.module = find(std::string(path.string(scratch)), program_.modules[module].origin, import.problem);
    program_.imports.push_back(std::move(import));
  }

  // The module of a path as `from` names it.
  uint32_t find(const std::string& path, const std::string& from, std::string& problem) {
    std::string origin;
    const std::optional<std::string> text = options_.import(path, from, origin, problem);
    if (!text) {
      if (problem.empty()) problem = "the script cannot be read";
      problem = "can't import \"" + path + "\": " + problem;
      return 0;
    }
    const auto known = std::find_if(program_.modules.begin(), program_.modules.end(),
                                    [&](const Module& module) { return module.origin == origin; });
    if (known != program_.modules.end()) return static_cast<uint32_t>(known - program_.modules.begin());
    if (program_.modules.size() >= kMostModules || program_.text.size() + text->size() > kMostText) {
      problem = "can't import \"" + path + "\": too many scripts, or too long ones, are imported already";
      return 0;
    }
    return add(*text, std::move(origin), problem);
  }

  uint32_t add(std::string_view text, std::string origin, std::string& problem) {
    CompileOptions options;
    options.array_key = options_.array_key;
    options.origin = origin;
    Module module;
    module.origin = std::move(origin);
    ScriptText script = script_text(module.origin, text);
    std::string json = std::move(script.text);
    if (script.notation == Notation::kSugar) {
      ScriptError error;
      auto sugar = read_sugar(json, options, error);
      if (!sugar) {
        problem = "in what is imported, " + error.describe(module.origin);
        return 0;
      }
      json = std::move(sugar->json);
      module.positions = std::move(sugar->positions);
    }
    std::vector<TapeToken> tape;
    if (!walk(json, tape, module, problem)) return 0;
    return append(json, tape, std::move(module));
  }

  bool walk(std::string& json, std::vector<TapeToken>& tape, const Module& module, std::string& problem) const {
    json::WalkError wrong;
    const size_t size = json.size();
    json.append(kBatchPadding, '\0');
    const bool good = json::Walker({depth_}).walk({json.data(), size}, tape, wrong);
    json.resize(size);
    if (good) return true;
    tape.clear();
    problem = "\"" + module.origin + "\", which is imported, is no JSON: " + wrong.what + " at byte " +
              std::to_string(wrong.byte);
    return false;
  }

  // Offsets and indexes count on from what is there already.
  uint32_t append(std::string_view json, const std::vector<TapeToken>& tape, Module module) {
    program_.text.resize(program_.text.size() - kBatchPadding);
    program_.text += '\n';
    module.text_begin = program_.text.size();
    module.root = static_cast<uint32_t>(program_.tape.size());
    program_.text += json;
    module.text_end = program_.text.size();
    program_.text.append(kBatchPadding, '\0');
    for (TapeToken token : tape) {
      token.offset += static_cast<uint32_t>(module.text_begin);
      token.next += module.root;
      program_.tape.push_back(token);
    }
    module.end = static_cast<uint32_t>(program_.tape.size());
    for (TextPosition& position : module.positions) position.byte += static_cast<uint32_t>(module.text_begin);
    program_.modules.push_back(std::move(module));
    return static_cast<uint32_t>(program_.modules.size() - 1);
  }

  const CompileOptions& options_;
  const uint32_t depth_;
  Program& program_;
};

}  // namespace

void read_imports(const CompileOptions& options, uint32_t depth, Program& program) {
  ASSERT(program.modules.size() == 1);
  if (options.import == nullptr || program.text.find("import") == std::string::npos) return;
  Reader(options, depth, program).read();
  std::sort(program.imports.begin(), program.imports.end(),
            [](const Import& a, const Import& b) { return a.call < b.call; });
}

const Module& module_of_token(const Program& program, uint32_t token) {
  auto after = std::upper_bound(program.modules.begin(), program.modules.end(), token,
                                [](uint32_t t, const Module& module) { return t < module.root; });
  ASSERT(after != program.modules.begin());
  return *--after;
}

const Module& module_of_byte(const Program& program, uint64_t byte) {
  auto after = std::upper_bound(program.modules.begin(), program.modules.end(), byte,
                                [](uint64_t b, const Module& module) { return b < module.text_begin; });
  ASSERT(after != program.modules.begin());
  return *--after;
}

}  // namespace colloquium::computo
