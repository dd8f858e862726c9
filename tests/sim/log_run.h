// LogRun: one seed's story of one log: lives of appends, commits and readers, each ended by a crash or a fault,
// and what the next start has to find.
//
// Thread safety: none.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/sim/machine.h"
#include "tests/sim/model.h"
#include "tests/sim/seeds.h"
#include "tests/sim/table.h"
#include "tests/sim/tally.h"

namespace colloquium::sim {

class LogRun {
 public:
  LogRun(uint64_t seed, RunSettings settings, Tally& tally);
  // What went wrong; empty if nothing did.
  std::string run();

 private:
  std::string live_and_die();
  std::string start();
  void start_with_fault();
  std::string judge();
  void plan_life();
  void work(int steps);
  void step();
  void append();
  void put();
  void fill_table();
  void commit();
  void poll();
  void tick();
  void squeeze();
  std::string finish_life();
  std::string stop_cleanly();
  std::string recoveries();
  std::string recover_after_stop(uint64_t at);
  void power_lost();
  std::string check(Machine& machine, Model& model, Table& table, const Allowance& allowance);
  void note(const std::string& problem);
  void tell(const std::string& what) const;
  Place random_place(bool with_out);
  log::EncodedBatch encode(int number, bool accept);
  End random_end();

  friend class MediaFault;

  const uint64_t seed_;
  const RunSettings settings_;
  Tally& tally_;
  SeededRandom chance_;
  Machine machine_;
  Model model_;
  Table table_;
  std::map<Place, std::unique_ptr<log::Reader>> readers_;
  bool late_ = false;      // the late stream is wanted
  bool squeezed_ = false;  // the disk was made small
  std::string problem_;    // the first
};

// The end of some stories: damage at rest, or a wrong read while the log starts. Everything promised is there, or
// the start is refused with nothing changed, or what is lost is told (and was above the last sync mark, rule 4).
class MediaFault {
 public:
  explicit MediaFault(LogRun& run) : run_(run) {}
  std::string run();

 private:
  std::vector<std::string> files_below(const std::string& folder) const;
  std::string choose();
  void damage(const std::string& path, io::MemoryFileSystem& files);
  FaultPlan misread() const;
  Allowance allowance_of(const std::string& path, const io::MemoryFileSystem& damaged) const;
  std::string judge(const Status& opened, Machine& machine, const Allowance& allowance, const std::string& before);
  std::string judge_refused(const Error& error, Machine& machine, const std::string& before);
  std::string all_bytes(const Machine& machine) const;

  LogRun& run_;
};

}  // namespace colloquium::sim
