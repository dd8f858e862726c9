// How many files and connections the process may have open, and what of that connections may take.
//
// Whoever connects costs a descriptor, and keeps it for as long as it likes. What the log, the sources and the
// sinks open is never theirs to take.
//
// Thread safety: connection_shares on any thread, raise_descriptor_limit before others start.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colloquium::app {

// Raises the soft limit to the hard one, as far as is of use, and says what holds then. The usual 1,024 are there
// for programs that use select().
uint64_t raise_descriptor_limit();

// At most so many connections of the ports; more wait.
struct ConnectionShares {
  size_t ingest = 0;
  size_t admin = 0;
};
ConnectionShares connection_shares(uint64_t descriptors);

}  // namespace colloquium::app
