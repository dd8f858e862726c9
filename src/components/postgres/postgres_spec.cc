// The settings of the postgres sink, and how it is made.

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "components/postgres/postgres_sink.h"
#include "computo/expression.h"

namespace colloquium {

template <>
struct ConfigEnum<components::PostgresMode> {
  static constexpr std::pair<std::string_view, components::PostgresMode> values[] = {
      {"insert", components::PostgresMode::kInsert}, {"upsert", components::PostgresMode::kUpsert}};
};

template <>
struct ConfigEnum<components::PostgresTlsMode> {
  static constexpr std::pair<std::string_view, components::PostgresTlsMode> values[] = {
      {"disable", components::PostgresTlsMode::kDisable},
      {"prefer", components::PostgresTlsMode::kPrefer},
      {"require", components::PostgresTlsMode::kRequire},
      {"verify-ca", components::PostgresTlsMode::kVerifyCa},
      {"verify-full", components::PostgresTlsMode::kVerifyFull}};
};

template <>
struct ConfigObject<components::PostgresTlsConfig> {
  static ConfigSpec<components::PostgresTlsConfig> spec() {
    using components::PostgresTlsConfig;
    return ConfigSpec<PostgresTlsConfig>()
        .field("mode", &PostgresTlsConfig::mode,
               {.description =
                    "As libpq's sslmode: `verify-full` checks certificate and host name; `prefer`, which is "
                    "libpq's own default, protects against nothing."})
        .field("ca", &PostgresTlsConfig::ca,
               {.description = "File of the certificates to trust, for `verify-ca` and `verify-full`."})
        .field("certificate", &PostgresTlsConfig::certificate, {.description = "File of our own certificate."})
        .field("key", &PostgresTlsConfig::key, {.description = "File of its key; only its owner may read it."});
  }
};

namespace components {
namespace {

Result<std::shared_ptr<const computo::HostContext>> host_context(const ComponentContext& context) {
  if (context.script_variables == nullptr) return std::shared_ptr<const computo::HostContext>();
  return computo::HostContext::create(*context.script_variables);
}

// The variables of `context`; those that every script has are the compiler's.
ScriptNames names_of(const ComponentContext& context) {
  ScriptNames names;
  names.base_dir = context.base_dir;
  if (context.script_variables != nullptr) {
    const std::vector<std::string>& known = computo::host_variables();
    for (const auto& [name, value] : *context.script_variables) {
      if (std::find(known.begin(), known.end(), name) == known.end()) names.variables.push_back(name);
    }
  }
  return names;
}

std::string random_word(Random& random) {
  constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuv";
  std::string word;
  for (uint64_t bits = random.next(), i = 0; i < 12; ++i, bits >>= 5) word += kLetters[bits & 31];
  return word;
}

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  auto* const executor = context.services.find<Executor>();
  if (executor == nullptr) {
    return fail(ErrorCode::kInternal, "a postgres sink needs a thread of its own",
                context.pipeline + "/" + context.name);
  }
  PgSessionOptions options;
  options.config = config_of<PostgresConfig>(parsed);
  options.base_dir = context.base_dir;
  options.claimant = random_word(context.random);
  ConfigProblems problems;
  options.scripts = pg_scripts(options.config, names_of(context), problems);
  if (!problems.empty()) {
    return fail(ErrorCode::kInvalidConfig, problems.front().message, problems.front().mark.describe());
  }
  TRY_ASSIGN(options.context, host_context(context));
  TRY_ASSIGN(auto session, PgSession::create(std::move(options), context.clock));
  return std::make_unique<PostgresSink>(std::move(context), *executor, std::move(session));
}

ConfigSpec<PostgresConfig> spec() {
  return ConfigSpec<PostgresConfig>()
      .field("url", &PostgresConfig::url,
             {.description = "Address of the server and database, as `postgresql://user@host:5432/database`. The "
                             "settings below go before what it says."})
      .field("host", &PostgresConfig::host,
             {.description = "Host name, or folder of the server's socket; several with commas are tried in order "
                             "until one takes writes."})
      .field("port", &PostgresConfig::port, {.description = "Port of the server.", .minimum = 1, .maximum = 65535})
      .field("database", &PostgresConfig::database, {.description = "Database to write to."})
      .field("user", &PostgresConfig::user, {.description = "Role to log in as."})
      .field("password", &PostgresConfig::password,
             {.description = "Its password. libpq's own ways (`PGPASSWORD`, `~/.pgpass`) serve as well."})
      .field("tls", &PostgresConfig::tls, {.description = "Encryption of the connection."})
      .field(
          "table", &PostgresConfig::table,
          {.description = "Table to write to, as `orders` or `shop.orders`. It has to exist. Letter case counts.",
           .example = "orders",
           .required = true,
           .minimum = 1})
      .field("columns", &PostgresConfig::columns,
             {.description =
                  "By column, an expression that gives its value. Without it the whole event goes into the "
                  "column `event`, which should be jsonb.",
              .example = "{id: =$input/id}"})
      .field(
          "mode", &PostgresConfig::mode,
          {.description = "`insert`: a row per event. `upsert`: the row of the same `key` is updated; of several "
                          "events with one key the last one counts."})
      .field("key", &PostgresConfig::key,
             {.description = "With `upsert`: the columns of a unique index or primary key.", .example = "[id]"})
      .field("progress_table", &PostgresConfig::progress_table,
             {.description = "Table that keeps the progress of each sink; made where it does not exist.",
              .advanced = true,
              .minimum = 1})
      .field("timeout", &PostgresConfig::timeout,
             {.description = "How long the server may take to answer, or to take bytes, before the connection is "
                             "given up.",
              .minimum = 100,
              .maximum = 3'600'000})
      .field(
          "connect_timeout", &PostgresConfig::connect_timeout,
          {.description = "How long connecting may take.", .advanced = true, .minimum = 100, .maximum = 600'000});
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "postgres";
  d.summary = "Writes each event as a row of a PostgreSQL table, exactly once.";
  d.description =
      "Each write is one transaction of the server: the rows, and the sink's progress in `colloquium_progress`. "
      "After a "
      "crash of either side the progress says what is in the table. A new process for the same pipeline and sink "
      "takes "
      "the old one's place: nothing of the old one can commit any more.\n\n"
      "An expression reads the event as `$input` and its meta data as the variable `event_metadata`. A string is "
      "written as "
      "its "
      "text, null as NULL, anything else as its JSON; for json and jsonb columns everything is JSON, and for "
      "array "
      "columns an array becomes PostgreSQL's. The server reads these texts by the column's type, so numbers, "
      "booleans, "
      "RFC 3339 times and UUIDs need nothing more. A tombstone's `$input` is null.\n\n"
      "A row that the server refuses for its values (out of range, not null, unique, foreign key, check) makes "
      "its "
      "event a dead letter, and all others are written. Errors about the table, its columns and permissions end "
      "the "
      "pipeline. Everything else (no connection, shutdown, deadlock, too many connections, a full disk) is tried "
      "again "
      "for as long as it lasts.";
  d.input_trust =
      "Values travel as data of COPY and never as SQL; the server's own checks decide whether a row is good.";
  d.guarantee = "Exactly once: rows and progress are committed in one transaction of the server.";
  d.delivery = Guarantee::kExactlyOnce;
  d.examples = {
      {"Whole events into a jsonb column", "postgres: {url: \"postgresql://app@localhost/shop\", table: events}"},
      {"A column per field",
       "postgres:\n  host: db.example.org\n  database: shop\n  user: app\n  password: secret\n  tls: {mode: "
       "verify-full, ca: ca.pem}\n  table: shop.orders\n  columns:\n    id: = $input/id\n    total: = "
       "$input/total\n    placed_at: = event_metadata/timestamp\n    raw: = $input"},
      {"The latest state of each customer",
       "postgres:\n  url: \"postgresql://app@localhost/shop\"\n  table: customers\n  mode: upsert\n  key: [id]\n  "
       "columns: {id: = $input/id, name: = $input/name}"}};
  bind_spec(d, spec(), check_postgres_config);
  d.create_sink = create;
  d.check_scripts = [](const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
    pg_scripts(config_of<PostgresConfig>(parsed), names, problems);
  };
  d.repeats = [](const ParsedConfig& parsed, const std::string&) -> std::string {
    if (config_of<PostgresConfig>(parsed).mode == PostgresMode::kUpsert) return {};
    return "inserts a row for each event again";
  };
  return d;
}

}  // namespace

const Descriptor& postgres_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
