// BallastFiles: the files of a data directory, and one more that only takes up space until the log needs it.
//
// The reserve keeps appends from filling the disk; a neighbour may fill it all the same, to the last byte. Then
// what would free space has none to say so in: retention's `oldest`, an incarnation's `epochs`, a commit, a start.
// So where one of these finds the disk full the ballast is given up, and it is tried once more. What grows with
// the events (segments of streams, checkpoints of doors) never gets it.
//
// Ownership: the files below outlive this, and this outlives the log. Thread safety: as FileSystem's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

class BallastFiles final : public io::FileSystem {
 public:
  // Written, not sparse; its blocks are worth more than the few small files and commits that it is for.
  static constexpr uint64_t kBytes = uint64_t{1} << 20;
  using Tell = std::function<void(const std::string& warning)>;

  // Whoever calls what changes files holds the data directory's lock. `tell` may be null; it is told whenever the
  // ballast is given up.
  BallastFiles(io::FileSystem& below, std::string directory, Tell tell, uint64_t bytes = kBytes);

  bool missing() const { return missing_; }
  // Writes and syncs it if it is missing and some times as much stays free. Blocks. That it can't be made is no
  // failure of the directory: it is tried again when this is called again.
  Status make();

  Result<std::unique_ptr<io::File>> open(const std::string& path, io::OpenMode mode, int permissions) override;
  Result<io::FileInfo> info(const std::string& path) const override { return below_.info(path); }
  Result<std::vector<std::string>> list(const std::string& path) const override { return below_.list(path); }
  Status make_directories(const std::string& path) override { return below_.make_directories(path); }
  Status rename(const std::string& from, const std::string& to) override;
  Status rename_new(const std::string& from, const std::string& to) override {
    return below_.rename_new(from, to);
  }
  Status link(const std::string& from, const std::string& to) override { return below_.link(from, to); }
  Status remove(const std::string& path) override { return below_.remove(path); }
  Result<std::unique_ptr<io::Folder>> open_folder(const std::string& path) override {
    return below_.open_folder(path);
  }
  Result<std::unique_ptr<io::FileLock>> lock(const std::string& path) override { return below_.lock(path); }
  Result<uint64_t> free_bytes(const std::string& path) const override { return below_.free_bytes(path); }
  Result<uint64_t> total_bytes(const std::string& path) const override { return below_.total_bytes(path); }

 private:
  friend class BallastFile;
  Status sync_folder(const std::string& path) override { return below_.sync_directory(path); }
  bool may_have_it(const std::string& path) const;
  bool give_up(const std::string& wanted_by);
  Status write_ballast();
  // `work`, and once more where the ballast has made room for it.
  template <class Work>
  auto with_ballast(const std::string& path, const Work& work) -> decltype(work());

  io::FileSystem& below_;
  const std::string directory_;
  const std::string path_;
  const Tell tell_;
  const uint64_t bytes_;
  std::atomic<bool> missing_{true};
  std::mutex mutex_;  // one changes the ballast at a time
};

}  // namespace colloquium::log
