#include "formats/csv.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "base/assert.h"
#include "config/problems.h"
#include "formats/csv_options.h"
#include "formats/encoding.h"
#include "formats/json_text.h"
#include "json/walk.h"

namespace colloquium::formats {
namespace {

using Failure = RecordDecoder::Failure;

// A byte-order mark is no part of the first name.
constexpr std::string_view kMark = "\xef\xbb\xbf";

std::string_view without_line_break(std::string_view record) {
  if (record.ends_with('\n')) record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

// One field at the front of `rest`, which is taken off with the delimiter behind it.
struct Field {
  std::string_view text;  // between the quotes, if it has any
  bool quoted = false;
  bool doubled = false;  // holds doubled quotes
  bool last = false;
};

// What is wrong, or null.
const char* take_quoted(std::string_view& rest, char delimiter, Field& field) {
  field.quoted = true;
  size_t at = 1;
  while (true) {
    const void* found = at >= rest.size() ? nullptr : std::memchr(rest.data() + at, '"', rest.size() - at);
    if (found == nullptr) return "a quoted field has no closing quote";
    at = static_cast<size_t>(static_cast<const char*>(found) - rest.data());
    if (at + 1 >= rest.size() || rest[at + 1] != '"') break;
    field.doubled = true;
    at += 2;
  }
  field.text = rest.substr(1, at - 1);
  field.last = at + 1 == rest.size();
  if (!field.last && rest[at + 1] != delimiter) return "a delimiter has to follow the closing quote of a field";
  rest.remove_prefix(field.last ? rest.size() : at + 2);
  return nullptr;
}

const char* take_field(std::string_view& rest, char delimiter, Field& field) {
  field = Field();
  if (!rest.empty() && rest[0] == '"') return take_quoted(rest, delimiter, field);
  const void* found = rest.empty() ? nullptr : std::memchr(rest.data(), delimiter, rest.size());
  const size_t end =
      found == nullptr ? rest.size() : static_cast<size_t>(static_cast<const char*>(found) - rest.data());
  field.text = rest.substr(0, end);
  field.last = found == nullptr;
  rest.remove_prefix(field.last ? end : end + 1);
  return nullptr;
}

void put_doubled(std::string_view text, JsonText& out) {
  for (size_t quote = text.find('"'); quote != std::string_view::npos; quote = text.find('"')) {
    out.put_escaped(text.substr(0, quote + 1));
    text.remove_prefix(quote + 2);
  }
  out.put_escaped(text);
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return (a | 0x20) == b; });
}

class CsvDecoder final : public RecordDecoder {
 public:
  CsvDecoder(const CsvSourceOptions& options, const std::vector<std::string>& columns)
      : delimiter_(options.delimiter[0]), empty_(options.empty) {
    for (size_t i = 0; i < columns.size(); ++i) {
      JsonText& text = JsonText::local();
      text.add(i == 0 ? "{" : ",");
      text.add_string(columns[i]);
      text.add(":");
      const auto typed = options.types.find(columns[i]);
      const CsvType type = typed == options.types.end() ? options.default_type : typed->second;
      columns_.push_back({std::string(text.view()), columns[i], type});
      key_bytes_ += text.view().size();
    }
  }

  bool next(std::string_view& rest, std::string_view& record) const override {
    while (!rest.empty()) {
      const size_t end = quoted_record_end(rest, delimiter_);
      record = without_line_break(rest.substr(0, end));
      rest.remove_prefix(end);
      if (!record.empty()) return true;
    }
    return false;
  }

  std::optional<Failure> decode(std::string_view record, std::vector<char>& out) const override {
    JsonText& json = JsonText::local();
    // Once for all fields: two quotes around each, and every byte as an escape.
    json.room(key_bytes_ + columns_.size() * 8 + record.size() * json::kEscapeMax + 2);
    std::string_view rest = record;
    Field field;
    size_t count = 0;
    while (!field.last) {
      if (count == columns_.size()) return too_many(record, rest);
      const size_t at = record.size() - rest.size();
      if (const char* what = take_field(rest, delimiter_, field)) return Failure{what, at};
      if (const char* what = put(columns_[count], field, json)) {
        return Failure{"column '" + columns_[count].name + "' " + what + ", got '" +
                           std::string(field.text.substr(0, kQuoted)) + "'",
                       at};
      }
      ++count;
    }
    if (count < columns_.size()) return too_few(record, count);
    json.put('}');
    json.append_to(out);
    return std::nullopt;
  }

