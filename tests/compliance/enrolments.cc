// The components of the table, one row each: how to set them here, and with whom they speak.
#include "tests/compliance/component_peers.h"

namespace colloquium::compliance {
namespace {

using Connection = std::function<std::string(uint16_t, const std::string&)>;

std::string address(uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

// As behind `kafka:` and so on; `$A` is the address, `$S` the secret.
Connection settings(const std::string& text) {
  return [text](uint16_t port, const std::string& secret) {
    std::string made = text;
    for (const auto& [name, value] :
         {std::pair{std::string("$A"), address(port)}, std::pair{std::string("$S"), secret}}) {
      for (size_t at = made.find(name); at != made.npos; at = made.find(name, at + value.size())) {
        made.replace(at, name.size(), value);
      }
    }
    return made;
  };
}

struct Row {
  ComponentKind kind;
  const char* name;
  Subject subject;
};

constexpr char kNeedsBroker[] = "it needs a broker: see the second table";
constexpr char kNeedsModels[] = "it needs an `ai` section: the acceptance test of the gateways has one";
constexpr char kNeedsDatabase[] = "it needs a database: see the second table";

std::vector<Row> source_rows() {
  const auto source = ComponentKind::kSource;
  return {
      {source, "stdin", {.folder = "stdio", .source = standard_input}},
      {source, "file", {.folder = "file", .source = file_to_read}},
      {source, "file", {.variant = "follow", .folder = "file", .source = folder_to_follow}},
      {source, "exec", {.folder = "exec", .source = program_that_prints}},
      {source, "generate", {.folder = "generate", .source = event_template}},
      {source, "stream", {.folder = "stream", .source = stream_to_read}},
      {source,
       "http",
       {.folder = "http",
        .source = http_poster,
        .connection = settings("{path: /in, auth: {bearer: {token: $S, tokens: [$S]}}}"),
        .is_pushed_to = true}},
      {source,
       "http_client",
       {.folder = "http",
        .source = http_document,
        .connection = settings("{url: \"http://$A/doc\", headers: {X-Key: $S}, auth: {bearer: $S}}"),
        .keeps_one_document = true}},
      {source,
       "sse",
       {.folder = "http",
        .source = event_stream_server,
        .connection = settings("{url: \"http://$A/events\", headers: {X-Key: $S}, auth: {basic: {user: u, "
                               "password: $S}}}")}},
      {source,
       "anthropic_api",
       {.folder = "gateway",
        .why_no_peer = kNeedsModels,
        .connection = settings("{keys: [$S]}"),
        .is_pushed_to = true}},
      {source,
       "openai_api",
       {.folder = "gateway",
        .why_no_peer = kNeedsModels,
        .connection = settings("{keys: [$S]}"),
        .is_pushed_to = true}},
      {source,
       "kafka",
       {.folder = "kafka",
        .source = kafka_cluster,
        .connection = settings("{brokers: [\"$A\"], topics: [t], group: g, sasl: {mechanism: PLAIN, username: u, "
                               "password: $S}}")}},
      {source,
       "mqtt",
       {.folder = "mqtt",
        .source = mqtt_broker,
        .connection = settings("{url: \"mqtt://$A\", topics: [t], username: u, password: $S}")}},
  };
}

std::vector<Row> sink_rows() {
  const auto sink = ComponentKind::kSink;
  return {
      {sink, "stdout", {.folder = "stdio", .sink = standard_output}},
      {sink, "file", {.folder = "file", .sink = file_to_write}},
      {sink, "file", {.variant = "rotate", .folder = "file", .sink = rotated_files}},
      {sink, "exec", {.folder = "exec", .sink = program_that_reads}},
      {sink, "stream", {.folder = "stream", .sink = stream_to_fill}},
      {sink,
       "http",
       {.folder = "http",
        .sink = http_receiver,
        .connection = settings("{url: \"http://$A/receive\", headers: {X-Key: $S}, auth: {bearer: $S}}")}},
      {sink,
       "http",
       {.variant = "batch",
        .folder = "http",
        .sink = http_batch_receiver,
        .connection = settings("{url: \"http://$A/receive\", batch: {events: 3}, auth: {basic: {user: u, "
                               "password: $S}}}")}},
      {sink,
       "kafka",
       {.folder = "kafka",
        .why_no_peer = kNeedsBroker,
        .connection =
            settings("{brokers: [\"$A\"], topic: t, sasl: {mechanism: PLAIN, username: u, password: $S}}")}},
      {sink,
       "mqtt",
       {.folder = "mqtt",
        .why_no_peer = kNeedsBroker,
        .connection = settings("{url: \"mqtt://$A\", topic: t, username: u, password: $S}")}},
      {sink,
       "postgres",
       {.folder = "postgres",
        .why_no_peer = kNeedsDatabase,
        .connection =
            settings("{url: \"postgresql://u:$S@$A/d\", password: $S, table: t, tls: {mode: disable}}")}},
  };
}

std::vector<Row> stage_rows() {
  const auto stage = ComponentKind::kStage;
  return {
      {stage, "filter", {.folder = "computo", .stage = R"([">=", ["$input", "/n"], 0])"}},
      {stage,
       "computo",
       {.folder = "computo", .stage = R"(["if", [">=", ["$input", "/n"], 0], ["$input"], null])"}},
      {stage, "ai", {.folder = "ai"}},
  };
}

std::vector<Row> provider_rows() {
  const auto provider = ComponentKind::kProvider;
  return {
      {provider,
       "openai",
       {.folder = "openai",
        .connection = settings("{base_url: \"http://$A\", api_key: $S, headers: {X-Key: $S}}")}},
      {provider,
       "openai",
       {.variant = "responses",
        .folder = "openai",
        .connection = settings("{base_url: \"http://$A\", api: responses, api_key: $S}")}},
      {provider,
       "anthropic",
       {.folder = "anthropic", .connection = settings("{base_url: \"http://$A\", api_key: $S}")}},
      {provider, "google", {.folder = "google", .connection = settings("{base_url: \"http://$A\", api_key: $S}")}},
      {provider, "ollama", {.folder = "ollama", .connection = settings("{base_url: \"http://$A\", api_key: $S}")}},
      {provider, "azure", {.folder = "azure", .connection = settings("{base_url: \"http://$A\", api_key: $S}")}},
      {provider,
       "bedrock",
       {.folder = "bedrock",
        .connection =
            settings("{base_url: \"http://$A\", region: us-east-1, access_key_id: AKIA, secret_access_key: "
                     "$S, session_token: $S}")}},
      {provider,
       "bedrock",
       {.variant = "token",
        .folder = "bedrock",
        .connection = settings("{base_url: \"http://$A\", region: us-east-1, bearer_token: $S}")}},
      {provider, "plugin", {.folder = "plugin", .connection = settings("{url: \"http://$A/ask\", api_key: $S}")}},
  };
}

}  // namespace

std::vector<Subject> enrolled(const Descriptor& descriptor) {
  std::vector<Subject> subjects;
  for (const auto& rows : {source_rows(), sink_rows(), stage_rows(), provider_rows()}) {
    for (const Row& row : rows) {
      if (row.kind != descriptor.kind || row.name != descriptor.name) continue;
      Subject subject = row.subject;
      subject.descriptor = &descriptor;
      subjects.push_back(std::move(subject));
    }
  }
  return subjects;
}

}  // namespace colloquium::compliance
