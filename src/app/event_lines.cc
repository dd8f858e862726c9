#include "app/event_lines.h"

#include <algorithm>
#include <limits>
#include <set>

#include "app/time_text.h"
#include "base/names.h"
#include "formats/line_writer.h"
#include "io/aead.h"
#include "json/utf8.h"
#include "json/view.h"
#include "json/writer.h"
#include "log/accept_header.h"

namespace colloquium::app {
namespace {

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

void put_text(json::Writer& writer, std::string_view name, std::string_view value) {
  writer.key(name);
  writer.string(value);
}

void put_number(json::Writer& writer, std::string_view name, int64_t value) {
  writer.key(name);
  writer.integer(value);
}

// A line of `--format full`: what a script sees as $event_metadata, and the value.
void write_full(const Batch& batch, size_t i, std::vector<char>& out) {
  json::Writer writer(out, nullptr);
  writer.begin_object();
  put_text(writer, "stream", batch.origin().stream);
  put_number(writer, "partition", batch.origin().partition);
  put_number(writer, "offset", batch.offset(i));
  put_text(writer, "id", batch.id(i));
  put_number(writer, "timestamp", batch.entry(i).timestamp_ms);
  if (!batch.origin().source.empty()) put_text(writer, "source", batch.origin().source);
  if (const auto key = batch.key(i)) put_text(writer, "key", *key);
  if (batch.header_count(i) > 0) {
    writer.key("headers");
    writer.begin_object();
    for (const auto& [name, value] : batch.headers(i)) put_text(writer, name, value);
    writer.end_object();
  }
  writer.key(batch.is_tombstone(i) ? "tombstone" : "value");
}

bool is_utf8(std::string_view text) {
  return json::valid_utf8_prefix(text) == text.size();
}

void write_bytes(json::Writer& writer, std::string_view bytes) {
  if (is_utf8(bytes)) return writer.string(bytes);
  writer.begin_object();
  put_text(writer, "hex", io::to_hex(bytes));
  writer.end_object();
}

// An object keeps one value for each name.
bool fit_an_object(const Headers& headers) {
  std::set<std::string_view> names;
  return std::all_of(headers.begin(), headers.end(), [&](const auto& header) {
    return is_utf8(header.first) && names.insert(header.first).second;
  });
}

void write_headers(json::Writer& writer, const Headers& headers) {
  writer.key("headers");
  if (fit_an_object(headers)) {
    writer.begin_object();
    for (const auto& [name, value] : headers) {
      writer.key(name);
      write_bytes(writer, value);
    }
    return writer.end_object();
  }
  writer.begin_array();
  for (const auto& [name, value] : headers) {
    writer.begin_array();
    write_bytes(writer, name);
    write_bytes(writer, value);
    writer.end_array();
  }
  writer.end_array();
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Whether the value can stand in a line as it is, and be found there again.
bool fits_a_line(std::string_view value) {
  if (value.empty() || is_space(value.front()) || is_space(value.back())) return false;
  return value.find_first_of("\r\n") == std::string_view::npos;
}

tl::unexpected<Error> bad(size_t byte, std::string what) {
  return fail(ErrorCode::kInvalidInput, std::move(what), std::to_string(byte + 1));
}

tl::unexpected<Error> bad(const json::ValueView& value, std::string what) {
  return bad(value.token().offset, std::move(what));
}

Result<int64_t> read_integer(const json::ValueView& value, std::string_view name, int64_t least, int64_t most) {
  const bool fits = value.type() == TokenType::kInteger && (value.token().flags & kTokenBigInteger) == 0;
  if (fits && value.integer() >= least && value.integer() <= most) return value.integer();
  return bad(value, "'" + std::string(name) + "' takes a whole number from " + std::to_string(least) + " to " +
                        std::to_string(most));
}

Result<int64_t> read_time(const json::ValueView& value) {
  if (value.type() == TokenType::kString) {
    std::string scratch;
    if (const auto time_ms = parse_time_ms(value.string(scratch))) return *time_ms;
    return bad(value, "this is no time such as \"2026-03-01T12:00:00Z\"");
  }
  return read_integer(value, "time", std::numeric_limits<int64_t>::min() / 2,
                      std::numeric_limits<int64_t>::max() / 2);
}

}  // namespace

// A value may hold line breaks between its tokens; a line may not.
void append_event_line(const Batch& batch, size_t i, bool full, std::string& out) {
  std::vector<char> head;
  if (full) write_full(batch, i, head);
  out.append(head.begin(), head.end());
  if (full && batch.is_tombstone(i)) {
    out += "true";
  } else if (batch.is_tombstone(i)) {
    out += "null";
  } else {
    formats::append_compact(batch.value(i), out);
  }
  out += full ? "}\n" : "\n";
}

void append_export_line(const Batch& batch, size_t i, std::string& out) {
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  writer.begin_object();
  put_number(writer, "partition", batch.origin().partition);
  put_number(writer, "offset", batch.offset(i));
  put_number(writer, "time", batch.entry(i).timestamp_ms);
  if (const auto key = batch.key(i)) {
    writer.key("key");
    write_bytes(writer, *key);
  }
  if (batch.header_count(i) > 0) write_headers(writer, batch.headers(i));
  const std::string_view value = batch.value(i);
  const bool inline_value = !batch.is_tombstone(i) && fits_a_line(value);
  if (batch.is_tombstone(i)) {
    writer.key("tombstone");
    writer.boolean(true);
  } else if (inline_value) {
    writer.key("value");
  } else {
    put_text(writer, "raw", value);
  }
  out.append(bytes.begin(), bytes.end());
  if (inline_value) out += value;
  out += "}\n";
}

Result<std::string> EventLineParser::read_bytes(const json::ValueView& value, const char* what) {
  if (value.type() == TokenType::kString) return std::string(value.string(scratch_));
  if (value.type() == TokenType::kObject && value.count() == 1) {
    if (const auto hex = value.member("hex"); hex && hex->type() == TokenType::kString) {
      if (auto bytes = io::from_hex(std::string(hex->string(scratch_)))) return std::move(*bytes);
    }
  }
  return bad(value, std::string(what) + R"( takes a string, or {"hex":"…"} for bytes that are no text)");
}

Status EventLineParser::read_headers(const json::ValueView& headers, EventLine& event) {
  const bool object = headers.type() == TokenType::kObject;
  if (!object && headers.type() != TokenType::kArray) {
    return bad(headers, "'headers' takes an object, or an array of [name, value]");
  }
  for (json::ValueView at = headers.first_child(); !at.at_end_of(headers); at = at.next()) {
    std::string name;
    const bool pair = !object && at.type() == TokenType::kArray && at.count() == 2;
    if (!object && !pair) return bad(at, "a header in an array is [name, value]");
    json::ValueView value = object ? at.next() : at.first_child().next();
    if (object) name = at.string(scratch_);
    if (!object) {
      TRY_ASSIGN(name, read_bytes(at.first_child(), "a header's name"));
    }
    if (log::is_log_header(name)) return bad(at, "the header '" + name + "' is the log's own");
    TRY_ASSIGN(std::string bytes, read_bytes(value, "a header"));
    event.headers.emplace_back(std::move(name), std::move(bytes));
    if (object) at = value;
  }
  return {};
}

// The text is checked: it becomes a stored value.
Result<std::string_view> EventLineParser::read_raw(const json::ValueView& value) {
  if (value.type() != TokenType::kString) return bad(value, "'raw' takes a value's text as a string");
  raw_ = value.string(scratch_);
  const size_t size = raw_.size();
  raw_.append(kBatchPadding, '\0');
  const std::string_view text = std::string_view(raw_).substr(0, size);
  raw_tape_.clear();
  json::WalkError error;
  if (walker_.walk(text, raw_tape_, error)) return text;
  return bad(value, "the text in 'raw' is no JSON: " + std::string(error.what) + " at its byte " +
                        std::to_string(error.byte + 1));
}

Status EventLineParser::read_member(const json::ValueView& key, const json::ValueView& value, EventLine& event) {
  static const std::vector<std::string> kKnown = {"partition", "offset", "time",   "key",
                                                  "headers",   "value",  "raw",    "tombstone",
                                                  "stream",    "id",     "source", "timestamp"};
  std::string scratch;
  const std::string name(key.string(scratch));
  const bool holds_value = name == "value" || name == "raw" || (name == "tombstone" && value.raw() == "true");
  if (holds_value && has_value_)
    return bad(key, "the line has a value already: give one of value, raw and tombstone");
  has_value_ = has_value_ || holds_value;
  if (name == "partition") {
    TRY_ASSIGN(const int64_t number, read_integer(value, name, 0, std::numeric_limits<int32_t>::max()));
    event.partition = static_cast<int32_t>(number);
  } else if (name == "time" || name == "timestamp") {
    TRY_ASSIGN(event.time_ms, read_time(value));
  } else if (name == "key" && value.type() != TokenType::kNull) {
    TRY_ASSIGN(event.key, read_bytes(value, "'key'"));
  } else if (name == "headers") {
    return read_headers(value, event);
  } else if (name == "value") {
    event.value = value.raw();
  } else if (name == "raw") {
    TRY_ASSIGN(event.value, read_raw(value));
  } else if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
    const std::string nearest = closest_name(name, kKnown);
    return bad(key, "unknown member '" + name + "'" +
                        (nearest.empty() ? "; a line that is the event itself is imported with --plain"
                                         : "; did you mean '" + nearest + "'?"));
  }
  return {};
}

Result<EventLine> EventLineParser::parse(std::string_view line) {
  tape_.clear();
  has_value_ = false;
  json::WalkError error;
  if (!line_walker_.walk(line, tape_, error)) return bad(error.byte, error.what);
  const json::ValueView root(line.data(), tape_.data(), 0);
  if (root.type() != TokenType::kObject) {
    return bad(root, "a line is an object with a value; one that is the event itself is imported with --plain");
  }
  EventLine event;
  for (json::ValueView key = root.first_child(); !key.at_end_of(root); key = key.next().next()) {
    TRY(read_member(key, key.next(), event));
  }
  if (!has_value_) return bad(root, "the line has no value; a tombstone says \"tombstone\":true");
  return event;
}

Result<EventLine> EventLineParser::parse_plain(std::string_view line) {
  tape_.clear();
  json::WalkError error;
  if (!walker_.walk(line, tape_, error)) return bad(error.byte, error.what);
  EventLine event;
  event.value = json::ValueView(line.data(), tape_.data(), 0).raw();
  return event;
}

}  // namespace colloquium::app