 private:
  static constexpr size_t kQuoted = 40;
  struct Column {
    std::string key;  // with what stands before and behind it
    std::string name;
    CsvType type;
  };

  Failure too_many(std::string_view record, std::string_view rest) const {
    return {"more fields than the " + std::to_string(columns_.size()) + " columns", record.size() - rest.size()};
  }
  Failure too_few(std::string_view record, size_t count) const {
    return {std::to_string(count) + " fields, but there are " + std::to_string(columns_.size()) + " columns",
            record.size()};
  }

  // What the field should have been, or null.
  const char* put(const Column& column, const Field& field, JsonText& json) const {
    const bool empty = field.text.empty() && !field.quoted;
    json.put(column.key);
    if (empty && (empty_ == CsvEmpty::kNull || column.type != CsvType::kString)) {
      json.put("null");
      return nullptr;
    }
    switch (column.type) {
      case CsvType::kNumber:
      case CsvType::kInteger:
        return put_number(column.type, field.text, json);
      case CsvType::kBoolean:
        return put_boolean(field.text, json);
      case CsvType::kJson:
        return put_json(field, json);
      case CsvType::kAuto:
        if (!field.quoted && put_guessed(field.text, json)) return nullptr;
        break;
      case CsvType::kString:
        break;
    }
    json.put('"');
    if (field.doubled) {
      put_doubled(field.text, json);
    } else {
      json.put_escaped(field.text);
    }
    json.put('"');
    return nullptr;
  }
  // Walked by itself: in its place `1,"b":2` would be JSON, too.
  static const char* put_json(const Field& field, JsonText& json) {
    std::string text(field.text);
    if (field.doubled) {
      for (size_t quote = text.find('"'); quote != std::string::npos; quote = text.find('"', quote + 1)) {
        text.erase(quote, 1);
      }
    }
    if (!json::parse(text, "field")) return "is a JSON value";
    json.put(text);
    return nullptr;
  }

  static const char* put_number(CsvType type, std::string_view text, JsonText& json) {
    const bool integer = text.find_first_of(".eE") == std::string_view::npos;
    if (!is_json_number(text) || (type == CsvType::kInteger && !integer)) {
      return type == CsvType::kInteger ? "is an integer" : "is a number";
    }
    json.put(text);
    return nullptr;
  }
  static const char* put_boolean(std::string_view text, JsonText& json) {
    const bool yes = equals_ignoring_case(text, "true") || text == "1";
    if (!yes && !equals_ignoring_case(text, "false") && text != "0") return "is a boolean";
    json.put(yes ? "true" : "false");
    return nullptr;
  }
  static bool put_guessed(std::string_view text, JsonText& json) {
    if (!is_json_number(text) && text != "true" && text != "false" && text != "null") return false;
    json.put(text);
    return true;
  }

  const char delimiter_;
  const CsvEmpty empty_;
  std::vector<Column> columns_;
  size_t key_bytes_ = 0;
};

// The names in the header, unquoted.
Result<std::vector<std::string>> names_of(std::string_view header, char delimiter) {
  std::vector<std::string> names;
  if (header.starts_with(kMark)) header.remove_prefix(kMark.size());
  Field field;
  while (!field.last) {
    if (const char* what = take_field(header, delimiter, field)) return fail(ErrorCode::kInvalidInput, what);
    std::string name(field.text);
    if (field.doubled) {
      for (size_t at = 0; (at = name.find("\"\"", at)) != std::string::npos; ++at) name.erase(at, 1);
    }
    names.push_back(std::move(name));
  }
  return names;
}

Status check_names(const std::vector<std::string>& names) {
  std::unordered_set<std::string> seen;
  for (const std::string& name : names) {
    if (name.empty()) return fail(ErrorCode::kInvalidInput, "a column has no name");
    if (!seen.insert(name).second) {
      return fail(ErrorCode::kInvalidInput, "the column '" + name + "' is named twice");
    }
  }
  return {};
}

class CsvSource final : public SourceFormat {
 public:
  explicit CsvSource(CsvSourceOptions options) : options_(std::move(options)) {}

  std::unique_ptr<Framing> framing() const override { return quoted_framing(options_.delimiter[0]); }
  bool has_header() const override { return options_.header; }

  Result<OpenedRecords> open(std::string_view head) const override {
    OpenedRecords opened;
    std::vector<std::string> names = options_.columns;
    if (options_.header) {
      opened.begin = quoted_record_end(head, options_.delimiter[0]);
      const std::string_view header = without_line_break(head.substr(0, opened.begin));
      // Given names stand for those in the header.
      if (names.empty()) {
        TRY_ASSIGN(names, names_of(header, options_.delimiter[0]));
        TRY(check_names(names));
      }
    }
    opened.decoder = std::make_shared<const CsvDecoder>(options_, names);
    return opened;
  }

