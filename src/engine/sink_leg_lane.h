// SinkLeg::Lane: one partition's way through a leg; for the two files that implement SinkLeg alone.
//
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "colloquium/batch.h"
#include "colloquium/loop.h"
#include "colloquium/sink.h"

#include "engine/partition_runner.h"
#include "engine/sink_leg.h"

namespace colloquium::engine {

struct SinkLeg::Lane {
  size_t index = 0;
  std::deque<LegItem> waiting;        // the front is the one being written
  std::shared_ptr<const Batch> rest;  // what of the front is still to be written; null: not begun
  BatchBuilder dead;                  // envelopes of the front; join dead_ when it is complete
  // From write() until its answer. `rest` is the sink's to read meanwhile, and no token may be asked for.
  bool writing = false;
  int64_t write_started_ns = 0;
  int64_t attempt = 0;  // failures of the event at the head of `rest` that were about it
  int64_t outage = 0;   // writes in a row that failed for the sink's own reasons
  // When the first of the failed attempts began at the event at the head of `rest`; -1: none failed.
  int64_t failing_since_ns = -1;
  void begin_anew() {
    attempt = outage = 0;
    failing_since_ns = -1;
  }
  bool failing = false;
  std::unique_ptr<Timer> retry_timer;
  // A sink may answer inside write(), and its answer pumps: the loop in pump() goes on instead of recursing.
  bool pumping = false;
  bool ended = false;
  // What a commit will say of this partition: everything below is written, given up, or was not for this sink.
  // By part of the source (`log: off`), of those that moved since the last commit was put together.
  struct Done {
    int64_t position = 0;
    std::string cursor;
    int64_t behind = 0;  // all its events; above `position` where the source has no positions of its own
  };
  std::map<std::string, Done> done;
};

}  // namespace colloquium::engine
