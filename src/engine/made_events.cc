#include "engine/made_events.h"

namespace colloquium::engine {

namespace {

// What one event may become: far below what the log takes as one batch.
constexpr size_t kOutputBytes = size_t{64} << 20;

}  // namespace

std::shared_ptr<const Batch> MadeEvents::make(const Batch& input, size_t event, const std::string& component,
                                              AsyncOutput& output) {
  const BatchEntry& from = input.entry(event);
  const auto headers = input.headers(event);
  BatchBuilder made;
  for (size_t ordinal = 0; ordinal < output.values.size(); ++ordinal) {
    const std::string& value = output.values[ordinal];
    if (auto error = check(value)) {
      output.error = std::move(error);
      return nullptr;
    }
    const std::string id = input.id(event) + "-" + component + "-" + std::to_string(ordinal);
    made.add(value, tape_,
             {.key = input.key(event),
              .headers = headers,
              .timestamp_ms = from.timestamp_ms,
              .offset_delta = from.offset_delta,
              .ordinal = static_cast<uint32_t>(ordinal),
              .id = id});
  }
  return made.seal(input.shared_origin(), input.base_offset());
}

// Its tokens are in tape_ then.
std::optional<Error> MadeEvents::check(const std::string& value) {
  if (value.size() > kOutputBytes) {
    return Error{ErrorCode::kLimit,
                 "it became an event of " + std::to_string(value.size()) + " bytes; " +
                     std::to_string(kOutputBytes) + " are the most",
                 false,
                 {}};
  }
  json::WalkError error;
  tape_.clear();
  text_.assign(value).append(kBatchPadding, '\0');
  if (walker_.walk({text_.data(), value.size()}, tape_, error)) return std::nullopt;
  return Error{
      ErrorCode::kInternal,
      "the stage made no JSON of it: " + std::string(error.what) + " at byte " + std::to_string(error.byte),
      false,
      {}};
}

}  // namespace colloquium::engine
