// FileSource: the lines of a file, read once from where it stopped last time to the end.
//
// Chunks are read ahead on the offload pool, and up to four are at the door at a time. When the door turns
// one away, it turns away those behind it too; the source waits until all have come back and offers them
// again from the first one on, so nothing is skipped and order holds.
//
// Thread safety: as Source's; FileChunks is the pool's while a read is under way.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "components/file/file_chunks.h"
#include "formats/format.h"

namespace colloquium::io {
class FileSystem;
}

namespace colloquium::components {

struct FileSourceConfig {
  std::string path;
  bool follow = false;
  ByteSize max_event{1 << 20};
  formats::SourceFormatSetting format;
  ConfigMark mark;  // of the path
};

const Descriptor& file_source();

class FileSource final : public Source {
 public:
  FileSource(SourceContext context, const FileSourceConfig& config, io::FileSystem& file_system);
  ~FileSource() override;

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  enum class ChunkState { kWaiting, kAtDoor, kAccepted };
  struct Chunk {
    FileChunk content;
    ChunkState state = ChunkState::kWaiting;
  };
  struct Reading;

  // Where to begin in `file`, given the cursor stored last (empty: none).
  Result<FileCursor> place(const io::File& file, const std::string& stored) const;
  // Reads the header, if there is one, and goes behind it.
  Status open_format(const io::File& file, FileCursor& at);
  void finish_later();
  // Does whatever can be done now: emit, read on, finish.
  void pump();
  void read();
  void has_read();
  void emit();
  void emit_one(size_t index);
  void acknowledged(uint64_t number, const Ack& ack);
  // Everything the door turned away has come back; it is offered again after a while.
  void go_back_later();
  template <class Fn>
  auto guarded(Fn fn);

  SourceContext context_;
  const FileSourceConfig config_;
  io::FileSystem& file_system_;
  const std::string path_;
  int64_t base_ = 0;                              // of positions
  std::shared_ptr<const RecordDecoder> decoder_;  // null: the door cuts
  std::shared_ptr<Reading> reading_;              // the pool's while is_reading_, else ours
  std::deque<Chunk> chunks_;                      // read and not yet accepted, in order of the file
  uint64_t first_number_ = 0;                     // of chunks_.front(), counted from the start
  size_t at_door_ = 0;
  bool is_reading_ = false;
  bool ended_ = false;
  bool finished_ = false;
  bool stopped_ = false;
  bool waits_for_door_ = false;
  bool going_back_ = false;  // the door turned a chunk away; nothing goes there until all are back
  int64_t retry_after_ms_ = 0;
  uint64_t retries_ = 0;                // in a row
  std::unique_ptr<Timer> retry_timer_;  // until what the door turned away is offered again
  std::unique_ptr<Timer> read_timer_;   // until a read is tried again
  Task closed_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // gone with this object: callbacks look at it
};

}  // namespace colloquium::components
