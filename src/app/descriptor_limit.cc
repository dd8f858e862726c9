#include "app/descriptor_limit.h"

#include <algorithm>
#include <sys/resource.h>

#include "base/assert.h"
#include "net/http_server.h"

namespace colloquium::app {
namespace {

constexpr uint64_t kMost = 1 << 20;
// What is kept from connections: a quarter, and never less than this.
constexpr uint64_t kReserve = 64;
constexpr uint64_t kFewest = 8;  // connections, all together, however low the limit is
constexpr uint64_t kAdminShare = 8;
constexpr uint64_t kAdminFewest = 2;

}  // namespace

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMost;
  rlimit raised = limit;
  raised.rlim_cur = std::max<rlim_t>(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, kMost));
  // Refused where the system's own bound (fs.nr_open) has been lowered since: then what was stays.
  if (raised.rlim_cur != limit.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return std::min<uint64_t>(limit.rlim_cur, kMost);
}

ConnectionShares connection_shares(uint64_t descriptors) {
  const uint64_t reserve = std::max(kReserve, descriptors / 4);
  const uint64_t total = std::max(kFewest, descriptors - std::min(descriptors, reserve));
  const uint64_t most = net::HttpLimits{}.connections;
  const uint64_t admin = std::clamp(total / kAdminShare, kAdminFewest, most);
  ASSERT(admin < total);
  return {.ingest = static_cast<size_t>(std::min(total - admin, most)), .admin = static_cast<size_t>(admin)};
}

}  // namespace colloquium::app
