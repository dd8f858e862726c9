// Copying segments batch by batch, each checked on its way: what is not valid never gets into the copy.
//
// Thread safety: functions; the source may be written behind `size` meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/epochs.h"
#include "log/segment_scan.h"

namespace colloquium::log {

// Copies what is valid of the first `size` bytes of a segment into the new file `to`, and syncs it; its folder is
// not synced. A file of that name is replaced, and one that it was a link to stays as it is. Outputs at the end
// that `evidence` does not know as committed are left out: `end` of what is told is the copy's. `visit` is called
// for every batch that is copied, or would have been.
Result<SegmentScan> copy_segment(io::FileSystem& fs, const std::shared_ptr<const io::File>& from,
                                 int64_t base_offset, uint64_t size, const EpochTable& epochs,
                                 const Evidence& evidence, const std::string& to, const BatchVisitor& visit);

// A new file with these bytes, synced; as above.
Status write_copy(io::FileSystem& fs, const std::string& to, std::string_view content);

}  // namespace colloquium::log
