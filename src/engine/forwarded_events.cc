#include "engine/forwarded_events.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/murmur2.h"

namespace colloquium::engine {

namespace {

// No event from outside has a header whose name begins so.
constexpr std::string_view kToHeader = "cq.to";
constexpr std::string_view kOwnPrefix = "colloquium-";

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

bool begins_with(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

void add_event(const Batch& batch, size_t i, const Headers& headers, BatchBuilder& output) {
  const EventMeta meta{.key = batch.key(i),
                       .headers = headers,
                       .timestamp_ms = batch.entry(i).timestamp_ms,
                       .offset_delta = static_cast<uint32_t>(output.size())};
  if (batch.is_tombstone(i)) {
    output.add_tombstone(meta);
  } else {
    output.add(batch.value(i), {}, meta);
  }
}

}  // namespace

void add_forwarded(const Batch& batch, size_t i, const Error& error, std::string_view stage, std::string_view sink,
                   int64_t attempts, std::string_view to, BatchBuilder& output) {
  ASSERT(!to.empty() && attempts > 0);
  const std::string id = batch.id(i);
  const std::string text = error.describe();
  const std::string count = std::to_string(attempts);
  Headers headers;
  for (const auto& header : batch.headers(i)) {
    // Of a failure before this one.
    if (!begins_with(header.first, kOwnPrefix)) headers.push_back(header);
  }
  headers.insert(headers.end(), {{"colloquium-error", text},
                                 {"colloquium-stage", stage},
                                 {"colloquium-attempts", count},
                                 {"colloquium-event", id},
                                 {kToHeader, to}});
  if (!sink.empty()) headers.emplace_back("colloquium-sink", sink);
  add_event(batch, i, headers, output);
}

std::optional<std::string_view> forwarded_to(const Batch& letters, size_t i) {
  for (const auto& [name, value] : letters.headers(i)) {
    if (name == kToHeader) return value;
  }
  return std::nullopt;
}

ForwardedEvents::ForwardedEvents(ForwardTargets targets) : targets_(std::move(targets)) {}
ForwardedEvents::~ForwardedEvents() = default;

void ForwardedEvents::keep(const Batch& letters, size_t i) {
  const auto to = forwarded_to(letters, i);
  ASSERT(to.has_value());
  const auto target = targets_.find(std::string(*to));
  ASSERT_WHY(target != targets_.end(), "a pipeline opens the streams it forwards to before it runs");
  const auto key = letters.key(i);
  // As the door places events.
  const int32_t partition = key ? murmur2_partition(*key, target->second.partitions)
                                : std::max(0, letters.origin().partition) % target->second.partitions;
  auto& builder = kept_[{target->first, partition}];
  if (builder == nullptr) builder = std::make_unique<BatchBuilder>();
  Headers headers;
  for (const auto& header : letters.headers(i)) {
    if (header.first != kToHeader) headers.push_back(header);
  }
  const size_t before = builder->byte_size();
  add_event(letters, i, headers, *builder);
  bytes_ += builder->byte_size() - before;
}

void ForwardedEvents::take(const Take& give) {
  for (auto& [place, builder] : std::exchange(kept_, {})) {
    ASSERT(!builder->empty());
    const ForwardTarget& target = targets_.at(place.first);
    give(*builder->seal(target.origin, 0), target.stream, place.second);
  }
  bytes_ = 0;
}

}  // namespace colloquium::engine
