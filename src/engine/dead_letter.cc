#include "engine/dead_letter.h"

#include <algorithm>

#include "engine/forwarded_events.h"
#include "json/escape.h"
#include "json/utf8.h"

namespace colloquium::engine {

namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// RFC 4648, section 4.
std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) {
      word = (word << 8) | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) {
      const bool padding = i + k > bytes.size();
      out.push_back(padding ? '=' : kBase64[(word >> (18 - 6 * k)) & 63]);
    }
  }
  return out;
}

// The code points up to U+009F that a terminal takes for commands. `text` is UTF-8 and not empty.
size_t control_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7f) return 1;
  return first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0 ? 2 : 0;
}

// Error texts may quote hostile bytes; an envelope is JSON and so UTF-8. What is none, and control characters,
// become
// '?', each.
std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::string_view valid = text.substr(0, json::valid_utf8_prefix(text));
    text.remove_prefix(valid.size());
    while (!valid.empty()) {
      const size_t control = control_length(valid);
      out.push_back(control > 0 ? '?' : valid[0]);
      valid.remove_prefix(std::max<size_t>(control, 1));
    }
    if (text.empty()) break;
    out.push_back('?');
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace

std::string dead_letter_json(const DeadLetter& letter) {
  // Members in the order of their names, as canonical JSON has them: an envelope reads the same everywhere.
  std::string out = "{\"attempts\":" + std::to_string(letter.attempts);
  out += ",\"error\":" + json::quoted(printable(letter.error));
  // The event's own bytes: it is JSON already.
  if (letter.is_json) out.append(",\"event\":").append(letter.event);
  out += ",\"position\":" + json::quoted(letter.position);
  if (!letter.is_json) out += ",\"raw_base64\":" + json::quoted(base64(letter.event));
  if (!letter.sink.empty()) out += ",\"sink\":" + json::quoted(letter.sink);
  out += ",\"stage\":" + json::quoted(letter.stage);
  if (!letter.stream.empty()) out += ",\"stream\":" + json::quoted(letter.stream);
  if (letter.tombstone) out += ",\"tombstone\":true";
  out += '}';
  return out;
}

void add_dead_letter(const Batch& batch, size_t i, const Error& error, std::string_view stage,
                     std::string_view sink, int64_t attempts, BatchBuilder& output, std::string_view to) {
  if (!to.empty()) return add_forwarded(batch, i, error, stage, sink, attempts, to, output);
  const std::string id = batch.id(i);
  const std::string text = error.describe();
  const std::string envelope =
      dead_letter_json({.event = batch.is_tombstone(i) ? std::string_view("null") : batch.value(i),
                        .tombstone = batch.is_tombstone(i),
                        .error = text,
                        .stage = stage,
                        .sink = sink,
                        .stream = batch.own_id(i) ? std::string_view(batch.origin().stream) : std::string_view(),
                        .attempts = attempts,
                        .position = id});
  // Key and headers go along, so that a replay is routed as the event was.
  const auto headers = batch.headers(i);
  output.add(envelope, {},
             {.key = batch.key(i),
              .headers = headers,
              .timestamp_ms = batch.entry(i).timestamp_ms,
              .offset_delta = static_cast<uint32_t>(output.size())});
}

}  // namespace colloquium::engine
