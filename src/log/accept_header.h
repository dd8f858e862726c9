// The reserved headers: what the log stores with a batch beside its events, in its first record,
//
//   cq.accept  an accepted batch's AcceptInfo
//   cq.source  the name of the source that a leg's output came from
//
// and in a record of its own:
//
//   cq.id      the event's id where it is not that of its place (EventMeta::id)
//
// Names that begin with "cq." are reserved. These belong to the log and are never seen above it; others are marks
// of the engine and pass through. Thread safety: functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "log/log.h"

namespace colloquium::log {

inline constexpr std::string_view kAcceptHeader = "cq.accept";
inline constexpr std::string_view kSourceHeader = "cq.source";

inline constexpr std::string_view kIdHeader = "cq.id";

inline bool is_batch_header(std::string_view name) {
  return name == kAcceptHeader || name == kSourceHeader;
}
inline bool is_log_header(std::string_view name) {
  return is_batch_header(name) || name == kIdHeader;
}

std::string put_accept(const AcceptInfo& info);
// Nothing if the bytes are malformed or of a version this program does not know.
std::optional<AcceptInfo> get_accept(std::string_view bytes);

std::string put_source(std::string_view source);
std::optional<std::string_view> get_source(std::string_view bytes);

}  // namespace colloquium::log
