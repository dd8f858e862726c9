// PipelineStory: one seed's story of one pipeline: producers that post with ids and a file of numbers, through the
// log (or, where nobody posts, at times without it) and a script, to two files, a receiver and the dead letters; lives that end by a crash, a fault or a stop,
// and at the end everything has to be where it belongs, once, and in order.
//
// Thread safety: none.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/pipeline_process.h"
#include "tests/sim/producers.h"
#include "tests/sim/receiver.h"
#include "tests/sim/seeds.h"

namespace colloquium::sim {

class PipelineStory {
 public:
  PipelineStory(uint64_t seed, RunSettings settings, Tally& tally);
  // What went wrong; empty if nothing did.
  std::string run();

 private:
  void write_numbers();
  std::string pipeline() const;
  std::vector<Descriptor> components();
  void plan_life();
  std::string live_and_die();
  std::string live_to_the_end();
  void make_process();
  std::string begin();
  void squeeze();
  void end_life();
  bool everything_taken() const;
  // Ends the last life in order, cuts the power, and looks at what is there.
  std::string check();
  std::string check_streams();
  std::vector<std::string> wanted(const std::function<bool(int n)>& which) const;
  Result<std::vector<std::string>> stored(log::SegmentLog& log, const std::string& stream) const;
  void tell(const std::string& text) const;

  const uint64_t seed_;
  const RunSettings settings_;
  Tally& tally_;
  SeededRandom chance_;
  const int numbers_;     // events of the file
  const bool posting_;    // the producers take part
  const bool from_file_;  // the numbers are in a file, else with a source that emits a few at a time
  const bool logged_;     // else `log: off`: the sinks' commits hold the source's positions
  const int partitions_;
  ManualClock clock_;
  Disk disk_;
  Producers producers_;
  Receiver receiver_;
  std::unique_ptr<PipelineProcess> process_;
  uint64_t lives_ = 0;
  uint64_t numbers_taken_ = 0;
  bool squeezed_ = false;
  std::string problem_;
};

}  // namespace colloquium::sim
