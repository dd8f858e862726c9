// Health: what every part of the process says about itself, for /livez, /readyz and /healthz.
//
// Whoever runs something adds a provider; it is asked when someone looks. A Holder removes its provider when
// it dies, so it must die before what the provider refers to, and the Health must outlive it.
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace colloquium::admin {

// From best to worst, but for kStarting, which is no fault and only means "not yet".
enum class HealthStatus {
  kOk,
  kStarting,  // not ready yet, nothing is wrong
  kDegraded,  // at work, but something is wrong and may mend itself: a sink that retries
  kFailed,    // it will not mend itself
};
std::string_view to_string(HealthStatus status);

struct HealthEntry {
  std::string name;  // "pipeline orders", "orders: sink all", "log"
  HealthStatus status = HealthStatus::kOk;
  std::string detail;  // what is wrong or awaited; empty if nothing
};

class Health {
 public:
  // Called on the loop, each time someone looks; it must be quick.
  using Provider = std::function<std::vector<HealthEntry>()>;

  // Move-only. An empty one holds nothing.
  class [[nodiscard]] Holder {
   public:
    Holder() = default;
    Holder(Holder&& other) noexcept;
    Holder& operator=(Holder&& other) noexcept;
    ~Holder();

   private:
    friend class Health;
    Holder(Health* health, uint64_t id) : health_(health), id_(id) {}
    Health* health_ = nullptr;
    uint64_t id_ = 0;
  };

  Holder add(Provider provider);

  // Every provider's entries, in the order the providers were added.
  std::vector<HealthEntry> entries() const;

  // Ready: nothing is starting, nothing has failed. What is degraded still takes events.
  static bool is_ready(const std::vector<HealthEntry>& entries);

  // The worst status of all: failed, then degraded, then starting.
  static HealthStatus overall(const std::vector<HealthEntry>& entries);

 private:
  // By id, which rises: the order in which they were added.
  std::map<uint64_t, Provider> providers_;
  uint64_t next_id_ = 1;
};

}  // namespace colloquium::admin
