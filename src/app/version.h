// The version of this build, as CMakeLists.txt names it.
#pragma once

namespace colloquium::app {

// "0.1.0".
const char* version();

}  // namespace colloquium::app
