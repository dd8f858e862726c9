#include "app/dead_events.h"

#include <string_view>
#include <vector>

#include "app/verb_log.h"
#include "json/view.h"

namespace colloquium::app {
namespace {

constexpr std::string_view kDeadSuffix = ".dead";

Result<std::vector<std::string>> dead_streams(const std::string& data_dir,
                                              const std::optional<std::string>& stream) {
  if (stream) {
    TRY_ASSIGN(const log::StreamInfo found, find_stream(data_dir, *stream));
    return std::vector<std::string>{found.name};
  }
  TRY_ASSIGN(const std::vector<log::StreamInfo> all, log::list_data_directory(log_files(), data_dir));
  std::vector<std::string> names;
  for (const log::StreamInfo& info : all) {
    if (info.name.ends_with(kDeadSuffix)) names.push_back(info.name);
  }
  return names;
}

// The text of a member that is a string; empty if it is none.
std::string text_of(const json::ValueView& envelope, std::string_view name) {
  const auto member = envelope.member(name);
  std::string scratch;
  if (!member || member->type() != TokenType::kString) return {};
  return std::string(member->string(scratch));
}

// Keeps the last envelope of the event in `found`.
Status search(const std::string& data_dir, const std::string& stream, const std::string& id,
              const std::shared_ptr<const log::KeyRing>& keys, std::optional<std::string>& found) {
  TRY_ASSIGN(const auto reader, log::open_reader(log_files(), data_dir, stream, 0, 0, keys));
  while (true) {
    TRY_ASSIGN(const std::shared_ptr<const Batch> batch, reader->next());
    if (batch == nullptr) return {};
    for (size_t i = 0; i < batch->size(); ++i) {
      // Most envelopes do not hold the id at all, and are not parsed.
      if (batch->value(i).find(id) == std::string_view::npos) continue;
      TRY_ASSIGN(const json::Document envelope, json::parse(batch->value(i), batch->id(i)));
      if (text_of({envelope.text.data(), envelope.tape.data(), 0}, "position") == id) found = batch->value(i);
    }
  }
}

}  // namespace

Result<json::Document> find_dead_event(const std::string& data_dir, const std::optional<std::string>& stream,
                                       const std::string& id, const std::shared_ptr<const log::KeyRing>& keys) {
  TRY_ASSIGN(const std::vector<std::string> streams, dead_streams(data_dir, stream));
  std::optional<std::string> found;
  std::string looked_in;
  for (const std::string& name : streams) {
    TRY(search(data_dir, name, id, keys, found));
    looked_in += (looked_in.empty() ? "" : ", ") + name;
  }
  if (!found) {
    return fail(ErrorCode::kNotFound, "no dead letter of the event '" + id + "' in " + data_dir + " (" +
                                          (looked_in.empty() ? "there is no stream of dead letters" : looked_in) +
                                          "); its id is 'position' in 'colloquium log cat STREAM.dead'");
  }
  TRY_ASSIGN(const json::Document envelope, json::parse(*found, id));
  const auto event = json::ValueView(envelope.text.data(), envelope.tape.data(), 0).member("event");
  if (!event)
    return fail(ErrorCode::kInvalidInput, "the event '" + id + "' was no JSON, so no script can take it");
  return json::parse(event->raw(), "event " + id);
}

}  // namespace colloquium::app
