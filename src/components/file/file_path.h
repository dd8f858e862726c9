// What the file source and the file sink share: where a path leads, and what a path may not hold.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/config_spec.h"
#include "colloquium/result.h"

namespace colloquium::io {
class FileSystem;
}

namespace colloquium::components {

// An error if the path is empty or holds a '%': names with time fields are not known to this version, and a
// file of that very name would be a surprise.
void check_path(const ConfigNode& settings, const std::string& path, ConfigProblems& problems);

// The claim on the file that `path` means, by its absolute name: "o" and "./o" are one file. Links are not looked
// through. Nothing for an empty path.
std::vector<Claim> claim_file(const std::string& base_dir, const std::string& path, bool shared,
                              std::string advice);

// Every process has one; a component created without is an error of the wiring.
Result<io::FileSystem*> file_system_of(const ComponentContext& context);

}  // namespace colloquium::components
