// What was kept of events that failed for good, what has been done about it, and how more is done.
//
// A pipeline's letters are envelopes in its dead-letter stream (engine/dead_letter.h). What becomes of one later,
// put back into the pipeline or dropped, is a mark in the stream "<letters>.done", written in one commit with the
// event that was put back: so each is put back once, whenever the process ends. Letters themselves are not
// changed.
//
// A letter of a stage, or of the door, holds the event as the pipeline took it, and goes the whole way again. A
// sink's holds the event as that sink got it, and the others may have it already: it goes to that sink alone, past
// the stages. Its batch says so in a reserved header, kLegHeader.
//
// Thread safety: a LetterReader belongs to one thread; functions block and are not for the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "log/log.h"

namespace colloquium::engine {

using log::kLegHeader;

// The sink that a batch is for; nothing if it is for all.
std::optional<std::string_view> leg_of(const Batch& batch);
// The same events without the header.
std::shared_ptr<const Batch> without_leg(const Batch& batch);

enum class LetterState { kOpen, kReplayed, kDropped };
std::string_view to_string(LetterState state);

// The stream of the marks.
std::string marks_stream(const std::string& letters_stream);

struct Letter {
  int64_t offset = 0;   // in the letters' stream
  int64_t time_ms = 0;  // the event's
  int64_t attempts = 0;
  std::string stage;   // stage, sink or source that gave up
  std::string sink;    // the sink, if it was one's
  std::string stream;  // that it was read from, if not the pipeline's own
  std::string error;
  std::string position;    // the event's id, or where in its source its bytes stand
  std::string event;       // JSON; empty: it was none
  bool tombstone = false;  // it had no value, and gets none again
  LetterState state = LetterState::kOpen;
  std::shared_ptr<const Batch> batch;  // the letters', with the event's key and headers
  size_t index = 0;                    // in it
};

// Letters in the order in which they were kept.
class LetterReader {
 public:
  // `marks` may be null: nothing was done yet. Its marks are read here. Letters at offset `end` or above are left
  // out: what is put back may fail again and be a letter at once.
  static Result<LetterReader> open(std::unique_ptr<log::Reader> letters, std::unique_ptr<log::Reader> marks,
                                   int64_t end = INT64_MAX);

  // False at the end. kCorrupt for what is no envelope.
  Result<bool> next(Letter& letter);

 private:
  std::unique_ptr<log::Reader> letters_;
  std::map<int64_t, LetterState> marks_;  // by offset of the letter
  std::shared_ptr<const Batch> batch_;
  size_t index_ = 0;
  int64_t end_ = INT64_MAX;
};

struct LetterFilter {
  std::vector<std::string> ids;                // positions or offsets; empty: any
  std::optional<std::string> stage;            // its name
  std::optional<std::string> error;            // a part of its text
  std::optional<int64_t> since_ms, before_ms;  // of the event's time
  bool done = false;                           // those too about which something was done

  bool matches(const Letter& letter) const;
};

// Where events are put back. Those that were read from the stream of one of the pipeline's stages go there again:
// that stage is behind them.
struct LetterTarget {
  struct Stream {
    log::StreamId id = 0;
    std::string name;
    int32_t partitions = 1;
  };
  Stream stream;  // the pipeline's own
  // Of a stage, by its name. kNotFound: the pipeline has no such stage any more.
  std::function<Result<Stream>(const std::string& name)> find;
  log::StreamId marks = 0;
  std::string leg;  // that commits: "dead/<letters' stream>"
};

struct LettersDone {
  uint64_t events = 0;
  uint64_t left = 0;  // matched, and can't be put back: no JSON, or of a stage that is gone
};

// Waits for the commit.
using CommitAndWait = std::function<Status(log::CommitRequest)>;

// Puts back what matches, or only marks it as dropped. Nobody else may do this for the same letters meanwhile.
Result<LettersDone> replay_letters(LetterReader& letters, const LetterFilter& filter, const LetterTarget& target,
                                   const CommitAndWait& commit);
Result<LettersDone> drop_letters(LetterReader& letters, const LetterFilter& filter, const LetterTarget& target,
                                 const CommitAndWait& commit);

}  // namespace colloquium::engine
