// computo_conformance: answers requests of the language's conformance files, line by line.
//
// Request: one JSON object a line, as run_vectors.py sends it. Response: {"id":…, "value":…}, {"id":…, "out":…} of
// a conversion, or {"id":…, "error":"<category>", "hint":…, "message":…}. Every evaluation is made three ways
// (three_ways.h); if they differ, that is the error. A line that is no request is answered with an error, too,
// whatever it holds. The nesting of a request is bounded more loosely than that of a script, since the script
// stands inside it.

#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"

#include "computo/convert.h"
#include "computo/program.h"
#include "json/escape.h"
#include "json/view.h"
#include "json/walk.h"
#include "tests/computo/three_ways.h"

namespace {

using namespace colloquium;
using colloquium::json::ValueView;

constexpr uint32_t kRequestDepth = 4096;
// What is longer is read past.
constexpr size_t kRequestBytes = size_t{64} << 20;
// An error of the request, not of the script in it.
constexpr const char* kBadRequest = "request";

// A JSON text with its tape, at an address of its own.
struct Text {
  std::string bytes;
  size_t size = 0;
  std::vector<TapeToken> tape;
  json::WalkError error;

  bool read(std::string_view text, json::WalkLimits limits = {}) {
    bytes.assign(text);
    size = text.size();
    bytes.append(kBatchPadding, '\0');
    return json::Walker(limits).walk({bytes.data(), size}, tape, error);
  }
  ValueView view() const { return {bytes.data(), tape.data(), 0}; }
};

struct Answer {
  std::string value;
  std::string error;
  std::string hint;
  std::string message;
  bool converted = false;
};

std::string decode_base64(std::string_view in) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : in) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>((bits >> held) & 255u));
    }
  }
  return out;
}

// Empty if it is no string.
std::string text_of(const ValueView& view) {
  if (view.type() != TokenType::kString) return {};
  std::string scratch;
  return std::string(view.string(scratch));
}

// The JSON text a request gives as a value, as text, or as base64.
std::optional<std::string> given(const ValueView& request, const std::string& name) {
  if (const auto value = request.member(name)) return std::string(value->raw());
  if (const auto text = request.member(name + "_text")) return text_of(*text);
  if (const auto coded = request.member(name + "_b64")) return decode_base64(text_of(*coded));
  return std::nullopt;
}

// Inputs that a request only describes, because they would be too long to write down.
std::optional<std::string> generated_input(const std::string& description) {
  unsigned opening = 0, closing = 0;
  int used = 0;
  std::sscanf(description.c_str(), "one input: %7u opening brackets then %7u closing brackets%n", &opening,
              &closing, &used);
  if (used == 0 || static_cast<size_t>(used) != description.size()) return std::nullopt;
  return std::string(opening, '[') + std::string(closing, ']');
}

// Nothing if they are described in words that are not known.
std::optional<std::vector<std::string>> given_inputs(const ValueView& request) {
  std::vector<std::string> out;
  for (const char* name : {"inputs", "inputs_text", "inputs_b64"}) {
    const auto list = request.member(name);
    if (!list || list->type() != TokenType::kArray) continue;
    const std::string_view kind = name;
    for (ValueView item = list->first_child(); !item.at_end_of(*list); item = item.next()) {
      if (kind == "inputs") out.emplace_back(item.raw());
      if (kind == "inputs_text") out.push_back(text_of(item));
      if (kind == "inputs_b64") out.push_back(decode_base64(text_of(item)));
    }
  }
  if (const auto described = request.member("inputs_gen")) {
    const auto input = generated_input(text_of(*described));
    if (!input) return std::nullopt;
    out.push_back(*input);
  }
  return out;
}

Answer failed(const computo::ScriptError& error) {
  return {{}, std::string(to_string(error.category)), error.hint, error.message()};
}

bool says(const ValueView& request, const char* name, std::string_view wanted) {
  const auto value = request.member(name);
  return value && value->type() == TokenType::kString && text_of(*value) == wanted;
}

// Sugar is text, so the request holds it as a string.
std::string unquoted(const std::string& json) {
  Text text;
  return text.read(json) && text.view().type() == TokenType::kString ? text_of(text.view()) : json;
}

Answer converted(const ValueView& request, const computo::CompileOptions& options) {
  const auto in = given(request, "in");
  if (!in) return {{}, kBadRequest, {}, "nothing to convert"};
  computo::ScriptError error;
  const bool json = says(request, "to", "json");
  const auto out = json ? computo::to_json(unquoted(*in), options, error) : computo::to_sugar(*in, options, error);
  if (!out) return failed(error);
  if (json) return {*out, {}, {}, {}, true};
  std::string quoted;
  json::append_quoted(*out, quoted);
  return {quoted, {}, {}, {}, true};
}

// Requests with a mode (section 13) are calls of the operator of that name: template, other inputs and options
// are inputs of the call.
computo::ProgramPtr compiled_call(std::string_view mode, size_t inputs, bool with_options,
                                  computo::CompileFailure& failure) {
  const std::string name(mode == "permuto.reverse_template" ? "permuto.reverseTemplate" : mode);
  std::string script = "[\"" + name + "\"";
  for (size_t i = 0; i < inputs; ++i) script += ",[\"$inputs\",\"/" + std::to_string(i) + "\"]";
  if (with_options) script += ",[\"$inputs\",\"/" + std::to_string(inputs) + "\"]";
  return computo::compile_json(script + "]", {}, failure);
}

