// JSON that travels as text, set into what is written, and read back from what a provider sends.
//
// Thread safety: functions; a JsonReader belongs to one thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/ai_provider.h"
#include "colloquium/result.h"
#include "colloquium/tape.h"

#include "json/view.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::ai {

// kInvalidConfig, with `what` it is, for what is no JSON object.
Status check_object(std::string_view json, const std::string& what);

// What a user sets by hand beside what a stage sets itself (`ours`), of which a server would read one or the other.
Status check_extra(const std::string& extra, std::span<const std::string_view> ours);

// The value as it stands. REQUIRES: JSON.
void write_json(json::Writer& out, std::string_view json);
// The members of an object but `without`, into the one that is open. REQUIRES: an object, or nothing at all.
void write_members(json::Writer& out, std::string_view json, std::string_view without = {});
// Whether the object has that member. REQUIRES: as above.
bool has_member(std::string_view json, std::string_view key);
// Its text; empty if there is none.
std::string member_text(std::string_view json, std::string_view key);

// That the arguments of the calls of tools in its messages are objects.
Status check_calls(const AiRequest& request);

// Reads one text after the other; a view is good until the next.
class JsonReader {
 public:
  // Nothing if it is no JSON.
  std::optional<json::ValueView> read(std::string_view text);

  // Of what may be absent, null, or of another type than expected; nothing then.
  static std::optional<json::ValueView> member(const std::optional<json::ValueView>& object, std::string_view key);
  static std::optional<json::ValueView> element(const std::optional<json::ValueView>& array, uint64_t i);
  static std::optional<int64_t> integer(const std::optional<json::ValueView>& value);
  // Decoded, into `scratch` where it has escapes.
  static std::optional<std::string_view> text(const std::optional<json::ValueView>& value, std::string& scratch);

 private:
  json::Walker walker_;
  std::string text_;  // with the padding that the walk wants
  std::vector<TapeToken> tape_;
};

}  // namespace colloquium::ai
