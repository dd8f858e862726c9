// Pattern: a compiled regular expression, the adapter to RE2, and the matches found with it.
//
// Thread safety: a Pattern is immutable; a Search belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "computo/machine.h"
#include "computo/prepared.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace colloquium::computo::ops {

class Pattern : public Prepared {
 public:
  static constexpr std::string_view kKind = "regular expression";

  struct Name {
    std::string text;
    uint32_t group;
  };

  // Null if it is none: `problem` says why.
  static std::unique_ptr<const Pattern> create(std::string_view text, std::string& problem);
  ~Pattern() override;
  size_t bytes() const override;

  uint32_t groups() const { return groups_; }
  // Of named groups, in byte order.
  const std::vector<Name>& names() const { return names_; }

  // Finds the first match at or after `from`. `found` holds the match and as many groups as are asked for; a group
  // that took no part has null data. REQUIRES: wanted <= 1 + groups(), `from` on a code point.
  bool match(std::string_view text, size_t from, std::string_view* found, uint32_t wanted) const;

 private:
  explicit Pattern(std::unique_ptr<re2::RE2> regex);

  std::unique_ptr<re2::RE2> regex_;
  uint32_t groups_ = 0;
  std::vector<Name> names_;
};

// The pattern of argument 1, compiled now or before; null after fail.
const Pattern* pattern_argument(Machine& machine, const Value* arguments);

// The matches of a pattern in a text, from left to right. A match of nothing is followed by a search one code
// point further on, and none of nothing stands at the end of the one before it.
class Search {
 public:
  // `found` as Pattern::match has it.
  Search(Machine& machine, const Pattern& pattern, std::string_view text, std::string_view* found,
         uint32_t wanted);
  // False if there is no further match, or after fail.
  bool next();
  size_t start() const { return static_cast<size_t>(found_[0].data() - text_.data()); }
  size_t end() const { return start() + found_[0].size(); }

 private:
  Machine& machine_;
  const Pattern& pattern_;
  std::string_view text_;
  std::string_view* found_;
  uint32_t wanted_;
  size_t from_ = 0;
  size_t last_end_ = SIZE_MAX;  // of the match before
  bool done_ = false;
};

}  // namespace colloquium::computo::ops
