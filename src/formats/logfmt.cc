#include "formats/logfmt.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "formats/encoding.h"
#include "formats/json_text.h"
#include "formats/lines.h"

namespace colloquium::formats {
namespace {

struct LogfmtOptions {
  bool numbers = true;
};
struct NoOptions {};

ConfigSpec<LogfmtOptions> source_spec() {
  return ConfigSpec<LogfmtOptions>().field(
      "numbers", &LogfmtOptions::numbers,
      {.description =
           "Numbers, true, false and null without quotes are typed; `false`: every value is a string."});
}

bool is_word(char c) {
  return static_cast<unsigned char>(c) > ' ' && c != '=' && c != '"';
}

// Behind the closing quote; 0 if there is none. `from` is behind the opening one.
size_t end_of_quoted(std::string_view text, size_t from) {
  while (from < text.size()) {
    const void* found = std::memchr(text.data() + from, '"', text.size() - from);
    if (found == nullptr) return 0;
    const size_t quote = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    size_t backslashes = 0;
    while (quote - backslashes > from && text[quote - backslashes - 1] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return quote + 1;
    from = quote + 1;
  }
  return 0;
}

// The `digits` hexadecimal ones from `at` on; nothing if these are others.
std::optional<uint32_t> hex_at(std::string_view text, size_t at, size_t digits) {
  if (text.size() < at + digits) return std::nullopt;
  uint32_t value = 0;
  const char* const end = text.data() + at + digits;
  const auto read = std::from_chars(text.data() + at, end, value, 16);
  return read.ec == std::errc() && read.ptr == end ? std::optional(value) : std::nullopt;
}

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// \uXXXX, and both of a surrogate pair: they are JSON's, too. Half a pair is no character.
size_t put_unicode_escape(std::string_view text, uint32_t unit, JsonText& json) {
  constexpr size_t kSize = 6;
  const bool surrogate = unit >= 0xd800 && unit <= 0xdfff;
  if (!surrogate) {
    json.put(text.substr(0, kSize));
    return kSize;
  }
  const auto low = text.substr(kSize, 2) == "\\u" ? hex_at(text, kSize + 2, 4) : std::nullopt;
  const bool pair = unit < 0xdc00 && low && *low >= 0xdc00 && *low <= 0xdfff;
  json.put(pair ? text.substr(0, 2 * kSize) : kReplacement);
  return pair ? 2 * kSize : kSize;
}

// What `text` begins with, a backslash, as JSON has it; how much was taken. Writers of logfmt quote as Go's %q or
// as JSON does. A backslash that neither would write is a character.
size_t put_escape(std::string_view text, JsonText& json) {
  const char c = text[1];  // there is one: the closing quote is not escaped
  if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) {
    json.put(text.substr(0, 2));
    return 2;
  }
  if (c == 'a' || c == 'v') {
    json.put(c == 'a' ? "\\u0007" : "\\u000b");
    return 2;
  }
  if (const auto unit = hex_at(text, 2, 4); c == 'u' && unit) return put_unicode_escape(text, *unit, json);
  if (const auto byte = hex_at(text, 2, 2); c == 'x' && byte) {
    if (*byte < 0x80) {
      json.put("\\u00");
      json.put(text.substr(2, 2));
    } else {
      json.put(kReplacement);  // a byte that was no UTF-8
    }
    return 4;
  }
  json.put("\\\\");
  return 1;
}

class LogfmtDecoder final : public RecordDecoder {
 public:
  explicit LogfmtDecoder(const LogfmtOptions& options) : numbers_(options.numbers) {}

  bool next(std::string_view& rest, std::string_view& record) const override { return next_line(rest, record); }

  std::optional<Failure> decode(std::string_view record, std::vector<char>& out) const override {
    JsonText& json = JsonText::local();
    // A flag of one character and a space becomes "k":true, and any byte at most an escape.
    json.room(record.size() * (json::kEscapeMax + 4) + 16);
    json.put('{');
    size_t at = 0;
    bool any = false;
    while (true) {
      while (at < record.size() && static_cast<unsigned char>(record[at]) <= ' ') ++at;
      if (at == record.size()) break;
      if (any) json.put(',');
      any = true;
      if (auto failure = pair(record, at, json)) return failure;
    }
    json.put('}');
    json.append_to(out);
    return std::nullopt;
  }

