#include "engine/dead_letter_tally.h"

namespace colloquium::engine {

void DeadLetterTally::add(const Error& error, const std::function<std::string()>& event, std::string_view to) {
  counts_.add(error.code);
  if (!to.empty()) forwarded_.fetch_add(1);
  warnings_.warn([&] {
    const std::string where = to.empty() ? std::string("the dead letters") : "pipeline '" + std::string(to) + "'";
    return "event " + event() + " went to " + where + ": " + error.describe();
  });
}

}  // namespace colloquium::engine
