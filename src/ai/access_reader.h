// AccessReader: as whom a provider is called, where its key is in a file that may change: a key is rotated without
// a restart.
//
// Promise: what `access()` gives is never older than a second and the time that a look at the file takes. The file
// is looked at once a second (a stat, on the offload pool, as a disk may hang), and read when it is not the one it
// was: by device, inode, size and time. A file that can't be read, or holds no key, leaves the key as it was, and
// the log says so once, until it is good again. Without a file nothing of this happens. Whoever renews a key
// replaces the file: half of one that is being written is read as a key, until the next look.
//
// Ownership: loop and file system outlive it. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/ai_provider.h"
#include "colloquium/loop.h"

#include "io/file_system.h"

namespace colloquium::ai {

class AccessReader {
 public:
  static constexpr int64_t kLookEveryMs = 1000;
  static constexpr size_t kFileBytesMax = size_t{64} << 10;

  // Reads the file for the first time, at once. kInvalidConfig where it can't be read or holds no key.
  static Result<std::unique_ptr<AccessReader>> create(Loop& loop, const io::FileSystem& files,
                                                      std::string provider, AiAccess access, std::string key_file,
                                                      AiReadKey read_key);
  ~AccessReader();
  AccessReader(const AccessReader&) = delete;
  AccessReader& operator=(const AccessReader&) = delete;

  // Good until the loop turns.
  const AiAccess& access() const { return access_; }

 private:
  // What one look has found. The pool's while it is under way.
  struct Look {
    std::string path;
    AiReadKey read_key;
    AiAccess access;  // as it is set, and with the key when it was read
    std::optional<io::FileInfo> known;
    bool is_new = false;
    std::optional<Error> failure;

    void run(const io::FileSystem& files);
  };

  AccessReader(Loop& loop, const io::FileSystem& files, std::string provider);
  void look_later();
  void look();
  void take(Look& look);

  Loop& loop_;
  const io::FileSystem& files_;
  const std::string provider_;  // for messages
  AiAccess access_;
  std::shared_ptr<Look> look_;  // null: there is no file
  bool has_failed_ = false;     // and the log has it
  std::unique_ptr<Timer> timer_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // a look may end after we are gone
};

// All of the text is the key, but for white space around it. kInvalidInput if a header can't carry it.
Status read_plain_key(std::string_view text, AiAccess& access);

}  // namespace colloquium::ai
