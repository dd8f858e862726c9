// Literals: the constants of a script in their final form (sections 4.1 and 4.2 of the language).
//
// Literal data is kept in canonical text, so that what a literal looks like in the output depends on its
// value alone, not on how it was spelled or in which notation: keys ascend, of duplicate keys the last stays,
// well-formed array wrappers inside data are plain arrays, numbers are spelled by section 2.4.
//
// Thread safety: belongs to one compilation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "computo/code.h"

namespace colloquium::computo {

class Literals {
 public:
  Literals(Program& program, std::string_view array_key);

  // Reads the whole tape once, for is_constant.
  void prepare();

  // Whether the expression at `token` gives the same data whatever the inputs, and cannot fail.
  bool is_constant(uint32_t token) const { return constant_[token]; }

  // REQUIRES: an object. The token of the array if it has the array key alone; `malformed` if what stands
  // there is none.
  uint32_t wrapped(uint32_t object, bool& malformed) const;

  // REQUIRES: a scalar, an object, or a list that is_constant.
  Value value_of(uint32_t token);

  // The decoded text of a string or key, living as long as the program.
  std::string_view text_of(uint32_t token);
  std::string_view keep(std::string text);

  // A member's name, rendered for output.
  Key key(std::string_view name);

 private:
  struct Member {
    std::string_view name;
    uint32_t value;  // token
  };
  bool constant_array(uint32_t token) const;
  bool constant_object(uint32_t token) const;
  // Append to the program's literals.
  void render(uint32_t token, bool data);
  void render_scalar(const json::ValueView& value);
  void render_array(uint32_t token, bool data);
  void render_object(uint32_t token);
  // Sorted, of duplicates the last.
  std::vector<Member> members(uint32_t object);

  // Tokens of what was or is being appended.
  size_t open(TokenType type);
  void close(size_t opened, uint32_t count, char bracket);
  void leaf(TokenType type, size_t offset, uint8_t flags);

  Program& program_;
  std::string_view array_key_;
  std::vector<bool> constant_;  // by token
};

}  // namespace colloquium::computo
