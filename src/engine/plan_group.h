// What the plans of one process are to each other: one may forward what fails to another.
//
// Thread safety: functions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

namespace colloquium::log {
class Log;
}

namespace colloquium::engine {

class Plan;

using Plans = std::vector<std::shared_ptr<const Plan>>;

// Pipelines that forward by errors.to to each other in a circle, the first one again at the end: an event that fails
// in all of them would go round for ever. Empty: there is none.
std::vector<std::string> forward_circle(const Plans& plans);

// Makes the streams of all plans. Whoever forwards to one that is not there makes it without knowing its settings, so
// this comes before any pipeline is created.
Status open_streams(const Plans& plans, log::Log& log);

// Where errors.to and errors.alert.to point and there is nothing: neither one of the plans nor a stream. REQUIRES:
// open_streams().
std::vector<std::string> missing_targets(const Plans& plans, log::Log& log);

}  // namespace colloquium::engine
