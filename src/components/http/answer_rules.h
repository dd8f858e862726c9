// AnswerRules: what the status of an answer means for the events of a request.
//
// Defaults: 2xx is done; 408, 425, 429 and 5xx are sent again; 413 splits a request of several events; anything
// else, redirects included, is a dead letter. A sink's `status` says otherwise for single statuses and ranges.
//
// Thread safety: immutable values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/config_types.h"
#include "colloquium/result.h"
#include "colloquium/sink.h"

#include "net/http_client.h"

namespace colloquium::components {

enum class Verdict {
  kDone,
  kDrop,
  kRetry,
  kDeadLetter,
  kSplit,  // several events: as two requests, and so on; one event: as kDeadLetter
};

// Statuses as they are written: 409, "5xx", "420-429", or a list of these.
struct StatusSet {
  std::vector<std::pair<int, int>> ranges;  // first and last
  bool holds(int status) const;
};

// Nothing if `text` is no status or range.
std::optional<std::pair<int, int>> status_range(std::string_view text);

struct StatusSettings {
  StatusSet done;
  StatusSet drop;
  StatusSet retry;
  StatusSet dead_letter;
  StatusSet split;
};

// A status may be named once.
void check_statuses(const StatusSettings& settings, const ConfigNode& node, ConfigProblems& problems);

class AnswerRules {
 public:
  // `logs_in`: 401 is about our credentials, and no event's fault.
  AnswerRules(StatusSettings settings, bool logs_in) : settings_(std::move(settings)), logs_in_(logs_in) {}

  Verdict verdict(int status) const;

  // What becomes of each event of a request. `what` names it in messages: "POST https://…". REQUIRES: not a split
  // of several events.
  EventOutcome outcome(const std::string& what, const Result<net::ClientResponse>& answer) const;

 private:
  Verdict standard(int status) const;
  bool may_be_the_event(int status) const;

  const StatusSettings settings_;
  const bool logs_in_;
};

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigType<components::StatusSet> {
  static FieldSpec describe(std::string name, FieldOptions options);
  static std::string show(const components::StatusSet&) { return {}; }
};

template <>
struct ConfigObject<components::StatusSettings> {
  static ConfigSpec<components::StatusSettings> spec();
};

}  // namespace colloquium
