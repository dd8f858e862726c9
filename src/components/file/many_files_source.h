// ManyFilesSource: the files of a glob or folder, and files that are followed; each is a part of the source with a
// cursor of its own.
//
// A look at the pattern comes every `poll` interval: files are found by polling, not by inotify, because that
// works on every file system (network and overlay mounts tell of nothing), goes through FileSystem, and has to be
// there anyway for what inotify overflows or cannot see; its price is one stat per file and look.
//
// A file is known by device and inode while it is read, so renaming one changes nothing, and one that was removed
// is read to its end; by its content (file_identity.h) when it is opened, so a copy, a renamed or a restored file
// goes on where it was. A file that was cut or rewritten is a new one. Files rest, closed, when nothing came for a
// while.
//
// Without `follow` everything is read once, and what could not be read ends the source with a failure that names
// it, once all the others are read.
//
// Thread safety: loop only; looks, opening and reading run on the offload pool.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/liveness.h"
#include "components/file/file_feed.h"
#include "components/file/file_identity.h"
#include "components/file/file_pattern.h"
#include "components/file/file_source.h"

namespace colloquium::components {

class ManyFilesSource final : public Source, public FeedOwner {
 public:
  ManyFilesSource(SourceContext context, const FileSourceConfig& config, io::FileSystem& file_system);
  ~ManyFilesSource() override;

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  using FileKey = std::pair<uint64_t, uint64_t>;  // device and inode
  struct Look;
  struct Opening;
  struct Live;
  // A file that is not read at the moment: it was, up to this size; or it is a copy of one that is.
  struct Resting {
    uint64_t size = 0;
    std::string copy_of;  // part
  };

  bool may_read() const override;
  void moved(FileFeed& feed) override;

  // Everything that runs on the pool, one at a time beside the feeds' reads.
  void look();
  void has_looked();
  void look_later();
  void open_next();
  void has_opened();
  void has_found_part();
  void not_opened(const Error& error);
  // Says so, unless it was said before, and keeps it for the end of a source that reads once.
  void not_read(const std::string& path, Error error);
  void note_unlisted(std::vector<Error> failures);
  std::vector<KnownPart> known_parts(const std::string& head, std::string& fresh);
  void begin_feed(OpenedFile opened);
  Result<std::shared_ptr<const RecordDecoder>> decoder_for(OpenedFile& opened) const;
  void see(const FoundFile& found);
  void poll_live();
  void poll_one(Live& live);
  // The file is read no more; its part may go on with another one.
  void release(FileFeed& feed);
  void release_idle(size_t wanted);
  void check_finished();
  Error unread_error() const;
  bool busy() const;
  void finish_close();

  SourceContext context_;
  const FileSourceConfig config_;
  io::FileSystem& file_system_;
  const FilePattern pattern_;
  std::shared_ptr<Look> look_;        // the pool's while is_looking_
  std::shared_ptr<Opening> opening_;  // the pool's while is_opening_
  std::map<FileKey, std::unique_ptr<Live>> live_;
  std::map<FileKey, Resting> resting_;
  std::deque<FoundFile> to_open_;
  std::multimap<std::string, FoundFile> copies_;  // read once: so far the same as what is read as this part
  std::map<std::string, Error> unread_;           // by path: why
  std::vector<Error> unlisted_;                   // of the last look
  std::map<std::string, std::string> cursors_;   // by part, of this run; what was stored before is the intake's
  std::vector<std::unique_ptr<FileFeed>> gone_;  // until the callback that ended them has returned
  std::unique_ptr<Timer> timer_;
  bool is_looking_ = false;
  bool is_opening_ = false;
  bool looked_once_ = false;
  bool finished_ = false;
  bool stopped_ = false;
  Task closed_;
  Liveness alive_;
};

}  // namespace colloquium::components
