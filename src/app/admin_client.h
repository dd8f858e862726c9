// What a verb asks of the process that has the data directory open, over that process's admin port.
//
// Thread safety: main thread only; blocks until the answer is there.
#pragma once

#include <string>

#include "colloquium/result.h"

namespace colloquium::app {

// POSTs JSON and gives the answer's body; another status than 200 is an error with what the answer says.
Result<std::string> post_to_admin(const std::string& address, const std::string& path, std::string body);

}  // namespace colloquium::app
