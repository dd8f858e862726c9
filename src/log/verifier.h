// A verification under way: what verify_data_directory() does. In two files: verify.cc has the order of things and
// what is compared between segments, verify_segment.cc what is looked at in one.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/batch_crypt.h"
#include "log/batch_decoder.h"
#include "log/clean_marker.h"
#include "log/epochs.h"
#include "log/gaps.h"
#include "log/journal_state.h"
#include "log/segment_file.h"
#include "log/segment_scan.h"
#include "log/verify.h"

namespace colloquium::log {

class Verifier {
 public:
  Verifier(io::FileSystem& fs, std::string directory, const VerifyProgress& progress,
           std::shared_ptr<const KeyRing> keys, const VerifyPause& pause)
      : fs_(fs),
        directory_(std::move(directory)),
        progress_(progress),
        keys_(std::move(keys)),
        pause_(pause),
        steady_looks_left_(pause == nullptr ? 0 : kLooks) {}

  Result<VerifyReport> run();

 private:
  // While nothing changes, so many pauses are waited before what looks torn is called so; as many while the end of
  // a segment moves and the damage does not.
  static constexpr int kLooks = 80;

  struct Place {
    std::string stream;
    int32_t partition = 0;
    std::string folder;
    std::string tag;

    bool is_journal() const { return stream.empty(); }
  };

  // A segment as it was found when its partition was listed.
  struct Listed {
    int64_t base = 0;
    bool last = false;
    bool sealed = false;
  };

  Status find_places();
  Status read_journal();
  Status find_absent();
  Status refresh(const Place& place);
  Result<bool> open_segment(const Place& place, int64_t base);
  Status verify_journal();
  Status verify_partition(const Place& place);
  Result<std::vector<Listed>> list(const Place& place, int64_t oldest);
  Status verify_listed(const Place& place, const Listed& segment, int64_t& next);
  Result<bool> removed(const Place& place, int64_t base, int64_t& next) const;
  Status look_at_segment(const Place& place, const Listed& segment, int64_t& next);
  Result<SegmentScan> scan(const Place& place, const Listed& segment, const std::shared_ptr<const io::File>& file,
                           uint64_t size);
  Status verify_seal(const Place& place, const SegmentFile& opened, const Result<Seal>& seal, int64_t base,
                     const SegmentScan& found, int64_t next);
  Status report_damage(const Place& place, const std::string& path, const std::shared_ptr<const io::File>& file,
                       uint64_t size, const SegmentScan& scan, bool last, int64_t& next);
  Status check_index(const Place& place, const SegmentFile& opened, const Seal& seal, const SegmentIndex& index);
  void check_end(const Place& place, const Evidence& evidence, int64_t next);
  Status check_batch(const Place& place, const BatchCursor::Item& item);
  Evidence evidence_for(const Place& place) const;
  VerifyProblem& add(const Place& place, const std::string& file, std::string what);
  void advance(uint64_t bytes);

  io::FileSystem& fs_;
  const std::string directory_;
  const VerifyProgress& progress_;
  const std::shared_ptr<const KeyRing> keys_;
  const VerifyPause& pause_;
  int steady_looks_left_;  // at what does not change, until something does
  VerifyReport report_;
  std::vector<Place> places_;
  std::set<std::string> unread_streams_;  // without a meta file that can be read
  JournalState journal_;
  bool journal_closed_ = false;  // it is encrypted, and its key is not given
  std::optional<CleanMarker> clean_;
  EpochTable epochs_;  // of the partition being verified
  GapTable gaps_;      // likewise
  Evidence evidence_;  // likewise
  std::unique_ptr<BatchDecoder> decoder_;
  std::shared_ptr<const SegmentKey> key_;  // of the segment being verified; null: in the clear, or not opened
  BatchOpener opener_;                     // has entered it …
  bool opened_ = false;                    // … if its batches can be looked into
  std::string path_;                       // of it
  uint64_t visited_ = 0;                   // of it: everything below has been looked into
  uint64_t summed_bytes_ = 0;              // of it, from its beginning …
  uint32_t sum_ = 0;                       // … and their checksum
  uint64_t done_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace colloquium::log
