// JSON that travels as text, set into what is written, and read back from what a provider sends.
//
// Thread safety: functions; a JsonReader belongs to one thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

// What a user sets by hand beside what a stage sets itself (`ours`), of which a server would read one or the
// other.
Status check_extra(const std::string& extra, std::span<const std::string_view> ours);
// That the schemas of a request, of its answer and of its tools, are objects.
Status check_schemas(const AiRequest& request);
// That the arguments of the calls of tools in its messages are objects.
Status check_calls(const AiRequest& request);

// The value as it stands. REQUIRES: JSON.
void write_json(json::Writer& out, std::string_view json);
// What a model calls a tool with, which is whatever it wrote, as the object that an API has there: nothing at all
// is {}, and what is no object (an answer that was cut, say) is {"_raw": "what it wrote"}.
void write_arguments(json::Writer& out, std::string_view arguments);
void write_member(json::Writer& out, std::string_view key, std::string_view text);

// Members that a user adds by hand to an object that is sent: they go before those that are made.
class Extra {
 public:
  // REQUIRES: a JSON object, or nothing at all.
  explicit Extra(std::string_view json);

  bool has(std::string_view key) const;
  // The text of a member; empty if there is none.
  std::string text(std::string_view key) const;

  // One that is made: unless there is nothing to say, or it is added by hand.
  void set(json::Writer& out, std::string_view key, const std::optional<int64_t>& value) const;
  void set(json::Writer& out, std::string_view key, const std::optional<double>& value) const;
  void set(json::Writer& out, std::string_view key, const std::vector<std::string>& texts) const;
  // Those that are added, but `without`.
  void write(json::Writer& out, std::string_view without = {}) const;

 private:
  std::optional<json::ValueView> root() const;

  std::optional<json::Document> document_;
};

// The request that carries a body, with a provider's own headers and those that the user adds.
AiHttpRequest json_request(std::string url, const std::vector<char>& body,
                           std::vector<std::pair<std::string, std::string>> headers, const AiAccess& access);

// The tokens that `member` of an answer counts. kUnavailable, with what was said instead, if it is no count.
Result<int64_t> count_in(std::string_view body, std::string_view member);

// Reads one text after the other; a view is good until the next.
class JsonReader {
 public:
  // Nothing if it is no JSON.
  std::optional<json::ValueView> read(std::string_view text);
  // Gives back the memory of what was read, unless it is little and may serve again.
  void let_go();

  // Of what may be absent, null, or of another type than expected; nothing then.
  static std::optional<json::ValueView> member(const std::optional<json::ValueView>& object, std::string_view key);
  static std::optional<json::ValueView> element(const std::optional<json::ValueView>& array, uint64_t i);
  static std::optional<int64_t> integer(const std::optional<json::ValueView>& value);
  // Decoded, into `scratch` where it has escapes.
  static std::optional<std::string_view> text(const std::optional<json::ValueView>& value, std::string& scratch);
  // Of a member; empty where there is no such text.
  static std::string member_text(const std::optional<json::ValueView>& object, std::string_view key);
  // A list of numbers, and of nothing else.
  static std::optional<std::vector<float>> floats(const std::optional<json::ValueView>& value);
  // Of what may be no list; nothing is done then.
  template <class Do>
  static void for_each(const std::optional<json::ValueView>& array, Do what) {
    if (!array || array->type() != TokenType::kArray) return;
    for (json::ValueView item = array->first_child(); !item.at_end_of(*array); item = item.next()) what(item);
  }

 private:
  json::Walker walker_;
  std::string text_;  // with the padding that the walk wants
  std::vector<TapeToken> tape_;
};

}  // namespace colloquium::ai
