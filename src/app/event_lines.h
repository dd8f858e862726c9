// Events as lines of text: what `log cat` and `log export` print, and what `log import` reads.
//
// Thread safety: functions; an EventLineParser belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "json/view.h"
#include "json/walk.h"

namespace colloquium::app {

// Appends event `i` and a line break: its value alone (a tombstone is null), or, with `full`, an object of its
// place, id, time, source, key, headers, and value or `"tombstone":true`. REQUIRES: the batch has an origin.
void append_event_line(const Batch& batch, size_t i, bool full, std::string& out);

// Appends event `i` and a line break, so that EventLineParser gives back the same bytes:
//
//   {"partition":0,"offset":7,"time":1700000000000,"key":"k","headers":{"a":"b"},"value":{"id":7}}
//
// `key` and `headers` only if there are any. A value stands as its bytes; one that holds a line break, or has
// white space around it, is a string under "raw"; a tombstone is "tombstone":true. A key, header name or header
// value that is no UTF-8 is {"hex":"…"}. Headers whose names repeat, or are no UTF-8, are an array of [name,
// value].
void append_export_line(const Batch& batch, size_t i, std::string& out);

// An event as a line says it.
struct EventLine {
  std::optional<int32_t> partition;
  std::optional<int64_t> time_ms;
  std::optional<std::string> key;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string_view> value;  // nothing: a tombstone; valid until the parser's next call
};

class EventLineParser {
 public:
  // A line of `log export`, or of `log cat --format full`. kInvalidInput with the column, from 1, as its context.
  // REQUIRES: kBatchPadding readable bytes behind `line`.
  Result<EventLine> parse(std::string_view line);
  // A line that is the value itself.
  Result<EventLine> parse_plain(std::string_view line);

 private:
  Status read_member(const json::ValueView& key, const json::ValueView& value, EventLine& event);
  Status read_headers(const json::ValueView& headers, EventLine& event);
  Result<std::string> read_bytes(const json::ValueView& value, const char* what);
  Result<std::string_view> read_raw(const json::ValueView& value);

  json::Walker walker_;
  json::Walker line_walker_{{json::WalkLimits().depth + 1}};  // a line is around the value
  std::vector<TapeToken> tape_;
  std::string raw_;  // with the padding behind it
  std::vector<TapeToken> raw_tape_;
  std::string scratch_;
  bool has_value_ = false;
};

}  // namespace colloquium::app
