// FileFeed: reads one file ahead and brings it to the door, a part of a source or the source itself.
//
// Chunks are read on the offload pool, and up to four are at the door at a time.
//
// A file that is followed is read on at each poll() and ends with finish(); any other ends where it ends.
//
// Thread safety: loop only; FileChunks is the pool's while a read is under way. Ownership: the owner keeps the
// feed until it is not reading; acknowledgements that come later do no harm.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/loop.h"
#include "colloquium/source.h"

#include "base/door_queue.h"
#include "components/file/file_chunks.h"

namespace colloquium::components {

class FileFeed;

class FeedOwner {
 public:
  virtual ~FeedOwner() = default;
  // Whether there is room for what another read brings.
  virtual bool may_read() const { return true; }
  // A read has come back, chunks were accepted, or the end was reached. Last in whatever calls it: the feed may be
  // gone behind it.
  virtual void moved(FileFeed& feed) = 0;
};

struct FileFeedOptions {
  std::string source;  // for messages, as the path
  std::string path;
  int64_t base = 0;  // of positions
  BodyFormat format = BodyFormat::kNdjson;
  std::shared_ptr<const RecordDecoder> decoder;  // null: the door cuts
};

class FileFeed {
 public:
  FileFeed(Loop& loop, Intake& intake, FileFeedOptions options, std::unique_ptr<FileChunks> chunks,
           FeedOwner& owner);
  ~FileFeed();  // REQUIRES: not is_reading()

  // Does whatever can be done now: emit, read on.
  void pump();
  // Of a followed file: there may be more; or the input rests, and what may count as complete does.
  void poll(bool at_rest);
  // Of a followed file: nothing more comes, so what was kept back is a record.
  void finish();
  void stop();

  bool is_reading() const { return is_reading_; }
  // Everything up to the end was accepted, and nothing is under way.
  bool is_done() const { return at_end_ && queue_.empty() && !is_reading_; }
  bool is_finishing() const { return wish_ == Wish::kFinish; }
  // The file holds something else than was read of it.
  bool is_replaced() const { return replaced_; }
  size_t chunks() const { return queue_.size(); }
  // Behind everything accepted; empty if that is nothing.
  const std::string& cursor() const { return queue_.cursor(); }
  uint64_t position() const;  // REQUIRES: not is_reading()
  const std::string& path() const { return options_.path; }
  void set_path(const std::string& path);

 private:
  enum class Wish { kMore, kRest, kFinish };
  struct Reading;

  void read();
  void has_read();
  void push(FileChunk chunk);

  Loop& loop_;
  FileFeedOptions options_;
  FeedOwner& owner_;
  const std::shared_ptr<Reading> reading_;  // the pool's while is_reading_, else ours
  DoorQueue queue_;                         // read and not yet accepted, in order of the file
  Wish wish_ = Wish::kMore;
  bool is_reading_ = false;
  bool at_end_ = false;
  bool replaced_ = false;
  bool stopped_ = false;
  std::unique_ptr<Timer> read_timer_;  // until a read is tried again
};

}  // namespace colloquium::components
