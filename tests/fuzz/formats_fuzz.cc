// Any bytes for the formats of sources: reading them ends, each record lies in the body, what a decoder makes of
// it is one JSON value, and it does not matter in which pieces the bytes came.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.h"
#include "config/yaml.h"
#include "formats/format.h"
#include "formats/line_cutter.h"
#include "json/utf8.h"
#include "json/walk.h"
#include "tests/fuzz/report.h"

namespace colloquium::formats {
namespace {

constexpr size_t kManyBytes = size_t{1} << 20;

struct Reading {
  SourceFormatPtr format;
  std::shared_ptr<const StartPattern> start;  // of multi-line records; may be null

  std::unique_ptr<Framing> framing() const {
    return start != nullptr ? multiline_framing(start) : format->framing();
  }
};

Reading reading(const std::string& yaml, const char* start = nullptr) {
  ConfigProblems problems;
  const ConfigNode node = config::load_yaml(yaml, "fuzz.yaml", problems).value();
  SourceFormatSetting setting;
  ConfigType<SourceFormatSetting>::describe("format", {}).read(node, "format", &setting, problems);
  fuzz::require(problems.empty() ? "" : "the format is refused", yaml);
  return {setting.format, start == nullptr ? nullptr : StartPattern::create(start).value()};
}

const std::vector<Reading>& readings() {
  static const std::vector<Reading> all = {
      reading("csv"),
      reading("csv: {header: false, delimiter: \";\", columns: [a, b], types: {a: number, b: json}}"),
      reading("csv: {default_type: auto, empty: \"null\"}"),
      reading("text"),
      reading("raw"),
      reading("logfmt"),
      reading("syslog"),
      reading("text", "^\\d"),
      reading("syslog", "^<"),
  };
  return all;
}

// Bytes that are no UTF-8 are passed on as they are: the walk at the door refuses them.
void check_json(const std::vector<char>& json, std::string_view about) {
  const std::string_view text(json.data(), json.size());
  const bool good = json::valid_utf8_prefix(text) < text.size() || json::parse(text, "event").has_value();
  fuzz::require(good ? "" : "a decoder made what is no JSON", about);
}

// The records of a body, as events or as what is wrong.
void decode_all(const RecordDecoder& decoder, std::string_view body, std::vector<std::string>& out) {
  std::string_view rest = body;
  std::string_view record;
  while (true) {
    const size_t before = rest.size();
    if (!decoder.next(rest, record)) break;
    const bool inside = record.data() >= body.data() && record.data() + record.size() <= body.data() + body.size();
    fuzz::require(inside && rest.size() < before ? "" : "a record outside of its body, or without end", body);
    std::vector<char> json;
    if (const auto failure = decoder.decode(record, json)) {
      fuzz::require(failure->byte <= record.size() ? "" : "a failure behind its record", body);
      out.push_back("! " + failure->what);
    } else {
      check_json(json, record);
      out.emplace_back(json.begin(), json.end());
    }
  }
}

std::vector<std::string> in_pieces(const Reading& reading, std::string_view text, size_t piece, size_t line_max) {
  const auto opened = reading.format->open(text);
  if (!opened) return {"! " + opened.error().message};
  auto decoder = opened->decoder;
  if (decoder == nullptr) return {};
  if (reading.start != nullptr) decoder = multiline_decoder(reading.start, decoder);
  LineCutter cutter(line_max, opened->begin, reading.framing());
  std::vector<std::string> out;
  const auto take_all = [&](auto take) {
    while (const auto lines = take()) decode_all(*decoder, *lines->body, out);
  };
  for (size_t at = opened->begin; at < text.size(); at += piece) {
    const size_t size = std::min(piece, text.size() - at);
    const auto room = cutter.room(size);
    std::memcpy(room.data(), text.data() + at, size);
    cutter.added(size);
    take_all([&] { return cutter.take(); });
  }
  if (const auto lines = cutter.finish()) decode_all(*decoder, *lines->body, out);
  return out;
}

}  // namespace
}  // namespace colloquium::formats

// The name libFuzzer calls.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace colloquium::formats;  // NOLINT(google-build-using-namespace)
  if (size < 2) return 0;
  const Reading& reading = readings()[data[0] % readings().size()];
  const size_t piece = 1 + data[1] % 40;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = in_pieces(reading, text, text.size() + 1, kManyBytes);
  const bool same = in_pieces(reading, text, piece, kManyBytes) == whole;
  colloquium::fuzz::require(same ? "" : "other pieces give other events", text);
  (void)in_pieces(reading, text, piece, 50);
  return 0;
}
