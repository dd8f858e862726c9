// The settings of the kafka sink, and what the rest of Colloquium knows about it.
#include "components/kafka/kafka_sink.h"
#include "config/problems.h"

namespace colloquium {

template <>
struct ConfigEnum<components::KafkaPartitioner> {
  static constexpr std::pair<std::string_view, components::KafkaPartitioner> values[] = {
      {"murmur2", components::KafkaPartitioner::kMurmur2},
      {"consistent", components::KafkaPartitioner::kConsistent},
      {"fnv1a", components::KafkaPartitioner::kFnv1a},
      {"random", components::KafkaPartitioner::kRandom}};
};

template <>
struct ConfigEnum<components::KafkaCompression> {
  static constexpr std::pair<std::string_view, components::KafkaCompression> values[] = {
      {"none", components::KafkaCompression::kNone},
      {"gzip", components::KafkaCompression::kGzip},
      {"snappy", components::KafkaCompression::kSnappy},
      {"lz4", components::KafkaCompression::kLz4},
      {"zstd", components::KafkaCompression::kZstd}};
};

template <>
struct ConfigEnum<components::KafkaAcks> {
  static constexpr std::pair<std::string_view, components::KafkaAcks> values[] = {
      {"all", components::KafkaAcks::kAll},
      {"leader", components::KafkaAcks::kOne},
      {"none", components::KafkaAcks::kNone}};
};

namespace components {
namespace {

constexpr int64_t kProgressBytes = 1'000'000;  // what brokers take unless told otherwise

template <class E>
std::string name_of(E wanted) {
  for (const auto& [name, value] : ConfigEnum<E>::values) {
    if (value == wanted) return std::string(name);
  }
  return {};
}

std::string acks_of(KafkaAcks acks) {
  return acks == KafkaAcks::kAll ? "all" : acks == KafkaAcks::kOne ? "1" : "0";
}

// As librdkafka calls them: those that give events without key any partition, one for a while.
std::string partitioner_of(KafkaPartitioner partitioner) {
  if (partitioner == KafkaPartitioner::kRandom) return "random";
  return name_of(partitioner) + "_random";
}

void check_config(KafkaSinkConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  config.mark = node.mark;
  check_connection(config, node, problems);
  if (config.key) {
    const auto key = formats::TextTemplate::parse(*config.key, "key", config.mark);
    if (!key) config::refuse(node, "key", key.error().message, problems);
  }
  if (config.transactions && !config.idempotent) {
    config::refuse(node, "idempotent", "transactions are idempotent: leave idempotent: false out", problems);
  }
  if (config.idempotent && config.acks != KafkaAcks::kAll) {
    config::refuse(node, "acks", "an idempotent producer waits for all: leave acks out, or set idempotent: false",
                   problems);
  }
  if (!config.transactions && !config.transactional_id.empty()) {
    config::refuse(node, "transactional_id", "transactional_id is for transactions: true", problems);
  }
  if (config.transactions && config.topic == config.progress_topic) {
    config::refuse(node, "progress_topic", "progress_topic is a topic of its own, not where the events go",
                   problems);
  }
}

void add_transaction_fields(ConfigSpec<KafkaSinkConfig>& spec) {
  spec.field(
      "transactions", &KafkaSinkConfig::transactions,
      {.description = "Writes events and how far the pipeline has come in one transaction: exactly once for "
                      "readers with isolation.level=read_committed. One process at a time may write so."});
  spec.field(
      "transactional_id", &KafkaSinkConfig::transactional_id,
      {.description = "The producer's transactional.id; without, colloquium-PIPELINE/SINK.", .advanced = true});
  spec.field(
      "progress_topic", &KafkaSinkConfig::progress_topic,
      {.description = "Where transactions keep how far the pipeline has come. Made, compacted, if it is not "
                      "there.",
       .advanced = true});
  spec.field("transaction_timeout", &KafkaSinkConfig::transaction_timeout,
             {.description = "How long the brokers keep a transaction open that nobody ends.",
              .advanced = true,
              .minimum = 1'000,
              .maximum = 900'000});
}

ConfigSpec<KafkaSinkConfig> spec() {
  ConfigSpec<KafkaSinkConfig> spec;
  spec.field("brokers", common<KafkaSinkConfig>(&KafkaConnection::brokers),
             {.description = "Where to begin: HOST:PORT of some brokers of the cluster.",
              .example = "[\"kafka-1:9092\", \"kafka-2:9092\"]",
              .required = true,
              .minimum = 1});
  spec.field("topic", &KafkaSinkConfig::topic,
             {.description = "Where events go.", .required = true, .minimum = 1});
  spec.field("format", &KafkaSinkConfig::format, {.description = "What values are; without, the event's JSON."});
  spec.field(
      "key", &KafkaSinkConfig::key,
      {.description = "The records' keys, instead of the events' own. It may have fields, Computo in sugar over "
                      "the event: `{$input/customer}`; an event for which one gives no text is a dead letter. "
                      "`{{` and `}}` stand for the braces.",
       .example = "\"{$input/customer}\""});
  spec.field("partitioner", &KafkaSinkConfig::partitioner,
             {.description =
                  "How an event's key chooses its partition. `murmur2` is what Java clients do, "
                  "`consistent` what librdkafka does by itself. Events without key go to any partition, all of "
                  "some milliseconds to one (librdkafka's `sticky.partitioning.linger.ms`)."});
  spec.field("compression", &KafkaSinkConfig::compression, {.description = "Of what is sent and stored."});
  spec.field("acks", &KafkaSinkConfig::acks,
             {.description = "Who has to have an event: `all` replicas in sync, the `leader`, or `none`."});
  spec.field("idempotent", &KafkaSinkConfig::idempotent,
             {.description = "Whether the brokers drop what a lost answer makes the producer send twice.",
              .advanced = true});
  add_transaction_fields(spec);
  spec.field(
      "timeout", &KafkaSinkConfig::timeout,
      {.description = "How long an event may take to be acknowledged before it counts as not written, and is "
                      "written again.",
       .advanced = true,
       .minimum = 1'000,
       .maximum = 900'000});
  spec.field("linger", &KafkaSinkConfig::linger,
             {.description = "How long events wait for others to travel with.",
              .advanced = true,
              .minimum = 0,
              .maximum = 10'000});
  spec.field("max_message", &KafkaSinkConfig::max_message,
             {.description = "Longest message and batch; a longer event is a dead letter. Not above the topic's "
                             "max.message.bytes.",
              .advanced = true,
              .minimum = 1'000,
              .maximum = 100'000'000});
  return with_connection(std::move(spec));
}

void describe_words(Descriptor& d) {
  d.summary = "Writes events to a topic of Kafka, on request exactly once by transactions.";
  d.description =
      "The record's value is the event's JSON as it is, or what `format` makes of it; key, headers and timestamp "
      "are the event's, or the key what `key` makes of it; a tombstone is a record without value. What brokers "
      "cannot take now is written again for as long as it takes; an event they refuse "
      "for its size or form is a dead letter.\n\nWith `transactions: true` the events that wait and the "
      "pipeline's "
      "progress are written in one transaction. After a crash the progress is read from Kafka, so nothing is "
      "written twice for `read_committed` readers. A second process with the same pipeline and sink name takes "
      "over, "
      "and the first one ends.";
  d.input_trust = "Brokers are trusted as far as `tls` and `sasl` make sure who they are.";
  d.guarantee =
      "At least once; with `transactions: true` exactly once for readers with isolation.level=read_committed.";
  d.delivery = Guarantee::kAtLeastOnce;
  d.examples = {
      {"Write to a topic", "kafka: {brokers: [\"localhost:9092\"], topic: orders}"},
      {"Exactly once", "kafka: {brokers: [\"localhost:9092\"], topic: orders, transactions: true}"},
      {"Values that are no JSON",
       "kafka: {brokers: [\"localhost:9092\"], topic: lines, format: {csv: {columns: [id, name], header: "
       "false}}}"},
      {"With keys of the events' customers",
       "kafka: {brokers: [\"localhost:9092\"], topic: orders, key: \"{$input/customer}\"}"}};
}

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  TRY_ASSIGN(Executor* const executor, required_service<Executor>(context, "a kafka sink", "executor"));
  const auto& config = config_of<KafkaSinkConfig>(parsed);
  TRY_ASSIGN(auto format, formats::MessageText::create(*config.format.format, context.script_variables));
  std::shared_ptr<formats::TextTemplate::Renderer> key;
  if (config.key) {
    TRY_ASSIGN(const auto text, formats::TextTemplate::parse(*config.key, "key", config.mark));
    TRY_ASSIGN(key, formats::TextTemplate::Renderer::create(text, context.script_variables, nullptr));
  }
  return std::make_unique<KafkaSink>(std::move(context), config, std::move(format), std::move(key), *executor);
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "kafka";
  describe_words(d);
  bind_spec(d, spec(), check_config);
  d.delivery_of = [](const ParsedConfig& parsed) {
    const bool transactions = config_of<KafkaSinkConfig>(parsed).transactions;
    return transactions ? Guarantee::kExactlyOnce : Guarantee::kAtLeastOnce;
  };
  d.create_sink = create;
  d.claims = [](const ParsedConfig& parsed, const std::string&) -> std::vector<Claim> {
    const auto& config = config_of<KafkaSinkConfig>(parsed);
    if (config.transactional_id.empty()) return {};
    return {{.what = "the transactional_id '" + config.transactional_id + "' at " + brokers_text(config),
             .field = "transactional_id",
             .advice =
                 "give every kafka sink a transactional_id of its own, as the brokers turn the one away that came "
                 "first"}};
  };
  d.check_scripts = [](const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
    const auto& config = config_of<KafkaSinkConfig>(parsed);
    config.format.format->check(names, problems);
    if (!config.key) return;
    if (const auto key = formats::TextTemplate::parse(*config.key, "key", config.mark))
      key->check(names, problems);
  };
  d.repeats = [](const ParsedConfig& parsed, const std::string&) {
    return "writes each event to topic '" + config_of<KafkaSinkConfig>(parsed).topic + "' again";
  };
  return d;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> producer_properties(const KafkaSinkConfig& config) {
  const std::string size = std::to_string(config.max_message.bytes);
  // Records of progress may be longer than events, which the writer measures itself.
  const int64_t longest =
      config.transactions ? std::max(config.max_message.bytes, kProgressBytes) : config.max_message.bytes;
  // A message that outlives its transaction would be of no use.
  const int64_t timeout_ms =
      config.transactions ? std::min(config.timeout.ms, config.transaction_timeout.ms) : config.timeout.ms;
  std::vector<std::pair<std::string, std::string>> made = {
      {"partitioner", partitioner_of(config.partitioner)},
      {"compression.codec", name_of(config.compression)},
      {"acks", acks_of(config.acks)},
      {"enable.idempotence", config.idempotent ? "true" : "false"},
      {"message.timeout.ms", std::to_string(timeout_ms)},
      {"linger.ms", std::to_string(config.linger.ms)},
      {"message.max.bytes", std::to_string(longest)},
      {"batch.size", size},
      // What of a write does not fit waits outside.
      {"queue.buffering.max.kbytes", "65536"},
  };
  if (config.transactions) {
    made.emplace_back("transaction.timeout.ms", std::to_string(config.transaction_timeout.ms));
  }
  return made;
}

const Descriptor& kafka_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
