// Operators that put something in place of a pattern's matches, or cut there.

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "computo/library/pattern.h"
#include "computo/library/regex.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr uint32_t kNoGroup = UINT32_MAX;

// Part of a replacement: literal text, or a group.
struct Piece {
  std::string_view text;
  uint32_t group = kNoGroup;
};

// The group of that number or name; kNoGroup if the pattern has none.
uint32_t group_of(const Pattern& pattern, std::string_view name) {
  uint32_t group = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), group);
  if (read.ec == std::errc() && read.ptr == name.data() + name.size()) {
    return group <= pattern.groups() ? group : kNoGroup;
  }
  const auto& names = pattern.names();
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.text == name; });
  ASSERT(found == names.end() || found->group <= pattern.groups());
  return found == names.end() ? kNoGroup : found->group;
}

// Takes the next piece off the replacement. False if it names a group that is not there: the name is in
// piece.text.
bool take_piece(const Pattern& pattern, std::string_view& rest, Piece& piece) {
  ASSERT(!rest.empty());
  size_t size = std::min(rest.find('$'), rest.size());
  piece = {rest.substr(0, size), kNoGroup};
  if (size == 0) {
    const char next = rest.size() > 1 ? rest[1] : '\0';
    const size_t end = next == '{' ? rest.find('}') : std::string_view::npos;
    if (is_digit(next)) {
      size = 2;
      piece.text = rest.substr(1, 1);
      piece.group = group_of(pattern, piece.text);
    } else if (end != std::string_view::npos) {
      size = end + 1;
      piece.text = rest.substr(2, end - 2);
      piece.group = group_of(pattern, piece.text);
    } else {
      // Two dollar signs are one, and any other stands for itself.
      size = next == '$' ? 2 : 1;
      piece.text = rest.substr(0, 1);
      rest.remove_prefix(size);
      return true;
    }
    if (piece.group == kNoGroup) return false;
  }
  rest.remove_prefix(size);
  return true;
}

// How many of the match and its groups the replacement needs, at least the match; nothing if it asks for one that
// is not there.
uint32_t groups_wanted(const Pattern& pattern, std::string_view replacement, std::string& problem) {
  uint32_t wanted = 1;
  while (!replacement.empty()) {
    Piece piece;
    if (!take_piece(pattern, replacement, piece)) {
      problem = "the pattern has no group " + shown(piece.text);
      return 0;
    }
    if (piece.group != kNoGroup) wanted = std::max(wanted, piece.group + 1);
  }
  ASSERT(wanted <= pattern.groups() + 1);
  return wanted;
}

void put_replacement(const Pattern& pattern, std::string_view replacement, const std::string_view* found,
                     Output& output) {
  while (!replacement.empty()) {
    Piece piece;
    const bool known = take_piece(pattern, replacement, piece);
    ASSERT(known);
    const std::string_view text = piece.group == kNoGroup ? piece.text : found[piece.group];
    if (!text.empty()) output.put(text);
  }
}

// Replaces up to `most` matches; false after fail.
bool replace_matches(Machine& machine, Search& search, const Pattern& pattern, std::string_view text,
                     std::string_view replacement, const std::string_view* found, int64_t most, Value& out) {
  Output& output = machine.text_output();
  output.start(false);
  ASSERT(most >= 0);
  size_t done = 0;
  int64_t matches = 0;
  for (; matches < most && search.next(); ++matches) {
    output.put(text.substr(done, search.start() - done));
    put_replacement(pattern, replacement, found, output);
    done = search.end();
    if (!check_output(machine) || !machine.charge(replacement.size() / 16)) return false;
  }
  if (machine.failed()) return false;
  if (matches == 0) return true;
  output.put(text.substr(done));
  return finish_text(machine, out);
}

}  // namespace

std::string check_regex_replace(std::span<const ConstantText> arguments) {
  std::string problem;
  ASSERT(arguments.size() >= 3);
  if (!arguments[1]) return problem;
  const auto pattern = Pattern::create(*arguments[1], problem);
  if (pattern != nullptr && arguments[2]) groups_wanted(*pattern, *arguments[2], problem);
  return problem;
}

bool regex_replace(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 3);
  std::string_view text;
  std::string_view replacement;
  int64_t most = INT64_MAX;
  if (!text_argument(machine, arguments, 0, text) || !text_argument(machine, arguments, 2, replacement))
    return false;
  const Pattern* const pattern = pattern_argument(machine, arguments);
  if (pattern == nullptr || (count > 3 && !count_argument(machine, arguments, 3, 0, most))) return false;
  std::string problem;
  const uint32_t wanted = groups_wanted(*pattern, replacement, problem);
  if (wanted == 0) return machine.fail_argument(2, Category::kValue, problem);
  auto* const found = machine.allocate<std::string_view>(wanted);
  if (found == nullptr) return false;
  Search search(machine, *pattern, text, found, wanted);
  out = arguments[0];
  return replace_matches(machine, search, *pattern, text, replacement, found, most, out);
}

bool regex_split(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  std::string_view text;
  int64_t most = UINT32_MAX;
  if (!text_argument(machine, arguments, 0, text)) return false;
  const Pattern* const pattern = pattern_argument(machine, arguments);
  if (pattern == nullptr || (count > 2 && !count_argument(machine, arguments, 2, 1, most))) return false;
  ValueList pieces(machine);
  std::string_view found;
  Search search(machine, *pattern, text, &found, 1);
  size_t done = 0;
  while (static_cast<int64_t>(pieces.size()) + 1 < most && search.next()) {
    if (found.empty()) continue;
    if (!pieces.add(string_value(text.substr(done, search.start() - done)))) return false;
    done = search.end();
  }
  return !machine.failed() && pieces.add(string_value(text.substr(done))) && pieces.finish(out);
}

}  // namespace colloquium::computo::ops
