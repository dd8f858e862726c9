#include "admin/health.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace colloquium::admin {
namespace {

// kStarting ranks below kDegraded: what has not begun hides no fault of what has.
int severity(HealthStatus status) {
  switch (status) {
    case HealthStatus::kOk:
      return 0;
    case HealthStatus::kStarting:
      return 1;
    case HealthStatus::kDegraded:
      return 2;
    case HealthStatus::kFailed:
      return 3;
  }
  return 3;
}

}  // namespace

std::string_view to_string(HealthStatus status) {
  switch (status) {
    case HealthStatus::kOk:
      return "ok";
    case HealthStatus::kStarting:
      return "starting";
    case HealthStatus::kDegraded:
      return "degraded";
    case HealthStatus::kFailed:
      return "failed";
  }
  return "failed";
}

Health::Holder::Holder(Holder&& other) noexcept : health_(std::exchange(other.health_, nullptr)), id_(other.id_) {}

Health::Holder& Health::Holder::operator=(Holder&& other) noexcept {
  if (this == &other) return *this;
  if (health_ != nullptr) health_->providers_.erase(id_);
  health_ = std::exchange(other.health_, nullptr);
  id_ = other.id_;
  return *this;
}

Health::Holder::~Holder() {
  if (health_ != nullptr) health_->providers_.erase(id_);
}

Health::Holder Health::add(Provider provider) {
  ASSERT(provider != nullptr);
  const uint64_t id = next_id_++;
  providers_.emplace(id, std::move(provider));
  return Holder(this, id);
}

std::vector<HealthEntry> Health::entries() const {
  std::vector<HealthEntry> all;
  for (const auto& [id, provider] : providers_) {
    std::vector<HealthEntry> some = provider();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

bool Health::is_ready(const std::vector<HealthEntry>& entries) {
  // A degraded component still accepts, and what it holds back is in the log: sending the traffic elsewhere
  // would help nobody.
  return std::none_of(entries.begin(), entries.end(), [](const HealthEntry& entry) {
    return entry.status == HealthStatus::kStarting || entry.status == HealthStatus::kFailed;
  });
}

HealthStatus Health::overall(const std::vector<HealthEntry>& entries) {
  HealthStatus worst = HealthStatus::kOk;
  for (const HealthEntry& entry : entries) {
    if (severity(entry.status) > severity(worst)) worst = entry.status;
  }
  return worst;
}

}  // namespace colloquium::admin
