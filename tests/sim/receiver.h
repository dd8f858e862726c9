// Receiver: somebody else's server, who knows an event's id when it comes again; it outlives the process.
//
// ReceiverSink is the way to it, in the place of an http sink: slow, sometimes unreachable, and now and then the
// answer to what was taken is lost. A descriptor of it is `receiver`.
//
// Thread safety: none.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "colloquium/component.h"

namespace colloquium::sim {

class Receiver {
 public:
  void take(const std::string& id, std::string_view value);

  // What it was given, each id once, in the order of arrival.
  const std::vector<std::string>& values() const { return values_; }
  uint64_t again() const { return again_; }  // how often it was given what it had
  // An id came with two values; empty: none did.
  const std::string& problem() const { return problem_; }

 private:
  std::map<std::string, std::string> by_id_;
  std::vector<std::string> values_;
  uint64_t again_ = 0;
  std::string problem_;
};

// The descriptor of a sink that sends to `receiver`, as long as `connected`. Both outlive what is created with it.
Descriptor receiver_sink(Receiver& receiver, std::function<bool()> connected);

}  // namespace colloquium::sim
