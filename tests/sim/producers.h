// Producers: clients that post numbered events, one request at a time, each until it is acknowledged; they outlive
// the process they post to, and send again, with the same ids, what a crash left unanswered. Now and then one asks
// again about a request that was acknowledged long ago, or is too impatient to wait and sends the same twice.
//
// ProducerSource is their way in, in the place of an http source; a descriptor of it is `producers`.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/manual_clock.h"

namespace colloquium::sim {

class Producers {
 public:
  Producers(uint64_t seed, int clients, int events_of_each);

  struct Request {
    int client = 0;
    int first = 0;  // number of its first event
    int count = 0;
    bool again = false;  // it has been acknowledged before
    int copies = 1;      // how often it is sent at once
    int serial = 0;
  };

  // What the client has to send now; nothing while it waits for an answer, and once it is done.
  std::optional<Request> next(int client);
  // The answer to a copy of `request`; true if the client goes on from here, with this request again if no copy of
  // it was acknowledged.
  bool answered(const Request& request, const Ack& ack);
  // Nobody will answer any more.
  void disconnect();

  int events_of_each() const { return events_of_each_; }
  int clients() const { return static_cast<int>(clients_.size()); }
  bool done() const;
  uint64_t acknowledged() const;  // events
  // Something was acknowledged that can't be: empty, or what.
  const std::string& problem() const { return problem_; }

  static std::string event(int client, int number);

 private:
  struct Client {
    int acknowledged = 0;  // events below are
    std::optional<Request> request;
    int waiting = 0;  // copies of `request` that are on their way
  };
  SeededRandom random_;
  const int events_of_each_;
  int next_serial_ = 0;
  std::vector<Client> clients_;
  std::string problem_;
};

// The descriptor of a source through which `producers` post. They outlive what is created with it.
Descriptor producer_source(Producers& producers);

}  // namespace colloquium::sim
