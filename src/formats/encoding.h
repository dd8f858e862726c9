// What encoders share: looking into an event, and its values as text.
//
// Thread safety: an EventReader belongs to one thread; a MemberPath is immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "json/view.h"
#include "json/walk.h"

namespace colloquium::formats {

class EventReader {
 public:
  // The event; nothing for a tombstone. Valid until the next call, and as long as `batch`.
  std::optional<json::ValueView> value(const Batch& batch, size_t i);
  // The same if it is an object.
  std::optional<json::ValueView> object(const Batch& batch, size_t i);

 private:
  json::Walker walker_;
  std::vector<TapeToken> tape_;
};

// A key, or a JSON pointer (RFC 6901) where it begins with '/'.
class MemberPath {
 public:
  explicit MemberPath(const std::string& text);
  // Nothing if it is not there, or null.
  std::optional<json::ValueView> find(json::ValueView value) const;

 private:
  std::vector<std::string> steps_;
};

// A string's characters, anything else as JSON without white space. The result may stand in `scratch`.
std::string_view text_of(json::ValueView value, std::string& scratch);

// Why an event can't be written as `format`.
Error not_an_object(std::string_view format);

}  // namespace colloquium::formats
