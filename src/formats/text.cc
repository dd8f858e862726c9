#include "formats/text.h"

#include <cstring>
#include <utility>

#include "base/base64.h"
#include "formats/encoding.h"
#include "formats/json_text.h"
#include "formats/line_writer.h"
#include "formats/lines.h"
#include "json/utf8.h"

namespace colloquium::formats {
namespace {

struct TextSourceOptions {
  std::string field;
};
struct NoOptions {};

ConfigSpec<TextSourceOptions> source_spec() {
  return ConfigSpec<TextSourceOptions>().field(
      "field", &TextSourceOptions::field,
      {.description = "The event is an object that has the text under this key; empty: the event is the text."});
}

class TextDecoder final : public RecordDecoder {
 public:
  TextDecoder(const std::string& field, bool by_line) : by_line_(by_line) {
    if (field.empty()) return;
    prefix_ = "{";
    JsonText& key = JsonText::local();
    key.add_string(field);
    prefix_.append(key.view()).append(":");
    suffix_ = "}";
  }

  bool next(std::string_view& rest, std::string_view& record) const override {
    if (by_line_) return next_line(rest, record);
    record = std::exchange(rest, {});
    return !record.empty();
  }

  std::optional<Failure> decode(std::string_view record, std::vector<char>& out) const override {
    JsonText& json = JsonText::local();
    json.add(prefix_);
    if (json::valid_utf8_prefix(record) == record.size()) {
      json.add_string(record);
    } else {
      std::string text = "{\"raw_base64\":\"";
      append_base64(record, text);
      json.add(text += "\"}");
    }
    json.add(suffix_);
    json.append_to(out);
    return std::nullopt;
  }

 private:
  const bool by_line_;
  std::string prefix_;
  std::string suffix_;
};

class TextSource final : public SourceFormat {
 public:
  TextSource(const TextSourceOptions& options, bool by_line)
      : decoder_(std::make_shared<const TextDecoder>(options.field, by_line)), by_line_(by_line) {}
  std::unique_ptr<Framing> framing() const override { return by_line_ ? nullptr : whole_framing(); }
  Result<OpenedRecords> open(std::string_view) const override { return OpenedRecords{decoder_, 0}; }
  bool is_whole() const override { return !by_line_; }

 private:
  const std::shared_ptr<const RecordDecoder> decoder_;
  const bool by_line_;
};

class JsonSource final : public SourceFormat {
 public:
  explicit JsonSource(bool lines) : lines_(lines) {}
  std::unique_ptr<Framing> framing() const override { return lines_ ? nullptr : whole_framing(); }
  Result<OpenedRecords> open(std::string_view) const override { return OpenedRecords{}; }
  BodyFormat body_format() const override { return lines_ ? BodyFormat::kNdjson : BodyFormat::kJson; }
  bool is_whole() const override { return !lines_; }

 private:
  const bool lines_;
};

class JsonEncoder final : public Encoder {
 public:
  bool ends_in_line_break() const override { return true; }
  std::optional<Error> encode(const Batch& batch, size_t i, std::string& out) override {
    append_line(batch, i, out);
    return std::nullopt;
  }
};

class JsonSink final : public SinkFormat {
 public:
  Result<std::unique_ptr<Encoder>> encoder(
      std::shared_ptr<const std::map<std::string, std::string>>) const override {
    return std::make_unique<JsonEncoder>();
  }
  std::string_view media_type() const override { return "application/x-ndjson"; }
  bool is_lines() const override { return true; }
};

// The bytes that {"raw_base64": "…"} stands for.
std::optional<std::string> raw_bytes(json::ValueView value) {
  if (value.type() != TokenType::kObject || value.count() != 1) return std::nullopt;
  const auto member = value.member("raw_base64");
  if (!member || member->type() != TokenType::kString) return std::nullopt;
  std::string scratch;
  return base64_decoded(member->string(scratch));
}

class TextEncoder final : public Encoder {
 public:
  explicit TextEncoder(bool by_line) : by_line_(by_line) {}
  bool ends_in_line_break() const override { return by_line_; }
  std::optional<Error> encode(const Batch& batch, size_t i, std::string& out) override {
    if (const auto event = events_.value(batch, i)) {
      const auto bytes = raw_bytes(*event);
      out += bytes ? std::string_view(*bytes) : text_of(*event, scratch_);
    }
    if (by_line_) out += '\n';
    return std::nullopt;
  }

 private:
  const bool by_line_;
  EventReader events_;
  std::string scratch_;
};

class TextSink final : public SinkFormat {
 public:
  explicit TextSink(bool by_line) : by_line_(by_line) {}
  Result<std::unique_ptr<Encoder>> encoder(
      std::shared_ptr<const std::map<std::string, std::string>>) const override {
    return std::make_unique<TextEncoder>(by_line_);
  }
  std::string_view media_type() const override { return by_line_ ? "text/plain" : "application/octet-stream"; }

 private:
  const bool by_line_;
};

template <class Format, class... Arguments>
auto without_options(Arguments... arguments) {
  return [arguments...](const ConfigNode& node, std::string_view what,
                        ConfigProblems& problems) -> std::shared_ptr<const Format> {
    ConfigSpec<NoOptions>().read(node, what, problems);
    return std::make_shared<const Format>(arguments...);
  };
}

FormatDescriptor describe_json(bool lines) {
  FormatDescriptor d;
  d.name = lines ? "ndjson" : "json";
  d.summary = lines ? "One JSON value per line; blank lines are skipped."
                    : "Read: one JSON value, which is all of a file, body or input. Written: as ndjson.";
  d.source = without_options<JsonSource>(lines);
  d.sink = without_options<JsonSink>();
  return d;
}

FormatDescriptor describe_text(bool by_line) {
  FormatDescriptor d;
  d.name = by_line ? "text" : "raw";
  d.summary = by_line
                  ? "One line of text per event, as a JSON string; what is no UTF-8 as {\"raw_base64\": …}."
                  : "All of a file, body or input as one JSON string, {\"raw_base64\": …} where it is no UTF-8; "
                    "written one behind the other with nothing between.";
  d.source_options = source_spec().object();
  d.source = [by_line](const ConfigNode& node, std::string_view what,
                       ConfigProblems& problems) -> SourceFormatPtr {
    return std::make_shared<const TextSource>(source_spec().read(node, what, problems), by_line);
  };
  d.sink = without_options<TextSink>(by_line);
  return d;
}

}  // namespace

const FormatDescriptor& ndjson_format() {
  static const FormatDescriptor descriptor = describe_json(true);
  return descriptor;
}

const FormatDescriptor& json_format() {
  static const FormatDescriptor descriptor = describe_json(false);
  return descriptor;
}

const FormatDescriptor& text_format() {
  static const FormatDescriptor descriptor = describe_text(true);
  return descriptor;
}

const FormatDescriptor& raw_format() {
  static const FormatDescriptor descriptor = describe_text(false);
  return descriptor;
}

}  // namespace colloquium::formats
