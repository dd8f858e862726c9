#include "tests/sim/log_run.h"

#include <cstdio>

#include "log/layout.h"

namespace colloquium::sim {
namespace {

constexpr int kStepsPerLife = 14;

}  // namespace

LogRun::LogRun(uint64_t seed, RunSettings settings, Tally& tally)
    : seed_(seed),
      settings_(settings),
      tally_(tally),
      chance_(seed * 0x2545f491 + 7),
      machine_(Shape(seed), seed),
      model_(Shape(seed).partitions) {}

void LogRun::note(const std::string& problem) {
  if (problem_.empty()) problem_ = problem;
}

void LogRun::tell(const std::string& what) const {
  if (settings_.verbose) {
    std::printf("seed %llu, operation %llu: %s\n", static_cast<unsigned long long>(seed_),
                static_cast<unsigned long long>(machine_.disk.files().operations()), what.c_str());
  }
}

End LogRun::random_end() {
  const uint64_t style = chance_.below(4);
  return style == 0 ? End::kPowerLoss : style == 1 ? End::kKilled : End::kSomeSectors;
}

Place LogRun::random_place(bool with_out) {
  const uint64_t which = chance_.below(10);
  if (which < 2 && machine_.streams[2] >= 0) return {2, 0};
  const int stream = with_out && which % 2 == 0 ? 1 : 0;
  return {stream, static_cast<int32_t>(
                      chance_.below(static_cast<uint64_t>(model_.partitions()[static_cast<size_t>(stream)])))};
}

// --- work ----------------------------------------------------------------------------------------------------

log::EncodedBatch LogRun::encode(int number, bool accept) {
  const uint64_t which = chance_.below(20);
  const log::Codec codec = which == 0   ? log::Codec::kGzip
                           : which == 1 ? log::Codec::kZstd
                           : which < 7  ? log::Codec::kLz4
                                        : log::Codec::kNone;
  const log::AcceptInfo info = model_.accept_of(number);
  auto encoded = log::encode(model_.make_batch(number), codec, accept ? &info : nullptr);
  if (!encoded) note(encoded.error().describe());
  if (chance_.below(4) == 0) encoded->batch = nullptr;  // readers have to go to the disk
  return std::move(*encoded);
}

void LogRun::append() {
  const Place place = random_place(chance_.below(5) == 0);
  const uint64_t which = chance_.below(10);
  const auto level = which < 6   ? log::AckLevel::kDurable
                     : which < 9 ? log::AckLevel::kWritten
                                 : log::AckLevel::kQueued;
  const int count = 1 + static_cast<int>(chance_.below(chance_.below(12) == 0 ? 24 : 3));
  const int number = model_.new_batch(place, count, level);
  log::EncodedBatch batch = encode(number, true);
  batch.caller_waits = chance_.below(4) == 0;
  batch.syncs_with_next = chance_.below(4) == 0;
  machine_.log->append(machine_.id(place), place.partition, std::move(batch), level,
                       [this, number, level](Result<log::AppendResult> result) {
                         if (result && level == log::AckLevel::kDurable && machine_.disk.sync_failed()) {
                           note("an append is acknowledged as durable after a failed sync");
                         }
                         note(model_.told(number, result));
                       });
}

void LogRun::put() {
  const uint64_t which = chance_.below(10);
  const auto level = which < 6   ? log::AckLevel::kDurable
                     : which < 9 ? log::AckLevel::kWritten
                                 : log::AckLevel::kQueued;
  const Table::Put put = table_.put(1 + static_cast<int>(chance_.below(6)), level);
  const log::AcceptInfo accept{"table source", "cursor " + std::to_string(put.first), {}};
  const log::Codec codec = chance_.below(3) == 0 ? log::Codec::kLz4 : log::Codec::kNone;
  auto encoded = log::encode(table_.make_batch(put), codec, &accept);
  if (!encoded) return note(encoded.error().describe());
  encoded->batch = nullptr;
  machine_.log->append(machine_.table, 0, std::move(*encoded), level,
                       [this, put](Result<log::AppendResult> result) {
                         if (result && put.level == log::AckLevel::kDurable && machine_.disk.sync_failed()) {
                           note("what was put is acknowledged as durable after a failed sync");
                         }
                         note(table_.told(put, result));
                       });
}

// Enough for a few segments, and now and then a compaction of what is there.
void LogRun::fill_table() {
  for (uint64_t i = chance_.below(8) + 1; i > 0; --i) {
    put();
    // A group of its own for some, so that segments come to an end.
    if (chance_.below(2) == 0) machine_.executor.step();
    if (machine_.disk.halted() || machine_.failure) return;
  }
  if (chance_.below(2) == 0) machine_.log->apply_retention([](Status) {});
}

void LogRun::commit() {
  const int leg = static_cast<int>(chance_.below(2));
  std::vector<std::pair<Place, int64_t>> positions;
  for (int32_t partition = 0; partition < model_.partitions()[0]; ++partition) {
    const Place place{0, partition};
    if (chance_.below(3) != 0) positions.emplace_back(place, model_.readable_end(place));
  }
  const bool with_token = chance_.below(4) != 0;
  const int number = model_.new_commit(leg, positions, with_token);
  log::CommitRequest request;
  request.leg = Model::leg_name(leg);
  for (const auto& [place, next] : positions) {
    request.positions.push_back({machine_.id(place), place.partition, next, "", ""});
  }
  // How many commits the leg has made: what is stored tells which one it was.
  request.positions.push_back({0, 0, model_.commits_of(leg), "source", "cursor"});
  if (with_token) request.sink_token = "token " + std::to_string(number);
  const uint64_t outputs = chance_.below(4);
  for (uint64_t i = 0; i < outputs; ++i) {
    const Place place =
        chance_.below(6) == 0
            ? random_place(true)
            : Place{1, static_cast<int32_t>(chance_.below(static_cast<uint64_t>(model_.partitions()[1])))};
    const int batch =
        model_.new_batch(place, 1 + static_cast<int>(chance_.below(3)), log::AckLevel::kDurable, number);
    request.outputs.push_back({machine_.id(place), place.partition, encode(batch, false)});
  }
  machine_.log->commit(std::move(request), [this, number](Status result) {
    if (result && machine_.disk.sync_failed()) note("a commit is acknowledged after a failed sync");
    model_.told_commit(number, result);
  });
}

// A reader that follows. What a fault makes of a read is an error, or right.
void LogRun::poll() {
  const Place place = random_place(true);
  std::unique_ptr<log::Reader>& reader = readers_[place];
  if (reader == nullptr) {
    auto made = machine_.log->read(machine_.id(place), place.partition, model_.reader_at(place), false);
    if (!made) return note(made.error().describe());
    reader = std::move(*made);
  }
  for (int i = 0; i < 6; ++i) {
    const auto batch = reader->next();
    if (!batch) {
      if (!machine_.disk.halted() && machine_.disk.faulted().empty()) note(batch.error().describe());
      reader.reset();
      return;
    }
    if (*batch == nullptr) return;
    note(model_.seen(place, **batch));
  }
}

void LogRun::tick() {
  machine_.clock.advance_ms(static_cast<int64_t>(chance_.below(2500)));
  if (chance_.below(8) == 0) {
    machine_.clock.set_wall_ms(machine_.clock.wall_ms() + static_cast<int64_t>(chance_.below(200'000)) - 100'000);
  }
  machine_.log->tick();
}

// The disk gets small, down to any byte; or has space again.
void LogRun::squeeze() {
  squeezed_ = !squeezed_;
  const uint64_t room = squeezed_ ? machine_.disk.used_bytes() + chance_.below(1500) : uint64_t{1} << 40;
  tell(squeezed_ ? "the disk gets full" : "the disk has space again");
  if (squeezed_) ++tally_.faults["no space"];
  machine_.disk.files().set_capacity(room);
}

void LogRun::step() {
  const uint64_t which = chance_.below(24);
  if (which < 7) {
    append();
  } else if (which < 10) {
    fill_table();
  } else if (which < 15) {
    commit();
  } else if (which < 18) {
    poll();
  } else if (which < 20) {
    tick();
  } else if (which == 20 && (squeezed_ || chance_.below(4) == 0)) {
    squeeze();
  } else if (which == 21 && !late_) {
    late_ = true;
    const Status opened = machine_.open_late();
    // For want of space, or a fault: it is opened with the next start.
    if (!opened && machine_.disk.faulted().empty() && !machine_.disk.halted() && !squeezed_) {
      note(opened.error().describe());
    }
  } else {
    machine_.settle();
  }
  for (uint64_t i = chance_.below(6); i > 0; --i) machine_.executor.step();
}

void LogRun::work(int steps) {
  for (int i = 0; i < steps && problem_.empty(); ++i) {
    if (machine_.disk.halted() || machine_.failure) break;
    step();
  }
}

// --- lives ---------------------------------------------------------------------------------------------------

void LogRun::plan_life() {
  FaultPlan plan;
  const uint64_t at = machine_.disk.files().operations() + chance_.below(70);
  const uint64_t which = chance_.below(16);
  if (which < 9) {
    plan.halt_at = at;
  } else if (which < 12) {
    plan.fail_at = at;
    plan.fault = io_error(chance_);
  } else if (which < 14) {
    plan.fail_at = at;
    plan.fault = no_space(chance_);
    plan.halt_at = at + 1 + chance_.below(40);
  } else if (which == 14) {
    plan.read_fault_after = chance_.below(12);
    plan.read_fault = wrong_read(chance_);
  }
  machine_.disk.arm(plan);
}

void LogRun::power_lost() {
  model_.power_lost();
  table_.power_lost();
}

std::string LogRun::check(Machine& machine, Model& model, Table& table, const Allowance& allowance) {
  const uint64_t before = model.promises_checked() + table.promises_checked();
  std::string wrong = model.check(*machine.log, machine.streams, allowance);
  if (wrong.empty()) wrong = table.check(*machine.log, machine.table, allowance);
  tally_.promises_checked += model.promises_checked() + table.promises_checked() - before;
  return wrong;
}

std::string LogRun::judge() {
  readers_.clear();
  ++tally_.states;
  if (std::string wrong = check(machine_, model_, table_, {}); !wrong.empty()) return wrong;
  if (chance_.below(4) != 0) return {};
  return model_.check_accepted(*machine_.log, machine_.streams);
}

// A start that fails now and then, or is stopped; after it one that must not.
void LogRun::start_with_fault() {
  FaultPlan plan;
  const uint64_t at = machine_.disk.files().operations() + chance_.below(24);
  const uint64_t which = chance_.below(4);
  if (which == 0) {
    plan.fail_at = at;
    plan.fault = chance_.below(3) == 0 ? no_space(chance_) : io_error(chance_);
  } else if (which == 1) {
    plan.read_fault_after = chance_.below(20);
    plan.read_fault = io::Fault{Error{ErrorCode::kIo, "injected read error"}};
  } else if (which == 2) {
    machine_.disk.files().set_capacity(machine_.disk.used_bytes() + chance_.below(600));
    ++tally_.faults["no space"];
  } else {
    plan.halt_at = at;
  }
  machine_.disk.arm(plan);
  const Status opened = machine_.open(late_);
  if (!machine_.disk.faulted().empty()) ++tally_.faults[machine_.disk.faulted()];
  if (machine_.disk.halted()) ++tally_.recovery_crashes[machine_.disk.halted_before()];
  const bool lost = machine_.disk.lost_dirty();
  tell(opened ? "starts, whatever failed" : "a start fails: " + opened.error().describe());
  const End how = random_end();
  machine_.end(how);
  machine_.disk.files().set_capacity(uint64_t{1} << 40);
  if (how != End::kKilled || lost) power_lost();
}

std::string LogRun::start() {
  if (chance_.below(5) == 0) start_with_fault();
  machine_.disk.arm({});
  if (const Status opened = machine_.open(late_); !opened) return "does not start: " + opened.error().describe();
  for (const auto& recovered : machine_.log->recovery().notes) tell(recovered.partition + ": " + recovered.text);
  return judge();
}

std::string LogRun::stop_cleanly() {
  squeezed_ = false;
  machine_.disk.files().set_capacity(uint64_t{1} << 40);
  machine_.settle();
  const bool undisturbed = machine_.disk.undisturbed();
  const Status closed = machine_.log->close();
  const bool clean = closed.has_value() && !machine_.disk.halted();
  tell(clean ? "stops cleanly" : "does not stop cleanly" + (undisturbed ? ": " + machine_.disk.faulted() : ""));
  readers_.clear();
  if (undisturbed && !closed && machine_.disk.undisturbed()) {
    return "does not close: " + closed.error().describe();
  }
  machine_.drop_log();
  if (clean && chance_.below(2) == 0) return {};  // the next life begins at once
  // A sync that failed at the stop may have lost what was only written, though the machine goes on.
  const bool lost = machine_.disk.lost_dirty();
  const End how = random_end();
  machine_.end(how);
  if ((how != End::kKilled || lost) && !clean) power_lost();
  if (!clean) return start();
  if (const Status opened = machine_.open(late_); !opened)
    return "does not start again: " + opened.error().describe();
  const auto& recovery = machine_.log->recovery();
  if (!recovery.clean) return "a clean stop is not found clean";
  if (!recovery.notes.empty()) {
    return "a clean stop is followed by: " + recovery.notes.front().partition + ": " + recovery.notes.front().text;
  }
  return judge();
}

std::string LogRun::finish_life() {
  const Disk& disk = machine_.disk;
  if (machine_.failure && disk.undisturbed()) {
    return "the log fails though nothing did: " + machine_.failure->describe();
  }
  if (disk.lost_dirty()) power_lost();
  if (machine_.failure) model_.log_failed();
  if (!disk.faulted().empty()) ++tally_.faults[disk.faulted()];
  if (!disk.halted() && !machine_.failure && chance_.below(3) == 0) return stop_cleanly();
  const End how = random_end();
  if (disk.halted()) ++tally_.crashes[disk.halted_before()];
  tell((disk.halted()      ? "crash before: " + disk.halted_before()
        : machine_.failure ? "the log failed"
                           : "killed") +
       (how == End::kKilled      ? "; the machine goes on"
        : how == End::kPowerLoss ? "; power lost"
                                 : "; some sectors kept"));
  readers_.clear();
  machine_.end(how);
  squeezed_ = false;
  machine_.disk.files().set_capacity(uint64_t{1} << 40);
  if (how != End::kKilled) power_lost();
  return recoveries();
}

// --- recoveries that are stopped -----------------------------------------------------------------------------

std::string LogRun::recover_after_stop(uint64_t at) {
  Machine machine(machine_, seed_ + at);
  Model model = model_;
  Table table = table_;
  FaultPlan plan;
  plan.halt_at = at;
  machine.disk.arm(plan);
  (void)machine.open(late_);
  const std::string stopped_before = machine.disk.halted_before();
  if (machine.disk.halted()) ++tally_.recovery_crashes[stopped_before];
  const End how = random_end();
  if (how != End::kKilled) model.power_lost();
  if (how != End::kKilled) table.power_lost();
  machine.end(how);
  ++tally_.states;
  const auto where = [&] {
    return "recovery stopped at operation " + std::to_string(at) + " (" + stopped_before + "): ";
  };
  if (const Status opened = machine.open(late_); !opened) return where() + opened.error().describe();
  for (const auto& recovered : machine.log->recovery().notes) tell(recovered.partition + ": " + recovered.text);
  std::string wrong = check(machine, model, table, {});
  if (wrong.empty()) wrong = machine.misdeed();
  return wrong.empty() ? wrong : where() + wrong;
}

// The recovery that comes next, on copies of the disk: stopped at some of its operations, or at every one.
std::string LogRun::recoveries() {
  const uint64_t begin = machine_.disk.files().operations();
  uint64_t operations = 0;
  {
    Machine whole(machine_, seed_);
    if (const Status opened = whole.open(late_); !opened) return "does not recover: " + opened.error().describe();
    operations = whole.disk.files().operations() - begin;
  }
  if (operations == 0) return {};
  const uint64_t tries = settings_.every ? operations : 2;
  for (uint64_t i = 0; i < tries; ++i) {
    const uint64_t at = begin + (settings_.every ? i : chance_.below(operations));
    if (std::string wrong = recover_after_stop(at); !wrong.empty()) return wrong;
  }
  return {};
}

std::string LogRun::live_and_die() {
  if (machine_.log == nullptr) {
    if (std::string wrong = start(); !wrong.empty()) return wrong;
  }
  plan_life();
  work(kStepsPerLife);
  if (chance_.below(2) == 0) machine_.settle();
  return problem_.empty() ? finish_life() : problem_;
}

std::string LogRun::run() {
  const uint64_t lives = 2 + chance_.below(3);
  std::string wrong;
  for (uint64_t life = 0; life < lives && wrong.empty(); ++life) {
    wrong = live_and_die();
    if (wrong.empty()) wrong = problem_.empty() ? machine_.misdeed() : problem_;
  }
  const bool media = chance_.below(5) == 0;
  if (wrong.empty() && media) wrong = MediaFault(*this).run();
  if (wrong.empty() && !media && machine_.log == nullptr) wrong = start();
  machine_.end(End::kKilled);
  if (wrong.empty()) wrong = problem_;
  const uint64_t acknowledged = model_.acknowledged() + table_.acknowledged();
  const bool idle = acknowledged == 0;
  ++(idle ? tally_.idle_seeds : tally_.seeds);
  if (media && !idle) ++tally_.media_seeds;
  if (machine_.shape.encrypted && !idle) ++tally_.encrypted_seeds;
  tally_.acknowledged += acknowledged;
  tally_.compacted_segments += machine_.compacted_segments;
  return wrong;
}

}  // namespace colloquium::sim