 private:
  const CsvSourceOptions options_;
};

// Writing: the values of the columns, in their order.
class CsvEncoder final : public Encoder {
 public:
  explicit CsvEncoder(const CsvSinkOptions& options) : delimiter_(options.delimiter[0]) {
    for (const std::string& column : options.columns) {
      if (!preamble_.empty()) preamble_ += delimiter_;
      append_field(column, preamble_);
      paths_.emplace_back(column);
    }
    preamble_ += '\n';
    if (!options.header) preamble_.clear();
  }

  std::string_view preamble() const override { return preamble_; }
  bool ends_in_line_break() const override { return true; }

  std::optional<Error> encode(const Batch& batch, size_t i, std::string& out) override {
    const auto root = events_.object(batch, i);
    if (!root) return not_an_object("csv");
    const size_t begin = out.size();
    for (size_t column = 0; column < paths_.size(); ++column) {
      if (column > 0) out += delimiter_;
      const auto value = paths_[column].find(*root);
      if (value) append_field(text_of(*value, scratch_), out);
    }
    // A record of one empty field would look like a blank line.
    if (out.size() == begin) out += "\"\"";
    out += '\n';
    return std::nullopt;
  }

 private:
  void append_field(std::string_view text, std::string& out) const {
    const char special[] = {delimiter_, '"', '\n', '\r'};
    if (text.find_first_of({special, sizeof special}) == std::string_view::npos) {
      out += text;
      return;
    }
    out += '"';
    for (const char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }

  const char delimiter_;
  std::string preamble_;
  std::vector<MemberPath> paths_;
  EventReader events_;
  std::string scratch_;
};

class CsvSink final : public SinkFormat {
 public:
  explicit CsvSink(CsvSinkOptions options) : options_(std::move(options)) {}
  Result<std::unique_ptr<Encoder>> encoder(
      std::shared_ptr<const std::map<std::string, std::string>>) const override {
    return std::make_unique<CsvEncoder>(options_);
  }
  std::string_view media_type() const override { return "text/csv"; }

 private:
  const CsvSinkOptions options_;
};

template <class Options>
bool good_delimiter(const Options& options, const ConfigNode& node, std::string_view what,
                    ConfigProblems& problems) {
  const std::string& text = options.delimiter;
  if (text.size() == 1 && text != "\"" && text != "\n" && text != "\r") return true;
  config::add_error(problems, node.mark,
                    std::string(what) + ".delimiter is one character (ASCII), and no quote or line break");
  return false;
}

SourceFormatPtr read_source(const ConfigNode& node, std::string_view what, ConfigProblems& problems) {
  const size_t before = problems.size();
  CsvSourceOptions options = csv_source_spec().read(node, what, problems);
  if (problems.size() == before && !options.header && options.columns.empty()) {
    config::add_error(problems, node.mark, std::string(what) + ": without a header the columns have to be named");
  }
  if (const Status good = check_names(options.columns); !good) {
    config::add_error(problems, node.mark, std::string(what) + ".columns: " + good.error().message);
  }
  for (const auto& [name, type] : options.types) {
    const auto& given = options.columns;
    if (given.empty() || std::find(given.begin(), given.end(), name) != given.end()) continue;
    config::add_error(problems, node.mark, std::string(what) + ".types: there is no column '" + name + "'");
  }
  if (!good_delimiter(options, node, what, problems)) options.delimiter = ",";
  return std::make_shared<const CsvSource>(std::move(options));
}

SinkFormatPtr read_sink(const ConfigNode& node, std::string_view what, ConfigProblems& problems) {
  CsvSinkOptions options = csv_sink_spec().read(node, what, problems);
  if (!good_delimiter(options, node, what, problems)) options.delimiter = ",";
  return std::make_shared<const CsvSink>(std::move(options));
}

FormatDescriptor describe() {
  FormatDescriptor d;
  d.name = "csv";
  d.summary = "Lines of fields (RFC 4180), quoted where needed; an event is an object with the columns as keys.";
  d.source_options = csv_source_spec().object();
  d.sink_options = csv_sink_spec().object();
  d.source = read_source;
  d.sink = read_sink;
  return d;
}

}  // namespace

const FormatDescriptor& csv_format() {
  static const FormatDescriptor descriptor = describe();
  return descriptor;
}

}  // namespace colloquium::formats
