// Imports: scripts that a script takes definitions from, read before it is compiled.
//
// Every call `["import", "path"]` with a literal path is looked up through CompileOptions::import, each file once
// however often it is named. Texts and tapes of all of them stand one behind the other in the Program, so that
// a token means one place in one file. What cannot be had is told where the call is evaluated, as any error is.
//
// Thread safety: function.
#pragma once

#include "computo/code.h"
#include "computo/program.h"

namespace colloquium::computo {

// Fills the modules and imports of `program`, whose own text has been read. `depth`: how deep texts may nest.
void read_imports(const CompileOptions& options, uint32_t depth, Program& program);

// The file a token of the tape, or a byte of the text, belongs to.
const Module& module_of_token(const Program& program, uint32_t token);
const Module& module_of_byte(const Program& program, uint64_t byte);

}  // namespace colloquium::computo
