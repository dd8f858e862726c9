// Dead letters by the id of their event, for verbs that look at one.
//
// Thread safety: main thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "colloquium/result.h"

#include "json/walk.h"
#include "log/key_ring.h"

namespace colloquium::app {

// The newest dead letter of the event with this id, as its stage or sink got it. Looked for in `stream`, or
// without one in every stream whose name ends in ".dead". kNotFound, saying where it was looked for; kInvalidInput
// if the event was no JSON.
Result<json::Document> find_dead_event(const std::string& data_dir, const std::optional<std::string>& stream,
                                       const std::string& id, const std::shared_ptr<const log::KeyRing>& keys);

}  // namespace colloquium::app
