// Formats: how the bytes of a source become events, and events the bytes of a sink.
//
// A format is declared once (FormatDescriptor), and every component that has a setting `format` takes all of them:
//
//   format: csv                       # with its defaults
//   format: {csv: {delimiter: ";"}}   # with options
//
// A component declares a member SourceFormatSetting or SinkFormatSetting and binds it like any other field; this
// reads, checks and documents it. Read formats are immutable and shared.
//
// Thread safety: descriptors, source formats, sink formats and decoders on any thread; an Encoder belongs to one
// thread at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/config_types.h"
#include "colloquium/result.h"
#include "colloquium/script_host.h"
#include "colloquium/source.h"

#include "formats/framing.h"

namespace colloquium::formats {

// What of a body a decoder is for: the records behind `begin`.
struct OpenedRecords {
  std::shared_ptr<const RecordDecoder> decoder;  // null: `format` of the RawBatch says how the body is cut
  uint64_t begin = 0;                            // length of the header
};

class SourceFormat {
 public:
  virtual ~SourceFormat() = default;

  // How complete records are found in bytes that come in pieces. Null: a record is a line.
  virtual std::unique_ptr<Framing> framing() const { return nullptr; }

  // Whether what a decoder has to know stands in the first record, the header.
  virtual bool has_header() const { return false; }

  // `head`: the beginning of a file, a body or a connection; with a header at least all of that (or all there is).
  virtual Result<OpenedRecords> open(std::string_view head) const = 0;

  // What a body is where there is no decoder.
  virtual BodyFormat body_format() const { return BodyFormat::kNdjson; }

  // Whether one record is all there is: nothing is an event before the input has ended.
  virtual bool is_whole() const { return false; }
};
using SourceFormatPtr = std::shared_ptr<const SourceFormat>;

class Encoder {
 public:
  virtual ~Encoder() = default;

  // What stands before the first event of a file or connection; may be empty.
  virtual std::string_view preamble() const { return {}; }

  // Appends event `i` as this format has it, with what separates it from the next. Nothing, or why it can't be
  // written; `out` is as it was then.
  virtual std::optional<Error> encode(const Batch& batch, size_t i, std::string& out) = 0;

  // Whether what separates an event from the next is one '\n' behind each. Otherwise a '\n' is the event's own.
  virtual bool ends_in_line_break() const = 0;
};

class SinkFormat {
 public:
  virtual ~SinkFormat() = default;

  // What its scripts say, if it has any, is checked against what the pipeline declares.
  virtual void check(const ScriptNames&, ConfigProblems&) const {}

  // `variables`: as ComponentContext::script_variables.
  virtual Result<std::unique_ptr<Encoder>> encoder(
      std::shared_ptr<const std::map<std::string, std::string>> variables) const = 0;

  virtual std::string_view media_type() const { return "application/octet-stream"; }

  // Whether it is append_lines (line_writer.h), which takes a whole batch at once.
  virtual bool is_lines() const { return false; }
};
using SinkFormatPtr = std::shared_ptr<const SinkFormat>;

struct FormatDescriptor {
  std::string name;
  std::string summary;        // one sentence
  ObjectSpec source_options;  // of what reads; without fields if there are none
  ObjectSpec sink_options;    // of what writes
  // Null where there is no such direction. `what` names the node in messages.
  std::function<SourceFormatPtr(const ConfigNode& options, std::string_view what, ConfigProblems&)> source;
  std::function<SinkFormatPtr(const ConfigNode& options, std::string_view what, ConfigProblems&)> sink;
};

// All of them, in the order of the reference pages.
const std::vector<const FormatDescriptor*>& formats();

// NDJSON, where nothing is said.
SourceFormatPtr default_source_format();
SinkFormatPtr default_sink_format();

// Members of a component's configuration.
struct SourceFormatSetting {
  std::string name = "ndjson";
  SourceFormatPtr format = default_source_format();
};
struct SinkFormatSetting {
  std::string name = "ndjson";
  SinkFormatPtr format = default_sink_format();
};

}  // namespace colloquium::formats

namespace colloquium {

template <>
struct ConfigType<formats::SourceFormatSetting> {
  static FieldSpec describe(std::string name, FieldOptions options);
  static std::string show(const formats::SourceFormatSetting& setting) { return setting.name; }
};

template <>
struct ConfigType<formats::SinkFormatSetting> {
  static FieldSpec describe(std::string name, FieldOptions options);
  static std::string show(const formats::SinkFormatSetting& setting) { return setting.name; }
};

}  // namespace colloquium
