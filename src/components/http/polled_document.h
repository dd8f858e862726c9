// PolledDocument: what an answer to a poll holds: which part of it the events are, and where the next page is.
//
// Thread safety: pure functions over values, good for the offload pool.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/config_types.h"
#include "colloquium/result.h"

namespace colloquium::components {

// `split`: true, or a JSON pointer to the array whose elements are the events.
struct PollSplit {
  bool on = false;
  std::string pointer;  // empty: the document itself
};

struct PolledDocument {
  std::shared_ptr<const std::string> events;  // the document, or the array in it
  std::string next;                           // as it stands there; empty: there is no next page
};

// `next_pointer`: where a page names the next one; empty: it does not. kInvalidInput if the document is not what
// the settings take it for.
Result<PolledDocument> open_document(std::shared_ptr<const std::string> body, const PollSplit& split,
                                     const std::string& next_pointer);

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigType<components::PollSplit> {
  static FieldSpec describe(std::string name, FieldOptions options);
  static std::string show(const components::PollSplit&) { return "false"; }
};

}  // namespace colloquium
