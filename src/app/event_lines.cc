#include "app/event_lines.h"

#include <string_view>
#include <vector>

#include "formats/line_writer.h"
#include "json/writer.h"

namespace colloquium::app {
namespace {

// A line of `--format full`: what a script sees as $event_metadata, and the value.
void write_full(const Batch& batch, size_t i, std::vector<char>& out) {
  json::Writer writer(out, nullptr);
  const auto text = [&](std::string_view name, std::string_view value) {
    writer.key(name);
    writer.string(value);
  };
  const auto number = [&](std::string_view name, int64_t value) {
    writer.key(name);
    writer.integer(value);
  };
  writer.begin_object();
  text("stream", batch.origin().stream);
  number("partition", batch.origin().partition);
  number("offset", batch.offset(i));
  text("id", batch.id(i));
  number("timestamp", batch.entry(i).timestamp_ms);
  if (!batch.origin().source.empty()) text("source", batch.origin().source);
  if (const auto key = batch.key(i)) text("key", *key);
  if (batch.header_count(i) > 0) {
    writer.key("headers");
    writer.begin_object();
    for (const auto& [name, value] : batch.headers(i)) text(name, value);
    writer.end_object();
  }
  writer.key(batch.is_tombstone(i) ? "tombstone" : "value");
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

}  // namespace colloquium::app
