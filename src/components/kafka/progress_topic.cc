#include "components/kafka/progress_topic.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "components/kafka/kafka_admin.h"
#include "components/kafka/kafka_settings.h"

namespace colloquium::components {
namespace {

using nlohmann::json;

constexpr int kRequestMs = 10'000;
constexpr int kStepMs = 200;
constexpr int64_t kGivenUpMax = 10'000'000;  // of one record: more is no record of ours
constexpr int64_t kOffsetMax = INT64_MAX / 2;

tl::unexpected<Error> unreadable(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "the progress topic has a record that is none of ours (" + std::string(what) +
                                       "); name another with `progress_topic`");
}

struct MetadataDelete {
  void operator()(const rd_kafka_metadata_t* metadata) const { rd_kafka_metadata_destroy(metadata); }
};

// False if it is not as encode_progress has it, or had it once: with an `offset`, for each event.
bool add_given_up(const json& entry, SinkProgress& progress) {
  const auto is_number = [](const json& value) { return value.is_number_integer(); };
  if (!entry.is_object() || !entry.contains("error") || !entry["error"].is_string()) return false;
  const auto error = entry["error"].get<std::string>();
  if (entry.contains("offset")) {
    if (!is_number(entry["offset"])) return false;
    progress.given_up.push_back({entry["offset"].get<int64_t>(), error});
    return true;
  }
  const auto runs = entry.find("offsets");
  if (runs == entry.end() || !runs->is_array() || runs->size() % 2 != 0) return false;
  if (!std::all_of(runs->begin(), runs->end(), is_number)) return false;
  int64_t end = 0;
  for (size_t i = 0; i < runs->size(); i += 2) {
    const auto skipped = (*runs)[i].get<int64_t>();
    const auto count = (*runs)[i + 1].get<int64_t>();
    if (skipped < 0 || skipped > kOffsetMax - end || count < 1 || count > kGivenUpMax) return false;
    if (progress.given_up.size() + static_cast<size_t>(count) > static_cast<size_t>(kGivenUpMax)) return false;
    end += skipped;
    for (int64_t k = 0; k < count; ++k) progress.given_up.push_back({end + k, error});
    end += count;
  }
  return true;
}

// Takes one message into `known` if it is of `leg`.
Status take(const rd_kafka_message_t& message, const std::string& leg, LegProgress& known) {
  const std::string_view key(static_cast<const char*>(message.key), message.key_len);
  if (!key.starts_with(leg) || message.payload == nullptr) return {};
  const std::string_view value(static_cast<const char*>(message.payload), message.len);
  if (key.size() == leg.size()) {
    TRY_ASSIGN(known.owner, decode_owner(value));
    return {};
  }
  if (key[leg.size()] != '/') return {};
  std::string partition(key.substr(leg.size() + 1));
  TRY_ASSIGN(SinkProgress progress, decode_progress(partition, value));
  SinkProgress& slot = known.partitions[partition];
  // By value, not by order: the topic may have got more partitions, and an old record stayed where it was.
  if (progress.next >= slot.next) slot = std::move(progress);
  return {};
}

}  // namespace

std::string progress_key(const std::string& leg, const std::string& partition) {
  return leg + "/" + partition;
}

// A write may give up each of its events for one reason, and all that must go into one message. Errors that quote
// what stands in their events are all different; beyond so many the others have one text.
std::string encode_progress(const SinkProgress& progress) {
  constexpr size_t kErrorTextBytes = size_t{256} << 10;
  constexpr std::string_view kOther = "it was given up; too many events were, for different reasons, to keep each";
  std::map<std::string_view, json> runs;       // by error
  std::map<std::string_view, int64_t> behind;  // the last run of each
  size_t text_bytes = 0;
  for (const auto& event : progress.given_up) {
    std::string_view error = event.error;
    if (!runs.contains(error)) {
      if (text_bytes + error.size() > kErrorTextBytes) error = kOther;
      text_bytes += error.size();
    }
    json& list = runs.try_emplace(error, json::array()).first->second;
    int64_t& end = behind[error];
    if (!list.empty() && event.offset == end) {
      list.back() = list.back().get<int64_t>() + 1;
    } else {
      list.push_back(event.offset - end);
      list.push_back(1);
    }
    end = event.offset + 1;
  }
  json given_up = json::array();
  for (auto& [error, list] : runs) given_up.push_back({{"error", error}, {"offsets", std::move(list)}});
  // Errors quote what brokers and events say.
  return json{{"next", progress.next}, {"given_up", std::move(given_up)}}.dump(-1, ' ', false,
                                                                               json::error_handler_t::replace);
}

