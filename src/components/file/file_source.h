// FileSource: the records of one file, read once from where it stopped last time to the end.
//
// Thread safety: as Source's.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/liveness.h"
#include "components/file/file_feed.h"
#include "formats/format.h"

namespace colloquium::io {
class FileSystem;
}

namespace colloquium::components {

struct MultilineConfig {
  std::string start;
  Duration timeout{1000};
};

struct FileSourceConfig {
  std::string path;
  bool follow = false;
  Duration poll{250};
  int64_t max_open_files = 100;
  std::optional<MultilineConfig> multiline;
  std::shared_ptr<const formats::StartPattern> start;  // of multiline; null: records are what the format says
  ByteSize max_event{1 << 20};
  formats::SourceFormatSetting format;
  ConfigMark mark;  // of the path
};

const Descriptor& file_source();

class FileSource final : public Source, public FeedOwner {
 public:
  FileSource(SourceContext context, const FileSourceConfig& config, io::FileSystem& file_system);
  ~FileSource() override;

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  // Where to begin in `file`, given the cursor stored last (empty: none).
  Result<FileCursor> place(const io::File& file, const std::string& stored) const;
  // Reads the header, if there is one, and goes behind it.
  Status open_format(const io::File& file, FileCursor& at);
  void moved(FileFeed& feed) override;

  SourceContext context_;
  const FileSourceConfig config_;
  io::FileSystem& file_system_;
  const std::string path_;
  std::shared_ptr<const RecordDecoder> decoder_;  // null: the door cuts
  std::unique_ptr<FileFeed> feed_;                // null: there is nothing to read
  bool finished_ = false;
  bool stopped_ = false;
  Task closed_;
  Liveness alive_;
};

}  // namespace colloquium::components
