// PgProgress: the table in which the server keeps how far each leg has come, in the transactions that write its
// rows.
//
//   leg, partition      which ("orders/shop", "orders.k3v9x0qa-0")
//   epoch               of the process that writes for the leg; who comes later takes a higher one, and from then
//   on
//                       nothing of the one before can commit: its UPDATE … WHERE epoch finds no row
//   next, given_up      every event below `next` is written, or given up with the reason that stands there
//   claimant            of that process: a random word, by which it knows its own claim again
//   owner, claimed_at   the same for messages; backend, backend_start: its session, for ending one it left behind
//
// Thread safety: values and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"
#include "colloquium/sink.h"

namespace colloquium::components {

struct PgPartition {
  std::optional<int64_t> next;                  // nothing: no event of it was ever written
  std::vector<SinkProgress::GivenUp> given_up;  // rising
};
using PgPartitions = std::map<std::string, PgPartition>;

// As stored: [{"error":"…","offset":5}].
std::string given_up_text(const std::vector<SinkProgress::GivenUp>& given_up);
Result<std::vector<SinkProgress::GivenUp>> given_up_of(const std::string& text);

// Drops what stands below `offset`.
void forget_below(int64_t offset, std::vector<SinkProgress::GivenUp>& given_up);

// `table` is quoted, here and below.
std::string create_progress_sql(const std::string& table);
// $1: the leg, in all of them.
std::string end_sessions_sql(const std::string& table);
std::string lock_leg_sql();
// Gives the highest epoch, its claimant, claimed_at and owner; no row if nobody wrote for the leg.
std::string owner_sql(const std::string& table);
// $2: a partition, $3: the epoch.
std::string add_partition_sql(const std::string& table);
// $2: the epoch, $3: the claimant. Gives partition, next, given_up.
std::string claim_sql(const std::string& table);
// $2: partition, $3: epoch, $4: next as it was, $5: next, $6: given_up.
std::string advance_sql(const std::string& table);
}  // namespace colloquium::components
