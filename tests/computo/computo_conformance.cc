// computo_conformance: answers requests of the language's conformance files, line by line.
//
// Request: one JSON object a line, as run_vectors.py sends it. Response: {"id":…, "value":…}, {"id":…, "out":…} of
// a conversion, or {"id":…, "error":"<category>", "hint":…}. The nesting of a request is bounded more loosely than
// that of a script, since the script stands inside it.

#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"

#include "computo/convert.h"
#include "computo/program.h"
#include "computo/text.h"
#include "json/escape.h"
#include "json/view.h"
#include "json/walk.h"

namespace {

using namespace colloquium;
using colloquium::json::ValueView;

constexpr uint32_t kRequestDepth = 4096;

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

std::string text_of(const ValueView& view) {
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

std::vector<std::string> given_inputs(const ValueView& request) {
  std::vector<std::string> out;
  for (const char* name : {"inputs", "inputs_text", "inputs_b64"}) {
    const auto list = request.member(name);
    if (!list) continue;
    const std::string_view kind = name;
    for (ValueView item = list->first_child(); !item.at_end_of(*list); item = item.next()) {
      if (kind == "inputs") out.emplace_back(item.raw());
      if (kind == "inputs_text") out.push_back(text_of(item));
      if (kind == "inputs_b64") out.push_back(decode_base64(text_of(item)));
    }
  }
  return out;
}

Answer failed(const computo::ScriptError& error) {
  return {{}, std::string(to_string(error.category)), error.hint};
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
  if (!in) return {{}, "parse", {}};
  computo::ScriptError error;
  const bool json = says(request, "to", "json");
  const auto out = json ? computo::to_json(unquoted(*in), options, error) : computo::to_sugar(*in, options, error);
  if (!out) return failed(error);
  if (json) return {*out, {}, {}, true};
  std::string quoted;
  json::append_quoted(*out, quoted);
  return {quoted, {}, {}, true};
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

Answer answer(const ValueView& request) {
  computo::CompileOptions options;
  std::optional<ValueView> permuto;
  if (const auto tier = request.member("tier")) options.core_only = text_of(*tier) == "core";
  if (const auto given_options = request.member("options")) {
    if (const auto key = given_options->member("array_key")) options.array_key = text_of(*key);
    permuto = given_options->member("permuto");
    if (permuto) options.permuto = permuto_options(*permuto);
  }
  if (says(request, "syntax", "convert")) return converted(request, options);
  computo::CompileFailure failure;
  std::vector<std::string> texts = given_inputs(request);
  const auto mode = request.member("mode");
  if (mode) {
    texts.insert(texts.begin(), given(request, "script").value_or(""));
    if (permuto) texts.emplace_back(permuto->raw());
  }
  const auto program =
      mode ? compiled_call(text_of(*mode), texts.size() - (permuto ? 1 : 0), permuto.has_value(), failure)
           : compiled(request, options, failure);
  if (program == nullptr) return failed(failure.errors.front());
  std::vector<Text> documents(texts.size());
  std::vector<ValueView> inputs;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!documents[i].read(texts[i])) {
      return {{}, computo::nests_too_deep(texts[i], documents[i].error.byte) ? "limit" : "parse", {}};
    }
    inputs.push_back(documents[i].view());
  }
  computo::Evaluator evaluator(program);
  if (!evaluator.evaluate(inputs)) return failed(evaluator.error());
  std::vector<char> bytes;
  if (!evaluator.write(bytes, nullptr)) return failed(evaluator.error());
  return {std::string(bytes.begin(), bytes.end()), {}, {}};
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

std::string response(std::string_view line) {
  Text request;
  if (!request.read(line, {kRequestDepth})) return R"({"id":null,"error":"parse"})";
  const auto id = request.view().member("id");
  std::string out = R"({"id":)" + std::string(id ? id->raw() : "null");
  const Answer result = answer(request.view());
  if (result.error.empty())
    return without_line_separators(out + (result.converted ? R"(,"out":)" : R"(,"value":)") + result.value + "}");
  out += R"(,"error":")" + result.error + '"';
  if (!result.hint.empty()) {
    out += R"(,"hint":)";
    json::append_quoted(result.hint, out);
  }
  return out + "}";
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    if (!line.empty()) std::cout << response(line) << '\n';
  }
  return 0;
}