 private:
  std::optional<Failure> pair(std::string_view record, size_t& at, JsonText& json) const {
    const size_t begin = at;
    while (at < record.size() && is_word(record[at])) ++at;
    if (at == begin) return Failure{"a key has to stand here", at};
    json.put('"');
    json.put_escaped(record.substr(begin, at - begin));
    json.put("\":");
    if (at == record.size() || record[at] != '=') {
      if (at < record.size() && record[at] == '"') return Failure{"'=' or a space has to follow a key", at};
      json.put("true");
      return std::nullopt;
    }
    ++at;
    if (at < record.size() && record[at] == '"') return quoted(record, at, json);
    bare(record, at, json);
    return std::nullopt;
  }

  void bare(std::string_view record, size_t& at, JsonText& json) const {
    const size_t begin = at;
    while (at < record.size() && static_cast<unsigned char>(record[at]) > ' ') ++at;
    const std::string_view text = record.substr(begin, at - begin);
    if (numbers_ && (is_json_number(text) || text == "true" || text == "false" || text == "null")) {
      json.put(text);
      return;
    }
    json.put('"');
    json.put_escaped(text);
    json.put('"');
  }

  std::optional<Failure> quoted(std::string_view record, size_t& at, JsonText& json) const {
    const size_t end = end_of_quoted(record, at + 1);
    if (end == 0) return Failure{"a quoted value has no closing quote", at};
    if (end < record.size() && static_cast<unsigned char>(record[end]) > ' ') {
      return Failure{"a space has to follow the closing quote of a value", end};
    }
    std::string_view inner = record.substr(at + 1, end - at - 2);
    json.put('"');
    while (true) {
      const size_t backslash = std::min(inner.find('\\'), inner.size());
      json.put_escaped(inner.substr(0, backslash));
      if (backslash == inner.size()) break;
      inner.remove_prefix(backslash);
      inner.remove_prefix(put_escape(inner, json));
    }
    json.put('"');
    at = end;
    return std::nullopt;
  }

  const bool numbers_;
};

class LogfmtSource final : public SourceFormat {
 public:
  explicit LogfmtSource(const LogfmtOptions& options) : decoder_(std::make_shared<const LogfmtDecoder>(options)) {}
  Result<OpenedRecords> open(std::string_view) const override { return OpenedRecords{decoder_, 0}; }

 private:
  const std::shared_ptr<const RecordDecoder> decoder_;
};

class LogfmtEncoder final : public Encoder {
 public:
  bool ends_in_line_break() const override { return true; }
  std::optional<Error> encode(const Batch& batch, size_t i, std::string& out) override {
    const auto root = events_.object(batch, i);
    if (!root) return not_an_object("logfmt");
    const size_t begin = out.size();
    for (json::ValueView key = root->first_child(); !key.at_end_of(*root);) {
      const json::ValueView value = key.next();
      if (out.size() > begin) out += ' ';
      append_key(key.string(scratch_), out);
      append_value(value, out);
      key = value.next();
    }
    out += '\n';
    return std::nullopt;
  }

 private:
  static void append_key(std::string_view key, std::string& out) {
    if (key.empty()) out += '_';
    for (const char c : key) out += is_word(c) ? c : '_';
    out += '=';
  }
  void append_value(json::ValueView value, std::string& out) {
    const std::string_view text = text_of(value, scratch_);
    bool plain = !text.empty();
    for (const char c : text) plain = plain && is_word(c) && c != '\\';
    // "1" and 1 are two things to whoever reads it back with types.
    if (value.type() == TokenType::kString && plain) {
      plain = !is_json_number(text) && text != "true" && text != "false" && text != "null";
    }
    if (plain) {
      out += text;
    } else {
      json::append_quoted(text, out);
    }
  }

  EventReader events_;
  std::string scratch_;
};

class LogfmtSink final : public SinkFormat {
 public:
  Result<std::unique_ptr<Encoder>> encoder(
      std::shared_ptr<const std::map<std::string, std::string>>) const override {
    return std::make_unique<LogfmtEncoder>();
  }
  std::string_view media_type() const override { return "text/plain"; }
};

FormatDescriptor describe() {
  FormatDescriptor d;
  d.name = "logfmt";
  d.summary = "Lines of key=value pairs; a key alone is true. Written, nested values are JSON in quotes.";
  d.source_options = source_spec().object();
  d.source = [](const ConfigNode& node, std::string_view what, ConfigProblems& problems) -> SourceFormatPtr {
    return std::make_shared<const LogfmtSource>(source_spec().read(node, what, problems));
  };
  d.sink = [](const ConfigNode& node, std::string_view what, ConfigProblems& problems) -> SinkFormatPtr {
    ConfigSpec<NoOptions>().read(node, what, problems);
    return std::make_shared<const LogfmtSink>();
  };
  return d;
}

}  // namespace

const FormatDescriptor& logfmt_format() {
  static const FormatDescriptor descriptor = describe();
  return descriptor;
}

}  // namespace colloquium::formats
