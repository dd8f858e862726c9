// The settings of the kafka source, and what the rest of Colloquium knows about it.
#include <charconv>
#include <chrono>

#include "base/assert.h"
#include "components/kafka/kafka_source.h"
#include "components/kafka/kafka_statistics.h"
#include "computo/library/well_formed.h"
#include "config/problems.h"
#include "formats/message_format.h"

namespace colloquium {

template <>
struct ConfigEnum<components::KafkaIsolation> {
  static constexpr std::pair<std::string_view, components::KafkaIsolation> values[] = {
      {"read_committed", components::KafkaIsolation::kReadCommitted},
      {"read_uncommitted", components::KafkaIsolation::kReadUncommitted}};
};

namespace components {
namespace {

// REQUIRES: an RFC 3339 date and time.
int64_t to_epoch_ms(std::string_view text) {
  const auto number = [&](size_t at, size_t digits) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  int64_t ms = ((days * 24 + number(11, 2)) * 60 + number(14, 2)) * 60'000 + number(17, 2) * int64_t{1000};
  size_t at = 19;
  if (text[at] == '.') {
    const size_t end = text.find_first_not_of("0123456789", at + 1);
    const std::string digits = (std::string(text.substr(at + 1, end - at - 1)) + "000").substr(0, 3);
    ms += (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    at = end;
  }
  if (text[at] == 'Z' || text[at] == 'z') return ms;
  const int64_t zone_ms = (number(at + 1, 2) * 60 + number(at + 4, 2)) * int64_t{60'000};
  return text[at] == '+' ? ms - zone_ms : ms + zone_ms;
}

void check_config(const KafkaSourceConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  check_connection(config, node, problems);
  if (!config.start.empty() && !parse_start(config.start)) {
    config::refuse(node, "start", "start is earliest, latest, or a time such as 2026-03-01T00:00:00Z", problems);
  }
  for (const std::string& topic : config.topics) {
    if (topic.empty()) config::refuse(node, "topics", "a topic has a name", problems);
  }
  formats::check_message_format(config.format, node, problems);
}

ConfigSpec<KafkaSourceConfig> spec() {
  ConfigSpec<KafkaSourceConfig> spec;
  spec.field("brokers", common<KafkaSourceConfig>(&KafkaConnection::brokers),
             {.description = "Where to begin: HOST:PORT of some brokers of the cluster.",
              .example = "[\"kafka-1:9092\", \"kafka-2:9092\"]",
              .required = true,
              .minimum = 1});
  spec.field("topics", &KafkaSourceConfig::topics,
             {.description = "What to read. A name that begins with `^` is a regular expression.",
              .example = "[orders]",
              .required = true,
              .minimum = 1});
  spec.field("group", &KafkaSourceConfig::group,
             {.description = "The consumer group. Instances with one group share the partitions.",
              .required = true,
              .minimum = 1});
  spec.field("instance_id", &KafkaSourceConfig::instance_id,
             {.description = "A name of this instance in the group, unlike that of any other (Kafka's static "
                             "membership): one that comes back after a crash has its partitions at once. Without, "
                             "the group waits until the session of the one before has run out.",
              .example = "worker-1"});
  spec.field(
      "start", &KafkaSourceConfig::start,
      {.description = "Where to begin in a partition of which neither the data directory nor the group knows "
                      "anything, or whose next events are gone: `earliest`, `latest`, or a time (RFC 3339)."});
  spec.field(
      "isolation", &KafkaSourceConfig::isolation,
      {.description = "`read_uncommitted` also reads what transactions wrote that are open or were aborted.",
       .advanced = true});
  spec.field("format", &KafkaSourceConfig::format,
             {.description = "What values are, one event each; without, JSON. `raw` takes any bytes."});
  spec.field("commit_interval", &KafkaSourceConfig::commit_interval,
             {.description = "How often the group is told how far everything is accepted.",
              .advanced = true,
              .minimum = 100,
              .maximum = 3'600'000});
  spec.field("max_event", &KafkaSourceConfig::max_event,
             {.description = "Longest event; a longer one goes to the dead letters.",
              .advanced = true,
              .minimum = 1,
              .maximum = 64 << 20});
  return with_connection(std::move(spec));
}

void describe_words(Descriptor& d) {
  d.summary = "Reads topics of Kafka as a member of a consumer group.";
  d.description =
      "Key, headers and timestamp of a record are the event's; a record without value is a tombstone. A value is "
      "one "
      "event, JSON or what `format` says; what is none goes to the dead letters. Partitions are shared with the "
      "other "
      "members of the group by cooperative rebalancing. Where reading goes on is kept in the data directory with "
      "the "
      "events, and that wins over the offsets of the group, which are committed once events are accepted. With "
      "`--from-start` each partition is read from its first record whatever they and `start` say, once: the next "
      "run goes "
      "on behind that. While the pipeline takes nothing more, the partitions are paused.";
  d.input_trust =
      "Any bytes may come in: a value that is not what `format` says, or is longer than max_event, goes to the "
      "dead "
      "letters.";
  d.guarantee =
      "Exactly once within one data directory: position and events are stored together. When a partition moves "
      "between instances that share a group, at least once, unless the source has `dedupe`.";
  d.examples = {
      {"Read a topic", "kafka: {brokers: [\"localhost:9092\"], topics: [orders], group: colloquium}"},
      {"With login and TLS, from now on",
       "kafka: {brokers: [\"kafka-1:9093\"], topics: [\"^orders-.*\"], group: orders, start: latest, sasl: "
       "{username: reader, password: secret}, tls: {ca: ca.pem}}"},
      {"Values that are no JSON",
       "kafka: {brokers: [\"localhost:9092\"], topics: [access-log], group: colloquium, format: logfmt}"}};
}

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  TRY_ASSIGN(Executor* const executor, required_service<Executor>(context, "a kafka source", "executor"));
  return std::make_unique<KafkaSource>(std::move(context), config_of<KafkaSourceConfig>(parsed), *executor);
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "kafka";
  describe_words(d);
  bind_spec(d, spec(), check_config);
  d.create_source = create;
  d.claims = [](const ParsedConfig& parsed, const std::string&) -> std::vector<Claim> {
    const auto& config = config_of<KafkaSourceConfig>(parsed);
    if (config.instance_id.empty()) return {};
    return {{.what = "the instance_id '" + config.instance_id + "' of the group '" + config.group + "' at " +
                     brokers_text(config),
             .field = "instance_id",
             .advice =
                 "give every kafka source of a group an instance_id of its own, as the brokers turn the one away "
                 "that came first"}};
  };
  d.source_traits = [](const ParsedConfig& parsed) {
    return SourceTraits{.rereadable = true,
                        .finite = false,
                        .max_event_bytes = config_of<KafkaSourceConfig>(parsed).max_event.bytes,
                        .repeats = "when a partition moves to or from another instance of its group (set dedupe)"};
  };
  return d;
}

// How much is fetched ahead, in all partitions. Where the door is slower than the brokers this is full, and
// librdkafka looks for room again after a second, which before 2.2 no setting makes shorter: what is there has to
// last that long, or the pipeline runs dry.
std::vector<std::pair<std::string, std::string>> ahead_properties() {
  constexpr int kWithBackoffSetting = 0x020200ff;
  if (rd_kafka_version() < kWithBackoffSetting)
    return {{"queued.max.messages.kbytes", "65536"}, {"queued.min.messages", "1000000"}};
  return {{"queued.max.messages.kbytes", "16384"}, {"fetch.queue.backoff.ms", "20"}};
}

}  // namespace

GroupConsumerConfig consumer_config(const KafkaSourceConfig& config, const std::string& base_dir) {
  const auto start = parse_start(config.start);
  ASSERT_WHY(start, "checked with the settings");
  GroupConsumerConfig made{.topics = config.topics, .start = start->first, .start_time_ms = start->second};
  const bool committed = config.isolation == KafkaIsolation::kReadCommitted;
  // First what `properties` may set otherwise. Fetched and not yet taken is bounded by the source, not by
  // partition.
  // A request that nobody answers keeps the client from going away: without this for a minute.
  made.properties = {{"socket.timeout.ms", "10000"}};
  for (auto& property : ahead_properties()) made.properties.push_back(std::move(property));
  for (auto& property : connection_properties(config, base_dir)) made.properties.push_back(std::move(property));
  made.properties.insert(made.properties.end(),
                         {{"group.id", config.group},
                          {"partition.assignment.strategy", "cooperative-sticky"},
                          {"enable.auto.commit", "false"},
                          {"statistics.interval.ms", kKafkaStatisticsMs},
                          {"enable.auto.offset.store", "false"},
                          {"auto.offset.reset", "error"},
                          {"isolation.level", committed ? "read_committed" : "read_uncommitted"}});
  if (!config.instance_id.empty()) made.properties.emplace_back("group.instance.id", config.instance_id);
  return made;
}

std::optional<std::pair<KafkaStart, int64_t>> parse_start(const std::string& text) {
  if (text == "earliest") return std::pair(KafkaStart::kEarliest, int64_t{0});
  if (text == "latest") return std::pair(KafkaStart::kLatest, int64_t{0});
  if (!computo::ops::is_rfc3339_date_time(text)) return std::nullopt;
  return std::pair(KafkaStart::kTime, to_epoch_ms(text));
}

const Descriptor& kafka_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
