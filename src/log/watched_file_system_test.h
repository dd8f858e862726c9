// A FileSystem that lets something happen before each of its operations. For tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/file_system.h"

namespace colloquium::log {

class WatchedFileSystem final : public io::FileSystem {
 public:
  using Before = std::function<void()>;
  WatchedFileSystem(io::FileSystem& below, Before before) : below_(below), before_(std::move(before)) {}

  Result<std::unique_ptr<io::File>> open(const std::string& path, io::OpenMode mode, int permissions) override {
    before_();
    TRY_ASSIGN(std::unique_ptr<io::File> file, below_.open(path, mode, permissions));
    return std::make_unique<WatchedFile>(std::move(file), before_);
  }
  Result<io::FileInfo> info(const std::string& path) const override { return watched().info(path); }
  Result<std::vector<std::string>> list(const std::string& path) const override { return watched().list(path); }
  Status make_directories(const std::string& path) override { return watched().make_directories(path); }
  Status rename(const std::string& from, const std::string& to) override { return watched().rename(from, to); }
  Status link(const std::string& from, const std::string& to) override { return watched().link(from, to); }
  Status remove(const std::string& path) override { return watched().remove(path); }
  Result<std::unique_ptr<io::FileLock>> lock(const std::string& path) override { return watched().lock(path); }
  Result<uint64_t> free_bytes(const std::string& path) const override { return below_.free_bytes(path); }
  Result<uint64_t> total_bytes(const std::string& path) const override { return below_.total_bytes(path); }

 private:
  class WatchedFile final : public io::File {
   public:
    WatchedFile(std::unique_ptr<io::File> below, Before before)
        : below_(std::move(below)), before_(std::move(before)) {}
    using File::write_at;
    Status write_at(uint64_t offset, std::span<const std::string_view> pieces) override {
      before_();
      return below_->write_at(offset, pieces);
    }
    Result<size_t> read_at(uint64_t offset, std::span<char> into) const override {
      before_();
      return below_->read_at(offset, into);
    }
    Status truncate(uint64_t size) override {
      before_();
      return below_->truncate(size);
    }
    Result<io::FileInfo> info() const override {
      before_();
      return below_->info();
    }

   private:
    Status sync_file() override {
      before_();
      return below_->sync();
    }

    const std::unique_ptr<io::File> below_;
    const Before before_;
  };

  Status sync_folder(const std::string& path) override { return watched().sync_directory(path); }
  io::FileSystem& watched() const {
    before_();
    return below_;
  }

  io::FileSystem& below_;
  const Before before_;
};

}  // namespace colloquium::log
