#include "app/script_session.h"

#include <ostream>
#include <utility>

#include "computo/notation.h"
#include "io/byte_stream.h"

namespace colloquium::app {

namespace {
constexpr size_t kInputLimitBytes = size_t{1} << 30;
}  // namespace

void add_script_options(Verb& verb, ScriptArguments& script) {
  verb.arguments = "[SCRIPT] [INPUT…]";
  verb.options.insert(verb.options.begin(), {"-e,--expression", "EXPR",
                                             "the script itself, in place of a SCRIPT file", &script.expression});
  verb.options.push_back(array_key_option(script.array_key));
  verb.options.push_back(
      {"ARGUMENT", "", "the SCRIPT file (unless -e is given), then the INPUTs", &script.arguments});
}

Result<Script> take_script(ScriptArguments& given) {
  TRY(check_array_key(given.array_key));
  if (given.expression) return Script{*given.expression, kInline};
  if (given.arguments.empty()) {
    return fail(ErrorCode::kInvalidConfig, "there is no script: name a SCRIPT file, or give one with -e");
  }
  const std::string path = given.arguments.front();
  given.arguments.erase(given.arguments.begin());
  TRY_ASSIGN(std::string text, io::read_stream(path, kScriptLimitBytes));
  return Script{std::move(text), path};
}

void ErrorTeller::tell(const computo::ScriptError& error, uint64_t input_line) {
  const std::string note = input_line > 0 ? " (input line " + std::to_string(input_line) + ")" : "";
  console_.err << computo::error_text(error, origin_, lines_.reader(), note);
}

computo::ProgramPtr compile_or_tell(const Script& script, const computo::CompileOptions& options,
                                    ErrorTeller& teller) {
  computo::CompileFailure failure;
  computo::ProgramPtr program = computo::compile_source(script.text, options, failure);
  for (const computo::ScriptError& error : failure.errors) teller.tell(error);
  return program;
}

Result<ReadBytes> open_bytes(const std::string& path, Console& console) {
  if (path == "-") return console.in;
  TRY_ASSIGN(io::ByteStream opened, io::ByteStream::open(path));
  const auto stream = std::make_shared<io::ByteStream>(std::move(opened));
  return ReadBytes([stream](std::span<char> into) { return stream->read(into); });
}

Result<json::Document> read_input(const std::string& argument) {
  // JSON first: a name that is a JSON text as well ("12") can be given as "./12".
  auto document = json::parse(argument, "INPUT");
  if (document) return document;
  auto text = io::read_stream(argument, kInputLimitBytes);
  if (text) return json::parse(computo::without_byte_order_mark(*text), argument);
  return fail(ErrorCode::kInvalidInput, "INPUT '" + argument + "' is neither JSON (" +
                                            document.error().describe() + ") nor a file that can be read (" +
                                            text.error().describe() + ")");
}

Result<ScriptInputs> ScriptInputs::read(const std::vector<std::string>& arguments) {
  ScriptInputs inputs;
  for (const std::string& argument : arguments) {
    TRY_ASSIGN(json::Document document, read_input(argument));
    inputs.add(std::move(document));
  }
  return inputs;
}

void ScriptInputs::add(json::Document document) {
  documents_.push_back(std::make_unique<const json::Document>(std::move(document)));
  const json::Document& kept = *documents_.back();
  views_.emplace_back(kept.text.data(), kept.tape.data(), 0);
}

void ScriptInputs::clear() {
  documents_.clear();
  views_.clear();
}

}  // namespace colloquium::app
