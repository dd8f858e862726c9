// PollCursor: where a polling source stands: what it knows of the document it took last, and the position of the
// next event.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>

#include "colloquium/result.h"

namespace colloquium::components {

struct PollCursor {
  int64_t position = 0;       // bytes of all answers taken so far
  std::string url;            // for which the two below hold, as a digest: it may hold secrets
  std::string etag;           // empty: none
  std::string last_modified;  // empty: none
};

std::string to_text(const PollCursor& cursor);
// kCorrupt if it is none.
Result<PollCursor> poll_cursor_of(const std::string& text);

// A digest of the URL, for PollCursor::url.
std::string digest_of(const std::string& url);

}  // namespace colloquium::components
