// EventAnswers: where in the stream of calls the answers of events stand that may be asked for again: those whose
// event is not settled yet. Some 150 bytes for each.
//
// Thread safety: value; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "colloquium/ai_calls.h"

#include "io/digest.h"

namespace colloquium::ai {

class EventAnswers {
 public:
  struct Found {
    int64_t offset = 0;    // of the record
    bool unknown = false;  // nobody will ever know the answer
  };

  // `key` is event_key(). What was there under it is forgotten, but an answer for what is unknown. Nothing if the event
  // is settled.
  void add(const io::Digest128& key, const std::string& who, const AiEvent& event, const Found& found);
  std::optional<Found> find(const io::Digest128& key) const;

  // Events below `offset` are not asked for again.
  void settle(const std::string& who, const std::string& partition, int64_t offset);
  bool is_settled(const std::string& who, const AiEvent& event) const;

  // The lowest offset of a record that may be wanted.
  std::optional<int64_t> lowest() const;
  size_t size() const { return found_.size(); }

 private:
  using Place = std::pair<std::string, std::string>;  // who, partition
  struct Lane {
    int64_t settled = INT64_MIN;
    std::multimap<int64_t, io::Digest128> keys;  // by the event's offset
  };
  struct HashDigest {
    size_t operator()(const io::Digest128& digest) const { return static_cast<size_t>(digest[0]); }
  };

  std::unordered_map<io::Digest128, Found, HashDigest> found_;
  std::map<Place, Lane> lanes_;
  std::set<int64_t> offsets_;
};

// All of a stream's answers by event_key(), for a replay: filled once, then only read. 24 bytes for each.
class AnswerIndex {
 public:
  void add(const io::Digest128& key, int64_t offset) { rows_.push_back({key, offset}); }
  // Once, behind the last add(): of one key the newest stays.
  void sort();
  std::optional<int64_t> find(const io::Digest128& key) const;
  size_t size() const { return rows_.size(); }

 private:
  struct Row {
    io::Digest128 key;
    int64_t offset;
  };
  std::vector<Row> rows_;
};

}  // namespace colloquium::ai
