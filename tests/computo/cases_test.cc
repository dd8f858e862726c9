// Runs tests/computo/cases/*.test: scripts and what they give, byte for byte.
//
// A case is a block of lines, blocks being separated by empty lines:
//
//     = a sentence that names it
//     ["+", 1, 2]                     the script, on one line or several
//     < {"a":1}                       inputs, one JSON text a line
//     > 3                             the result as it is written, or
//     ! type /+/1                     the error's category and path, or
//     ! unknown_operator / map        … and the name it suggests
//
// Lines that begin with # say something to the reader.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"

#include "computo/program.h"
#include "json/walk.h"

namespace colloquium::computo {
namespace {

struct Case {
  std::string place;  // "sorting.test:12: a sentence"
  std::string script;
  std::vector<std::string> inputs;
  std::string wanted;  // as the last line of the case says it
};

struct Text {
  explicit Text(const std::string& text) : bytes(text + std::string(kBatchPadding, '\0')) {
    json::WalkError error;
    INFO(text);
    REQUIRE(json::Walker().walk({bytes.data(), text.size()}, tape, error));
  }
  json::ValueView view() const { return {bytes.data(), tape.data(), 0}; }
  std::string bytes;
  std::vector<TapeToken> tape;
};

void read_line(const std::string& line, const std::string& place, std::vector<Case>& cases) {
  if (line.starts_with("= ")) {
    cases.push_back({place + ": " + line.substr(2), {}, {}, {}});
    return;
  }
  REQUIRE_FALSE(cases.empty());
  Case& last = cases.back();
  INFO(place);
  REQUIRE(last.wanted.empty());
  if (line.starts_with("< ")) {
    last.inputs.push_back(line.substr(2));
  } else if (line.starts_with("> ") || line.starts_with("! ")) {
    last.wanted = line;
  } else {
    last.script += line + "\n";
  }
}

std::vector<Case> read_cases(const std::filesystem::path& path) {
  std::vector<Case> cases;
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.starts_with("#")) continue;
    read_line(line, path.filename().string() + ":" + std::to_string(number), cases);
  }
  return cases;
}

std::string told(const ScriptError& error) {
  std::string text = "! " + std::string(to_string(error.category)) + " " + error.path;
  if (!error.hint.empty()) text += " " + error.hint;
  return text;
}

// What the script gives, in the form in which a case says it.
std::string outcome(const Case& one) {
  CompileFailure failure;
  const ProgramPtr program = compile_json(one.script, {}, failure);
  if (program == nullptr) return told(failure.errors.front());
  std::vector<Text> texts;
  std::vector<json::ValueView> inputs;
  texts.reserve(one.inputs.size());
  for (const std::string& input : one.inputs) inputs.push_back(texts.emplace_back(input).view());
  Evaluator evaluator(program);
  if (!evaluator.evaluate(inputs)) return told(evaluator.error());
  std::vector<char> bytes;
  std::vector<TapeToken> tape;
  if (!evaluator.write(bytes, &tape)) return told(evaluator.error());
  const std::string written(bytes.begin(), bytes.end());
  const Text walked(written);
  CHECK(walked.tape.size() == tape.size());
  for (size_t i = 0; i < std::min(tape.size(), walked.tape.size()); ++i) {
    CHECK(tape[i].type() == walked.tape[i].type());
    CHECK(tape[i].offset == walked.tape[i].offset);
    CHECK(tape[i].length == walked.tape[i].length);
    CHECK(tape[i].next == walked.tape[i].next);
    CHECK(tape[i].count == walked.tape[i].count);
    CHECK(tape[i].flags == walked.tape[i].flags);
  }
  return "> " + written;
}

}  // namespace

TEST_CASE("every case of the language's case files comes out to the byte", "[REQ-031]") {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(COMPUTO_CASES)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 10);
  for (const auto& file : files) {
    const std::vector<Case> cases = read_cases(file);
    REQUIRE_FALSE(cases.empty());
    for (const Case& one : cases) {
      INFO(one.place);
      CHECK(outcome(one) == one.wanted);
    }
  }
}

}  // namespace colloquium::computo
