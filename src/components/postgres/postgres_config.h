// PostgresConfig: the settings of the postgres sink, and what libpq is told of them.
//
// Thread safety: values and pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/config_spec.h"

#include "components/postgres/pg_connection.h"
#include "components/postgres/pg_rows.h"
#include "components/postgres/pg_table.h"

namespace colloquium::components {

enum class PostgresMode { kInsert, kUpsert };
enum class PostgresTlsMode { kDisable, kPrefer, kRequire, kVerifyCa, kVerifyFull };

struct PostgresTlsConfig {
  std::optional<PostgresTlsMode> mode;
  std::string ca;
  std::string certificate;
  std::string key;
};

struct PostgresConfig {
  Secret url;
  std::string host;
  std::optional<int> port;
  std::string database;
  std::string user;
  Secret password;
  PostgresTlsConfig tls;
  std::string table;
  std::map<std::string, Expression> columns;
  PostgresMode mode = PostgresMode::kInsert;
  std::vector<std::string> key;
  std::string progress_table = "colloquium_progress";
  Duration timeout{30'000};
  Duration connect_timeout{10'000};
};

// The settings that depend on one another or on libpq. Problems never show the url or the password.
void check_postgres_config(const PostgresConfig& config, const ConfigNode& node, ConfigProblems& problems);

// For PgConnection::open. Relative paths of certificates start at `base_dir`.
PgSettings pg_settings(const PostgresConfig& config, const std::string& base_dir, const std::string& leg);

PgTable pg_table(const PostgresConfig& config);

// An expression per column, compiled; problems as the compiler tells them.
std::vector<PgColumnScript> pg_scripts(const PostgresConfig& config, const ScriptNames& names,
                                       ConfigProblems& problems);

}  // namespace colloquium::components