// Those of a host: what a request without a mode gives is valid.
computo::PermutoOptions permuto_options(const ValueView& given_options) {
  computo::PermutoOptions out;
  if (const auto on = given_options.member("interpolation")) out.interpolation = on->type() == TokenType::kTrue;
  if (const auto missing = given_options.member("missing_key")) {
    const std::string name = text_of(*missing);
    if (name == "error") out.missing_key = computo::PermutoOptions::MissingKey::kError;
    if (name == "remove") out.missing_key = computo::PermutoOptions::MissingKey::kRemove;
  }
  return out;
}

computo::ProgramPtr compiled(const ValueView& request, const computo::CompileOptions& options,
                             computo::CompileFailure& failure) {
  const std::string script = given(request, "script").value_or("");
  if (says(request, "syntax", "sugar")) return computo::compile_sugar(unquoted(script), options, failure);
  return computo::compile_json(script, options, failure);
}

// What a request says beside script and inputs.
struct Settings {
  computo::CompileOptions compile;
  std::optional<ValueView> permuto;
};

Settings settings_of(const ValueView& request) {
  Settings out;
  if (const auto tier = request.member("tier")) out.compile.core_only = text_of(*tier) == "core";
  const auto options = request.member("options");
  if (!options || options->type() != TokenType::kObject) return out;
  if (const auto key = options->member("array_key")) out.compile.array_key = text_of(*key);
  const auto permuto = options->member("permuto");
  if (permuto && permuto->type() == TokenType::kObject) {
    out.permuto = permuto;
    out.compile.permuto = permuto_options(*permuto);
  }
  return out;
}

Answer answer(const ValueView& request) {
  if (request.type() != TokenType::kObject) return {{}, kBadRequest, {}, "a request is an object"};
  const Settings settings = settings_of(request);
  if (settings.compile.array_key.empty()) return {{}, kBadRequest, {}, "the array key is empty"};
  if (says(request, "syntax", "convert")) return converted(request, settings.compile);
  auto inputs = given_inputs(request);
  if (!inputs) return {{}, kBadRequest, {}, "inputs_gen is not understood"};
  computo::CompileFailure failure;
  computo::ProgramPtr program;
  if (const auto mode = request.member("mode")) {
    inputs->insert(inputs->begin(), given(request, "script").value_or(""));
    program = compiled_call(text_of(*mode), inputs->size(), settings.permuto.has_value(), failure);
    if (settings.permuto) inputs->emplace_back(settings.permuto->raw());
  } else {
    program = compiled(request, settings.compile, failure);
  }
  if (program == nullptr) return failed(failure.errors.front());
  const auto outcome = computo::testing::evaluate_three_ways(program, *inputs);
  return {outcome.value, outcome.error, outcome.hint, outcome.described};
}

// Line separators of Unicode as escapes: the comparing script reads responses line by line and takes these for
// ends of lines. They stand inside strings only, so the value stays the same.
std::string without_line_separators(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kSeparators[] = {
      {"\xC2\x85", "\\u0085"}, {"\xE2\x80\xA8", "\\u2028"}, {"\xE2\x80\xA9", "\\u2029"}};
  for (const auto& [separator, escape] : kSeparators) {
    for (size_t at = 0; (at = text.find(separator, at)) != std::string::npos; at += escape.size()) {
      text.replace(at, separator.size(), escape);
    }
  }
  return text;
}

void append_member(const char* name, const std::string& text, std::string& out) {
  if (text.empty()) return;
  out += std::string(",\"") + name + "\":";
  json::append_quoted(text, out);
}

std::string response(std::string_view line) {
  Text request;
  Answer result{{}, kBadRequest, {}, "the request is no JSON"};
  std::string id = "null";
  if (request.read(line, {kRequestDepth})) {
    const bool object = request.view().type() == TokenType::kObject;
    if (const auto given_id = object ? request.view().member("id") : std::nullopt) id = given_id->raw();
    result = answer(request.view());
  }
  std::string out = R"({"id":)" + id;
  if (result.error.empty()) {
    out += (result.converted ? R"(,"out":)" : R"(,"value":)") + result.value;
  } else {
    append_member("error", result.error, out);
    append_member("hint", result.hint, out);
    append_member("message", result.message, out);
  }
  return without_line_separators(out + "}");
}

// False at the end. What goes beyond kRequestBytes is dropped, and `whole` is false.
bool read_line(std::string& line, bool& whole) {
  line.clear();
  whole = true;
  std::streambuf& in = *std::cin.rdbuf();
  int c = in.sbumpc();
  if (c == std::char_traits<char>::eof()) return false;
  for (; c != '\n' && c != std::char_traits<char>::eof(); c = in.sbumpc()) {
    whole = whole && line.size() < kRequestBytes;
    if (whole) line.push_back(static_cast<char>(c));
  }
  return true;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  bool whole = true;
  while (read_line(line, whole)) {
    std::cout << (whole ? response(line) : R"({"id":null,"error":"request","message":"the request is too long"})")
              << '\n';
  }
  return 0;
}
