// SugarTree: a script in sugar as it was written: every parenthesis is still there, so that one tree serves
// both the translation to JSON (sugar.h) and the layout (format.h).
//
// Nodes lie in one vector and name each other by index; children of a node follow each other through `next`.
// Brackets and expressions nest no deeper than the limit it was parsed with, so walking a tree may recurse.
//
// Thread safety: a value, constant once parsed. It points into the text it was parsed from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "computo/sugar_lexer.h"

namespace colloquium::computo {

enum class SugarKind : uint8_t {
  kNumber,
  kString,
  kWord,     // true, false, null
  kName,     // a part of an operator's name, a parameter, a binding's name, a key
  kAccess,   // "x/a", "$input/a": the text as it stands; `op` is its first token
  kPointer,  // $("/a b"): the string, if there is one; `op` as above
  kPath,     // "(x)/a": the group; the segments stand behind it
  kDotted,   // "a.b": the names
  kCall,     // what is called (kName, kDotted, kString), then the arguments
  kList,     // the elements
  kObject,   // entries
  kEntry,    // the key (kName, kString), the value
  kGroup,    // ( expression )
  kLambda,   // the parameters, the body
  kLet,      // bindings, the body
  kBinding,  // the name, the expression
  kIf,       // condition, then, else
  kMinus,    // the operand; if that is kNumber, a negative number
  kNot,      // the operand
  kChain,    // a run of the operator `op`: two or more operands
};

inline constexpr uint32_t kNoSugarNode = UINT32_MAX;

struct SugarNode {
  SugarKind kind = SugarKind::kWord;
  SugarToken op = SugarToken::kEnd;
  bool constant = false;  // data: a literal of the JSON script
  uint32_t depth = 0;     // levels of expressions below; a group is none of its own
  uint32_t begin = 0;     // bytes of the text
  uint32_t end = 0;
  uint32_t first = kNoSugarNode;
  uint32_t next = kNoSugarNode;
};

struct SugarTree {
  std::string_view text;
  std::vector<SugarNode> nodes;
  uint32_t root = kNoSugarNode;

  const SugarNode& at(uint32_t i) const {
    ASSERT(i < nodes.size());
    return nodes[i];
  }
  std::string_view text_of(uint32_t i) const { return text.substr(at(i).begin, at(i).end - at(i).begin); }
};

// REQUIRES: at least 1024 is what the language promises.
inline constexpr uint32_t kSugarDepth = 1024;

// Nothing if the text is not a script; `error` says why. Comments are collected unless `comments` is null.
std::optional<SugarTree> parse_sugar(std::string_view text, SugarError& error, uint32_t depth = kSugarDepth,
                                     std::vector<SugarComment>* comments = nullptr);

}  // namespace colloquium::computo
