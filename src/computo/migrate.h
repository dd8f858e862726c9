// Migrate: scripts that were written for the reference implementation of Computo, looked through for what means
// something else here.
//
// What can be written so that it means here what it meant there is rewritten, in JSON: a name, a bracket or a
// pointer at a time, so that everything else of the text stays. The rest is told, with its place, for the author
// to decide. Every note has the code that the language's specification gives the difference (D-LET, D-ARRAY, …);
// V-… codes are for notations of its earlier versions. Only the script's text is looked at, so notes say "may"
// where the values decide.
//
// Thread safety: functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"

namespace colloquium::computo {

struct MigrationNote {
  uint32_t line = 0;
  uint32_t column = 0;
  bool rewritten = false;  // else it is left to the author
  std::string code;
  std::string text;
};

struct Migration {
  std::string text;                  // the script as it should be
  std::vector<MigrationNote> notes;  // by place
};

// A script in JSON, in which comments as the reference takes them may stand: they are left out. Nothing if the
// text is no JSON: `error` says where and why.
std::optional<Migration> migrate_json(std::string_view text, const CompileOptions& options, ScriptError& error);

// A script in sugar: nothing is rewritten.
std::optional<Migration> migrate_sugar(std::string_view text, const CompileOptions& options, ScriptError& error);

}  // namespace colloquium::computo
