// Looking into the commit journal without a lock, while another process may be writing it.
//
// Thread safety: functions and values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/journal_state.h"
#include "log/key_ring.h"

namespace colloquium::log {

struct JournalLook {
  JournalState state;  // as far as the journal can be read: an end that is being written is left out
  uint64_t size_bytes = 0;
  // Why nothing of it could be read: it is encrypted, and no key opens it. Empty if that is not so.
  std::string closed;
};

// A journal that is not there says nothing. `keys` may be null. A failure is an I/O error.
Result<JournalLook> look_into_journal(io::FileSystem& fs, const std::string& directory,
                                      const std::shared_ptr<const KeyRing>& keys);

}  // namespace colloquium::log
