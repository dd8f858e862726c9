#include "components/postgres/pg_progress.h"

#include <algorithm>

#include "base/assert.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::components {
namespace {

// A reason is for people; a server's message may quote a whole row.
constexpr size_t kReasonBytes = 500;

// jsonb takes no NUL, and a character is not cut in two.
std::string reason_text(const std::string& error) {
  std::string text = error.substr(0, kReasonBytes);
  if (text.size() < error.size()) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
    if (!text.empty()) text.pop_back();
  }
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

}  // namespace

std::string given_up_text(const std::vector<SinkProgress::GivenUp>& given_up) {
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  writer.begin_array();
  for (const SinkProgress::GivenUp& one : given_up) {
    writer.begin_object();
    writer.key("error");
    writer.string(reason_text(one.error));
    writer.key("offset");
    writer.integer(one.offset);
    writer.end_object();
  }
  writer.end_array();
  return {bytes.begin(), bytes.end()};
}

Result<std::vector<SinkProgress::GivenUp>> given_up_of(const std::string& text) {
  TRY_ASSIGN(const json::Document document, json::parse(text, "given_up"));
  const json::ValueView list(document.text.data(), document.tape.data(), 0);
  std::vector<SinkProgress::GivenUp> out;
  const auto broken = [] {
    return fail(ErrorCode::kCorrupt, "given_up is not what was stored there; nobody else may change that table");
  };
  if (list.type() != TokenType::kArray) return broken();
  for (json::ValueView at = list.first_child(); !at.at_end_of(list); at = at.next()) {
    if (at.type() != TokenType::kObject) return broken();
    const auto offset = at.member("offset"), error = at.member("error");
    if (!offset || !error || offset->type() != TokenType::kInteger || error->type() != TokenType::kString) {
      return broken();
    }
    std::string scratch;
    const std::string_view reason = error->string(scratch);
    out.push_back({offset->integer(), std::string(reason)});
  }
  return out;
}

void forget_below(int64_t offset, std::vector<SinkProgress::GivenUp>& given_up) {
  std::erase_if(given_up, [&](const SinkProgress::GivenUp& one) { return one.offset < offset; });
}

std::string create_progress_sql(const std::string& table) {
  return "CREATE TABLE IF NOT EXISTS " + table +
         " (leg text NOT NULL, partition text NOT NULL, epoch bigint NOT NULL, next bigint,"
         " given_up jsonb NOT NULL DEFAULT '[]', claimant text, owner text, claimed_at timestamptz, updated_at "
         "timestamptz,"
         " backend integer, backend_start timestamptz, PRIMARY KEY (leg, partition))";
}

// A session whose process froze, or whose connection the server does not know is gone, may hold locks on the rows
// it was about to write. Its own role may end it.
std::string end_sessions_sql(const std::string& table) {
  return "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN (SELECT DISTINCT backend, backend_start"
         " FROM " +
         table +
         " WHERE leg = $1) p ON a.pid = p.backend AND a.backend_start = p.backend_start"
         " WHERE a.pid <> pg_backend_pid() AND a.usename = current_user";
}

// Two that come for one leg at the same time come one after the other.
std::string lock_leg_sql() {
  return "SELECT pg_advisory_xact_lock(hashtextextended('colloquium ' || $1, 0))";
}

std::string add_partition_sql(const std::string& table) {
  return "INSERT INTO " + table + " (leg, partition, epoch) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
}

// Waits for a transaction that advances one of these rows: what it gives is what stands after that has ended.
std::string claim_sql(const std::string& table) {
  return "UPDATE " + table +
         " SET epoch = $2, claimant = $3, claimed_at = now(), backend = pg_backend_pid(),"
         " owner = coalesce(host(inet_client_addr()), 'this host'),"
         " backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())"
         " WHERE leg = $1 RETURNING partition, next, given_up::text";
}

std::string advance_sql(const std::string& table) {
  return "UPDATE " + table +
         " SET next = $5, given_up = $6, updated_at = now()"
         " WHERE leg = $1 AND partition = $2 AND epoch = $3 AND next IS NOT DISTINCT FROM $4::bigint";
}

std::string owner_sql(const std::string& table) {
  return "SELECT epoch, claimant, claimed_at, owner FROM " + table + " WHERE leg = $1 ORDER BY epoch DESC LIMIT 1";
}

}  // namespace colloquium::components
