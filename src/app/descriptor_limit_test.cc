#include "app/descriptor_limit.h"

#include <catch2/catch.hpp>
#include <sys/resource.h>

#include "net/http_server.h"

namespace colloquium::app {

TEST_CASE("connections leave descriptors to the log, whatever the limit is") {
  for (const uint64_t limit : {80u, 128u, 256u, 1024u, 4096u, 65536u, 1u << 20}) {
    const ConnectionShares shares = connection_shares(limit);
    CAPTURE(limit);
    CHECK(shares.ingest + shares.admin <= limit - limit / 4);
    CHECK(shares.ingest + shares.admin + 64 <= limit);
    CHECK(shares.ingest > shares.admin / 2);
    CHECK(shares.admin >= 2);
  }
  // Where there are hardly any, it still listens.
  CHECK(connection_shares(20).ingest == 6);
  CHECK(connection_shares(0).admin == 2);
  CHECK(connection_shares(1 << 20).ingest == net::HttpLimits{}.connections);
}

TEST_CASE("the soft limit of descriptors is raised to the hard one") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 100;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  const uint64_t told = raise_descriptor_limit();
  rlimit after{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(told == after.rlim_cur);
  CHECK(after.rlim_cur == std::min<rlim_t>(before.rlim_max, 1 << 20));
  CHECK(after.rlim_max == before.rlim_max);
}

}  // namespace colloquium::app
