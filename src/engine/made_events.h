// MadeEvents: what an asynchronous stage makes of an event, as events. They keep its key, headers and times, and
// have ids that say which event they came of.
//
// Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"
#include "colloquium/stage.h"

#include "json/walk.h"

namespace colloquium::engine {

class MadeEvents {
 public:
  // `component`: the stage's name. Where one of the values is none it is the stage that failed: `output` says so
  // then, and there is no batch.
  std::shared_ptr<const Batch> make(const Batch& input, size_t event, const std::string& component,
                                    AsyncOutput& output);

 private:
  std::optional<Error> check(const std::string& value);

  json::Walker walker_;
  std::vector<TapeToken> tape_;
  std::string text_;  // with the padding that the walk wants
};

}  // namespace colloquium::engine
