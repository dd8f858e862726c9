#include "engine/plan_group.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/pipeline.h"
#include "engine/plan_data.h"
#include "log/log.h"

namespace colloquium::engine {

namespace {

using Forwards = std::map<std::string, std::vector<std::string>>;

// Whether a way leads from the last of `way` back to one of it; `way` is then the circle.
bool find_circle(const Forwards& forwards, std::vector<std::string>& way, std::set<std::string>& harmless) {
  const auto found = forwards.find(way.back());
  if (found == forwards.end()) return false;
  for (const std::string& next : found->second) {
    if (harmless.contains(next)) continue;
    const auto before = std::find(way.begin(), way.end(), next);
    if (before != way.end()) {
      way.erase(way.begin(), before);
      way.push_back(next);
      return true;
    }
    way.push_back(next);
    if (find_circle(forwards, way, harmless)) return true;
    way.pop_back();
    harmless.insert(next);
  }
  return false;
}

}  // namespace

std::vector<std::string> forward_circle(const Plans& plans) {
  Forwards forwards;
  for (const auto& plan : plans) forwards[plan->name()] = plan->data().rescuers();
  std::set<std::string> harmless;
  for (const auto& [name, targets] : forwards) {
    std::vector<std::string> way = {name};
    if (find_circle(forwards, way, harmless)) return way;
    harmless.insert(name);
  }
  return {};
}

Status open_streams(const Plans& plans, log::Log& log) {
  for (const auto& plan : plans) {
    if (!plan->data().logged()) continue;
    TRY(log.open_stream({.name = plan->name(), .partitions = plan->data().config.log.partitions}));
  }
  return {};
}

std::vector<std::string> missing_targets(const Plans& plans, log::Log& log) {
  std::set<std::string> missing;
  for (const auto& plan : plans) {
    for (const std::string& target : plan->data().forward_targets()) {
      const auto opened = log.open_stream({.name = target, .partitions = 0});
      if (!opened && opened.error().code == ErrorCode::kNotFound) missing.insert(target);
    }
  }
  return {missing.begin(), missing.end()};
}

}  // namespace colloquium::engine
