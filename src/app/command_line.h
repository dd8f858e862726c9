// The command line: arguments parsed against the table of verbs, help, and did-you-mean.
//
// Thread safety: main thread only.
#pragma once

#include <string>
#include <vector>

#include "app/verb.h"

namespace colloquium::app {

// Parses `arguments` (without the program's name), runs the chosen verb, and gives its exit code. Help goes to
// `out` with code 0; a mistake goes to `err` with code 2, and nothing runs.
Exit run_command_line(const Verb& root, const std::vector<std::string>& arguments, Console& console);

// The help of one verb, as --help prints it. `path` is how it is called: "colloquium log cat".
std::string help_text(const Verb& verb, const std::string& path);

// The reference page of every verb, in Markdown.
std::string command_line_page(const Verb& root);

}  // namespace colloquium::app
