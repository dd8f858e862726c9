// LineInput: lines of a byte stream, one as soon as it is there, for verbs that talk with their user.
//
// Thread safety: one thread.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "app/verb.h"

namespace colloquium::app {

class LineInput {
 public:
  explicit LineInput(ReadBytes read) : read_(std::move(read)) {}

  // Without its end; a last line needs none. Nothing at the end, or if no more can be read.
  std::optional<std::string> next();

 private:
  ReadBytes read_;
  std::string rest_;
  bool at_end_ = false;
};

}  // namespace colloquium::app
