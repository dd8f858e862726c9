#include "log/journal_look.h"

#include "base/assert.h"
#include "log/layout.h"

namespace colloquium::log {
namespace {

// Segments are removed as newer ones take their place; who looks meanwhile looks again.
constexpr int kLooks = 100;

// Reads what a segment says into `look`; false if it says nothing by itself, so that an older one counts.
Result<bool> take_segment(io::FileSystem& fs, const std::string& folder, int64_t base,
                          const std::shared_ptr<const SegmentKey>& key, JournalLook& look) {
  ASSERT(base >= 0);
  TRY_ASSIGN(std::unique_ptr<io::File> file, fs.open(segment_path(folder, base, "log"), io::OpenMode::kRead));
  TRY_ASSIGN(const io::FileInfo info, file->info());
  BatchOpener opener;
  opener.enter(key);
  BatchCursor cursor(std::move(file), 0, info.size);
  look.state = JournalState();
  bool first = base != 0;
  for (;;) {
    const auto item = cursor.next();
    if (!item && item.error().code != ErrorCode::kCorrupt) return fail(item.error());
    // Damage is for those who verify; here it ends what can be read.
    if (!item || !*item) break;
    if (!look.state.replay_batch(**item, opener, first, folder)) break;
  }
  return !first;
}

// The key of a segment, null if it is in the clear; or why there is none, in `closed`.
Result<std::shared_ptr<const SegmentKey>> key_of(const io::FileSystem& fs, const SegmentName& segment,
                                                 const std::shared_ptr<const KeyRing>& keys, std::string& closed) {
  auto key = read_segment_key(fs, keys, segment);
  if (key) return key;
  ASSERT(!key.error().message.empty());
  if (key.error().code != ErrorCode::kInvalidConfig && key.error().code != ErrorCode::kCorrupt) return key;
  closed = key.error().message;
  return std::shared_ptr<const SegmentKey>();
}

// kNotFound: a segment was removed meanwhile.
Result<JournalLook> look_once(io::FileSystem& fs, const std::string& directory,
                              const std::shared_ptr<const KeyRing>& keys) {
  ASSERT(!directory.empty());
  JournalLook look;
  const std::string folder = journal_directory(directory);
  const auto bases = list_segments(fs, folder);
  if (!bases) return look;
  for (const int64_t base : *bases) {
    TRY_ASSIGN(const io::FileInfo info, fs.info(segment_path(folder, base, "log")));
    look.size_bytes += info.size;
  }
  for (auto base = bases->rbegin(); base != bases->rend(); ++base) {
    look.closed.clear();
    TRY_ASSIGN(const auto key, key_of(fs, {folder, key_place("", "", 0), *base}, keys, look.closed));
    if (!look.closed.empty()) return look;
    TRY_ASSIGN(const bool taken, take_segment(fs, folder, *base, key, look));
    if (taken) break;
  }
  return look;
}

}  // namespace

Result<JournalLook> look_into_journal(io::FileSystem& fs, const std::string& directory,
                                      const std::shared_ptr<const KeyRing>& keys) {
  ASSERT(!directory.empty());
  for (int look = 1;; ++look) {
    auto seen = look_once(fs, directory, keys);
    if (seen || seen.error().code != ErrorCode::kNotFound || look == kLooks) return seen;
  }
}

}  // namespace colloquium::log
