// RotatedOutput: events to many files, each of which is finished one day and then never touched again.
//
// A file is written as NAME.part. When it is full or old enough, or too many are open, it is closed: nothing is
// written to it any more, and it is renamed to NAME once a commit covers all of it. If there is a NAME already,
// -0001, -0002 … goes before its extension; nothing is ever overwritten (FileSystem::rename_new).
//
// Exactly once. The token lists every NAME.part with inode and length. After a restart each is cut back to that
// length and goes on; what was closed and not renamed is renamed; one that is gone was renamed behind its last
// commit. So no new file gets the path of one that a token still names, which may be the one a start finds. A
// NAME.part that the token does not know holds nothing that was committed: its events come again, and with the
// first of that name it is removed. (No finished file is called so: PathTemplate sees to it.)
//
// Each write adds one frame to a compressed file, so lengths between writes are lengths of whole files (gzip, zstd
// and lz4 frames may follow each other).
//
// Thread safety: as FileOutput's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/clock.h"

#include "components/file/file_output.h"
#include "components/file/path_template.h"
#include "components/file/rotated_token.h"
#include "io/compress.h"

namespace colloquium::io {
class File;
class FileLock;
class FileSystem;
}  // namespace colloquium::io

namespace colloquium::components {

struct RotationLimits {
  uint64_t bytes = UINT64_MAX;
  uint64_t events = UINT64_MAX;
  int64_t age_ms = INT64_MAX;
  size_t open_files = 100;
};

class RotatedOutput final : public FileOutput {
 public:
  struct Options {
    io::FileSystem& file_system;
    const Clock& clock;
    RotationLimits limits;
    io::Compression compression = io::Compression::kNone;
    std::string base_dir;
  };
  // With the token of the last commit, or none.
  static Result<std::unique_ptr<RotatedOutput>> open(Options options, const std::string& token,
                                                     std::unique_ptr<formats::BatchText> text,
                                                     std::unique_ptr<PathTemplate::Renderer> path);
  ~RotatedOutput() override;

  Status write(const Batches& batches) override;
  const std::vector<formats::RefusedEvent>& refused() const override { return refused_; }
  Result<std::string> sync() override;
  void committed() override;
  bool has_ticks() const override { return true; }
  void tick() override;
  void finish() override;
  std::vector<std::string> take_warnings() override { return std::exchange(warnings_, {}); }

 private:
  struct OpenFile;

  RotatedOutput(Options options, std::unique_ptr<formats::BatchText> text,
                std::unique_ptr<PathTemplate::Renderer> path);
  Status restore(const RotatedEntry& entry);
  Status add(const Batch& batch, size_t first_event, size_t& at, const std::vector<size_t>& ends);
  // The file that takes an event of that size now; full ones are closed on the way.
  Result<OpenFile*> file_for(std::string_view name, size_t bytes);
  Result<OpenFile*> open_new(std::string name);
  // Whether a token that may be the one in the journal has it, or a file of this life.
  bool is_taken(const std::string& part) const;
  // What a life before left under the name, and nobody committed.
  void remove_orphans(const std::string& name);
  Status append_pending(OpenFile& file);
  void take_back();
  static Status cut_back(OpenFile& file);
  void close(OpenFile& file) const;
  void close_one_of_many();
  // Renames what is closed and committed.
  void publish();
  Status publish_one(OpenFile& file);
  Status sync_once();

  const Options options_;
  const std::unique_ptr<formats::BatchText> text_;
  const std::unique_ptr<PathTemplate::Renderer> path_;
  std::vector<std::unique_ptr<OpenFile>> files_;  // open ones, and closed ones that wait for their commit
  OpenFile* last_ = nullptr;                      // where the last event went
  std::vector<formats::RefusedEvent> refused_;
  std::vector<std::string> warnings_;
  io::Compressor compressor_;
  std::string frame_;
  uint64_t uses_ = 0;
  bool history_ = false;  // something was committed before
  // The paths of the last token that was committed, and of the one that may be.
  std::vector<std::string> committed_parts_, token_parts_;
  std::set<std::string> looked_at_;  // names whose orphans were removed
  std::optional<Error> sync_failure_;
};

}  // namespace colloquium::components
