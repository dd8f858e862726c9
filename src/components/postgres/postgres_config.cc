#include "components/postgres/postgres_config.h"

#include <algorithm>
#include <array>
#include <libpq-fe.h>
#include <string_view>

#include "base/assert.h"
#include "computo/expression.h"
#include "config/paths.h"
#include "config/problems.h"

namespace colloquium::components {
namespace {

constexpr const char* kWholeEvent = "event";

constexpr std::array<std::pair<PostgresTlsMode, const char*>, 5> kTlsModes = {
    {{PostgresTlsMode::kDisable, "disable"},
     {PostgresTlsMode::kPrefer, "prefer"},
     {PostgresTlsMode::kRequire, "require"},
     {PostgresTlsMode::kVerifyCa, "verify-ca"},
     {PostgresTlsMode::kVerifyFull, "verify-full"}}};

// libpq's own message would repeat a part of the text, which may be the password.
bool is_url(const std::string& url) {
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) return false;
  char* message = nullptr;
  PQconninfoOption* const options = PQconninfoParse(url.c_str(), &message);
  PQfreemem(message);
  PQconninfoFree(options);
  return options != nullptr;
}

void check_key(const PostgresConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  if (config.mode == PostgresMode::kInsert) {
    if (!config.key.empty()) {
      config::refuse(node, "key", "key is for mode: upsert; take it out, or add mode: upsert", problems);
    }
    return;
  }
  if (config.key.empty()) {
    config::refuse(node, "mode", "mode: upsert needs key: the columns of a unique index of the table", problems);
  }
  for (const std::string& column : config.key) {
    if (config.columns.contains(column)) continue;
    config::refuse(node, "key", "key names '" + column + "', which is not among columns", problems);
  }
}

void add_tls(const PostgresTlsConfig& tls, const std::string& base_dir, PgSettings& settings) {
  for (const auto& [mode, name] : kTlsModes) {
    if (tls.mode == mode) settings.emplace_back("sslmode", name);
  }
  if (!tls.ca.empty()) settings.emplace_back("sslrootcert", config::resolved_path(base_dir, tls.ca));
  if (!tls.certificate.empty()) settings.emplace_back("sslcert", config::resolved_path(base_dir, tls.certificate));
  if (!tls.key.empty()) settings.emplace_back("sslkey", config::resolved_path(base_dir, tls.key));
}

Expression whole_event() {
  Expression expression;
  expression.node.kind = ConfigNode::Kind::kString;
  expression.node.text = "=$input";
  expression.node.mark.line = expression.node.mark.column = 1;
  return expression;
}

}  // namespace

void check_postgres_config(const PostgresConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  if (!config.url.value.empty() && !is_url(config.url.value)) {
    config::refuse(node, "url",
                   "url is no address of a PostgreSQL server, such as postgresql://user@host:5432/database",
                   problems);
  }
  const bool named = std::any_of(config.columns.begin(), config.columns.end(),
                                 [](const auto& column) { return column.first.empty(); });
  if (named) config::refuse(node, "columns", "a column needs a name", problems);
  if (config.table.find('\0') != config.table.npos)
    config::refuse(node, "table", "no table has such a name", problems);
  check_key(config, node, problems);
  if (config.tls.certificate.empty() != config.tls.key.empty()) {
    config::refuse(node, "tls", "tls.certificate and tls.key are given together or not at all", problems);
  }
}

PgSettings pg_settings(const PostgresConfig& config, const std::string& base_dir, const std::string& leg) {
  PgSettings settings;
  // The first dbname may be an address; what comes behind it wins over what that says.
  if (!config.url.value.empty()) settings.emplace_back("dbname", config.url.value);
  if (!config.host.empty()) settings.emplace_back("host", config.host);
  if (config.port) settings.emplace_back("port", std::to_string(*config.port));
  if (!config.database.empty()) settings.emplace_back("dbname", config.database);
  if (!config.user.empty()) settings.emplace_back("user", config.user);
  if (!config.password.value.empty()) settings.emplace_back("password", config.password.value);
  add_tls(config.tls, base_dir, settings);
  settings.emplace_back("application_name", "colloquium " + leg);
  settings.emplace_back("client_encoding", "UTF8");
  settings.emplace_back("target_session_attrs", "read-write");
  settings.emplace_back("tcp_user_timeout", std::to_string(config.timeout.ms));
  return settings;
}

PgTable pg_table(const PostgresConfig& config) {
  PgTable table;
  table.name = config.table;
  for (const auto& [column, expression] : config.columns) table.columns.push_back(column);
  if (table.columns.empty()) table.columns.emplace_back(kWholeEvent);
  table.key = config.key;
  table.upsert = config.mode == PostgresMode::kUpsert;
  table.staged = table.upsert;
  return table;
}

std::vector<PgColumnScript> pg_scripts(const PostgresConfig& config, const ScriptNames& names,
                                       ConfigProblems& problems) {
  std::map<std::string, Expression> columns = config.columns;
  if (columns.empty()) columns.emplace(kWholeEvent, whole_event());
  computo::ExpressionScope scope;
  scope.variables.insert(scope.variables.end(), names.variables.begin(), names.variables.end());
  std::vector<PgColumnScript> scripts;
  for (const auto& [column, expression] : columns) {
    scripts.push_back({column, computo::compile_expression_in(expression.node, scope, problems)});
  }
  ASSERT(!scripts.empty());
  return scripts;
}

}  // namespace colloquium::components