Result<SinkProgress> decode_progress(std::string partition, std::string_view value) {
  const json parsed = json::parse(value, nullptr, false);
  SinkProgress progress{std::move(partition), 0, {}};
  const auto next = parsed.is_object() ? parsed.find("next") : parsed.end();
  if (next == parsed.end() || !next->is_number_integer()) return unreadable(progress.partition);
  progress.next = next->get<int64_t>();
  const auto given_up = parsed.find("given_up");
  if (given_up == parsed.end() || !given_up->is_array()) return unreadable(progress.partition);
  for (const json& event : *given_up) {
    if (!add_given_up(event, progress)) return unreadable(progress.partition);
  }
  std::sort(progress.given_up.begin(), progress.given_up.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return progress;
}

std::string encode_owner(const std::string& owner) {
  return json{{"owner", owner}}.dump();
}

Result<std::string> decode_owner(std::string_view value) {
  const json parsed = json::parse(value, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("owner") || !parsed["owner"].is_string()) return unreadable("owner");
  return parsed["owner"].get<std::string>();
}

ProgressTopic::ProgressTopic(std::string topic, Properties connection, std::string owner, const KafkaStop& stop)
    : topic_(std::move(topic)), connection_(std::move(connection)), owner_{std::move(owner), {}}, stop_(stop) {}

Status ProgressTopic::make(rd_kafka_t* client) const {
  char reason[512] = {};
  // One partition: who reads it all to its end has nothing from more. -1: as many replicas as the brokers'
  // default.
  const std::unique_ptr<rd_kafka_NewTopic_t, KafkaDelete<rd_kafka_NewTopic_destroy>> wanted(
      rd_kafka_NewTopic_new(topic_.c_str(), 1, -1, reason, sizeof reason));
  if (wanted == nullptr) return fail(ErrorCode::kInvalidConfig, "progress_topic: " + std::string(reason));
  rd_kafka_NewTopic_set_config(wanted.get(), "cleanup.policy", "compact");
  // What is not in a finished segment is not compacted, and all of it is read at every start.
  rd_kafka_NewTopic_set_config(wanted.get(), "segment.bytes", "16777216");
  rd_kafka_NewTopic_set_config(wanted.get(), "min.cleanable.dirty.ratio", "0.1");
  const std::string what = "cannot make the progress topic '" + topic_ + "'";
  rd_kafka_NewTopic_t* topics[] = {wanted.get()};
  TRY_ASSIGN(const KafkaEvent event,
             ask_admin(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, what, stop_,
                       [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* answers) {
                         rd_kafka_CreateTopics(client, topics, 1, options, answers);
                       }));
  size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  const auto code = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return {};
  return fail(explain(code, what));
}

Result<KafkaHandle> ProgressTopic::make_reader(const char* isolation) const {
  Properties properties = connection_;
  // It never joins: librdkafka wants a name before it lets one choose partitions.
  properties.insert(properties.end(), {{"group.id", "colloquium-progress"},
                                       {"enable.auto.commit", "false"},
                                       {"enable.partition.eof", "true"},
                                       {"auto.offset.reset", "earliest"},
                                       {"isolation.level", isolation}});
  TRY_ASSIGN(KafkaConf conf, make_conf(properties));
  TRY_ASSIGN(KafkaHandle client, make_client(KafkaRole::kConsumer, std::move(conf), owner_));
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

// As a reader of everything: to one of committed records the topic ends before the first open transaction, and
// ours may stand behind another sink's.
Result<std::map<int32_t, int64_t>> ProgressTopic::ends() const {
  TRY_ASSIGN(const KafkaHandle client, make_reader("read_uncommitted"));
  const std::string what = "cannot read the progress topic '" + topic_ + "'";
  const KafkaTopic topic(rd_kafka_topic_new(client.get(), topic_.c_str(), nullptr));
  const rd_kafka_metadata_t* raw = nullptr;
  const auto code = rd_kafka_metadata(client.get(), 0, topic.get(), &raw, kRequestMs);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(explain(code, what));
  const std::unique_ptr<const rd_kafka_metadata_t, MetadataDelete> metadata(raw);
  if (metadata->topic_cnt != 1) return fail(explain(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, what));
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(explain(found.err, what));
  std::map<int32_t, int64_t> ends;
  for (int i = 0; i < found.partition_cnt; ++i) {
    int64_t low = 0;
    int64_t high = 0;
    const int32_t partition = found.partitions[i].id;
    const auto asked =
        rd_kafka_query_watermark_offsets(client.get(), topic_.c_str(), partition, &low, &high, kRequestMs);
    if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(explain(asked, what));
    if (high > low) ends[partition] = high;
  }
  return ends;
}

Result<LegProgress> ProgressTopic::read(const std::string& leg, rd_kafka_t* client) const {
  auto found = ends();
  if (!found && found.error().code == ErrorCode::kNotFound) {
    TRY(make(client));
    return LegProgress();
  }
  TRY(found);
  return read_to(leg, std::move(*found));
}

Result<LegProgress> ProgressTopic::read_to(const std::string& leg, std::map<int32_t, int64_t> left) const {
  LegProgress known;
  if (left.empty()) return known;
  TRY_ASSIGN(const KafkaHandle client, make_reader("read_committed"));
  const KafkaPartitions all(rd_kafka_topic_partition_list_new(static_cast<int>(left.size())));
  for (const auto& [partition, end] : left) {
    rd_kafka_topic_partition_list_add(all.get(), topic_.c_str(), partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  const std::string what = "cannot read the progress topic '" + topic_ + "'";
  const auto assigned = rd_kafka_assign(client.get(), all.get());
  if (assigned != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(explain(assigned, what));
  while (!left.empty()) {
    if (stop_.stopped()) return fail(ErrorCode::kCancelled, what + ": stopped");
    const std::unique_ptr<rd_kafka_message_t, KafkaDelete<rd_kafka_message_destroy>> message(
        rd_kafka_consumer_poll(client.get(), kStepMs));
    if (message == nullptr) continue;
    const auto end = left.find(message->partition);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // Behind the last record may stand marks of transactions, which nobody is given.
      if (end != left.end() && message->offset >= end->second) left.erase(end);
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      const auto code = cause_of(message->err, rd_kafka_message_errstr(message.get()));
      if (needs_a_hand(code)) return fail(explain(code, what));
    } else {
      TRY(take(*message, leg, known));
      if (end != left.end() && message->offset + 1 >= end->second) left.erase(end);
    }
  }
  return known;
}

}  // namespace colloquium::components
