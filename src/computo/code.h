// Program: what a script is compiled to. Private to src/computo; everybody else sees program.h.
//
// Built by the Compiler in place (nothing in it may move afterwards: instructions, keys and views point into
// it) and constant from then on. Thread safety: immutable.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/tape.h"

#include "computo/match.h"
#include "computo/opcodes.h"
#include "computo/pointer.h"
#include "computo/program.h"
#include "computo/trace_table.h"
#include "computo/value.h"
#include "json/view.h"

namespace colloquium::computo {

// What a closure takes along when it is made: a slot of the function around it, or one of that function's
// own captures.
struct Capture {
  bool local;
  uint32_t index;
};

struct Function {
  uint32_t code = 0;  // its first instruction
  uint32_t parameters = 0;
  uint32_t height = 0;  // the most stack it uses, from its base
  uint32_t site = 0;    // token of the lambda expression; 0 for the script itself
  std::vector<Capture> captures;
};

// An object whose keys are all literals: sorted once, here.
struct Shape {
  std::vector<Key> keys;        // ascending, distinct
  std::vector<uint32_t> order;  // which of the values on the stack belongs to each
  uint32_t values = 0;          // how many are popped; more than keys if one repeats
};

struct SortField {
  uint32_t pointer = kNoPointer;
  bool missing = false;  // the pointer can address nothing: every element sorts as null
  bool descending = false;
};

struct SortSpec {
  std::vector<SortField> fields;  // at least one
};

// An error known since compilation, raised if the expression is evaluated.
struct Raise {
  Category category;
  uint16_t argument;
  std::string problem;
  std::string hint;
};

// A file of the script: the first is the script itself, the others are imported.
struct Module {
  std::string origin;
  uint32_t first_line = 1;
  uint32_t first_column = 1;
  std::vector<TextPosition> positions;
  size_t text_begin = 0;
  size_t text_end = 0;
  uint32_t root = 0;  // its first token
  uint32_t end = 0;   // behind its last
  // While and after it is compiled: a function without parameters that gives what the file's expression does.
  enum class State : uint8_t { kUnread, kCompiling, kDone } state = State::kUnread;
  uint32_t function = 0;
};

// A call of `import` and what it found.
struct Import {
  uint32_t call = 0;  // token
  uint32_t module = 0;
  std::string problem;  // if not empty, nothing was found
};

class Program {
 public:
  // The texts of all files, padded for the walker, and their tapes, one behind the other: for messages and for
  // rendering functions.
  std::string text;
  std::vector<TapeToken> tape;
  std::vector<Module> modules;
  std::vector<Import> imports;  // ascending by call
  PermutoOptions permuto;

  std::vector<Instruction> code;
  std::deque<Function> functions;  // the first is the script; closures point to them
  std::vector<Value> constants;
  std::vector<Steps> pointers;
  std::vector<Shape> shapes;
  std::vector<SortSpec> sorts;
  std::vector<Raise> raises;
  std::vector<Pattern> patterns;
  std::vector<Metric> metrics;
  std::vector<std::string> variables;  // of the host
  std::vector<bool> variable_used;

  // Literal arrays and objects in canonical form, one after the other; constants view them.
  std::vector<char> literal_text;
  std::vector<TapeToken> literal_tape;
  Source literals;
  std::deque<std::string> strings;  // decoded strings and rendered keys

  std::unique_ptr<const TraceTable> trace;  // null unless CompileOptions::trace asked for it

  json::ValueView expression(uint32_t token) const { return {text.data(), tape.data(), token}; }
};

// Reads JSON text into an empty program: its text, places and tape. False: `failure` says why. Text that nests
// deeper than `depth` is refused.
bool read_text(std::string_view text, const CompileOptions& options, uint32_t depth, Program& program,
               CompileFailure& failure);

// The tokens of an array's or object's children.
inline uint32_t first_child(uint32_t token) {
  return token + 1;
}

}  // namespace colloquium::computo
