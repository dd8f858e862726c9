// Cutting a body into events: where each one stands, before anything is copied.
//
// A body is bytes as a source read them (colloquium/source.h). JSON and NDJSON are cut without parsing; whether
// a piece is valid is for the walk that follows. An array has to be walked to be cut, so its elements take their
// part of that tape along and nothing is parsed twice. Positions count from the body's first byte.
// Thread safety: functions without state; a Walker belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "colloquium/source.h"
#include "colloquium/tape.h"

#include "json/walk.h"

namespace colloquium::formats {

// An event's bytes within its body, without white space around them.
struct Piece {
  size_t offset = 0;
  size_t length = 0;

  std::string_view in(std::string_view body) const { return body.substr(offset, length); }
};

// Appends the pieces of `body`. kJson gives one, of length 0 if there is nothing but white space (which the walk
// then refuses); kNdjson one per line that is not blank, whether the last line ends in a line feed or not.
// REQUIRES: not kJsonArray.
void cut(std::string_view body, BodyFormat format, std::vector<Piece>& pieces);

// An element of the top-level array and its tokens in the body's tape.
struct ArrayElement {
  Piece piece;
  uint32_t token_begin = 0;
  uint32_t token_count = 0;
};

// Walks `body` and appends its elements; `tape` is replaced by the body's. On failure (no valid JSON, no array)
// false, with `error` set and `elements` as it was. REQUIRES: as Walker::walk.
bool cut_array(std::string_view body, json::Walker& walker, std::vector<TapeToken>& tape,
               std::vector<ArrayElement>& elements, json::WalkError& error);

// Appends the element's tokens as the tape of an event by itself: offsets count from its first byte, `next` from
// its first token. `tape` is what cut_array filled, and not `out`.
void append_element_tape(const ArrayElement& element, std::span<const TapeToken> tape,
                         std::vector<TapeToken>& out);

}  // namespace colloquium::formats
