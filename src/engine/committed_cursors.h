// CommittedCursors: with `log: off`, how far each leg has committed a source and its parts. A source resumes where
// the leg that is furthest behind stands; the others have the events from there up to their own positions already.
//
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace colloquium::engine {

class CommittedCursors {
 public:
  explicit CommittedCursors(size_t legs) : legs_(legs) {}

  // `part` is empty for the source itself.
  void set(size_t leg, const std::string& part, int64_t position, std::string cursor);

  // Behind what every leg has; empty: some leg has nothing.
  std::string cursor(std::string_view part) const;
  // Behind what any leg has; 0: none has anything.
  int64_t highest(std::string_view part) const;
  // Of a leg, by part.
  std::map<std::string, int64_t> positions(size_t leg) const;

 private:
  struct Place {
    int64_t position = -1;  // nothing was ever committed
    std::string cursor;
  };
  size_t legs_;
  std::map<std::string, std::vector<Place>, std::less<>> parts_;  // one place per leg
};

}  // namespace colloquium::engine
