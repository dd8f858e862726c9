#include "components/kafka/kafka_handle.h"

#include <syslog.h>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::components {
namespace {

// On librdkafka's threads.
void log_line(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  const auto* owner = static_cast<const KafkaOwner*>(rd_kafka_opaque(client));
  const std::string line = std::string(facility) + ": " + text;
  const LogFields fields = {{"of", owner == nullptr ? std::string_view() : std::string_view(owner->name)}};
  if (level <= LOG_ERR) {
    log_warning("librdkafka", line, fields);
  } else if (level <= LOG_WARNING) {
    log_info("librdkafka", line, fields);
  } else {
    log_debug("librdkafka", line, fields);
  }
}

void tell_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
  const auto* owner = static_cast<const KafkaOwner*>(opaque);
  if (owner->on_error) owner->on_error(cause_of(static_cast<rd_kafka_resp_err_t>(code), reason), reason);
}

int tell_statistics(rd_kafka_t*, char* json, size_t size, void* opaque) {
  static_cast<const KafkaOwner*>(opaque)->on_statistics({json, size});
  return 0;  // librdkafka frees it
}

std::string_view advice(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return "check mechanism, username and password of `sasl`";
    case RD_KAFKA_RESP_ERR__SSL:
      return "check `tls`: which certificates are trusted, and whether this port speaks TLS";
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return "create the topic, or correct its name in the pipeline";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "give the user the right to it on the brokers, or log in as another with `sasl`";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return "give the user the right to read as this `group`, or name another";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return "give the user the right to write as this `transactional_id`, or name another";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return "the user lacks a right on the cluster (idempotent writes need one on old brokers)";
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
      return "check `brokers` and whether they are up";
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return "raise `max_message` and the topic's max.message.bytes";
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
      return "a compacted topic takes no event without key; give it one with `key`";
    default:
      return {};
  }
}

ErrorCode code_of(rd_kafka_resp_err_t code) {
  if (blames_the_message(code)) return ErrorCode::kInvalidInput;
  if (is_fenced(code)) return ErrorCode::kConflict;
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return ErrorCode::kPermission;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return ErrorCode::kNotFound;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return ErrorCode::kTimeout;
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__DESTROY:
      return ErrorCode::kCancelled;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Result<KafkaHandle> make_client(KafkaRole role, KafkaConf conf, const KafkaOwner& owner) {
  ASSERT(conf != nullptr);
  rd_kafka_conf_set_opaque(conf.get(), const_cast<KafkaOwner*>(&owner));
  rd_kafka_conf_set_log_cb(conf.get(), log_line);
  if (owner.on_error) rd_kafka_conf_set_error_cb(conf.get(), tell_error);
  if (owner.on_statistics) rd_kafka_conf_set_stats_cb(conf.get(), tell_statistics);
  char reason[512] = {};
  const auto type = role == KafkaRole::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
  rd_kafka_t* const made = rd_kafka_new(type, conf.get(), reason, sizeof reason);
  if (made == nullptr) {
    return fail(ErrorCode::kInvalidConfig, std::string("cannot make a Kafka client: ") + reason, owner.name);
  }
  (void)conf.release();  // the client's now
  return KafkaHandle(made);
}

rd_kafka_resp_err_t cause_of(rd_kafka_resp_err_t code, std::string_view detail) {
  if (code != RD_KAFKA_RESP_ERR__AUTHENTICATION) return code;
  // What a broker itself says of a login begins with "Broker:" or is its own text.
  for (const auto lost : {RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__TIMED_OUT}) {
    if (detail.find(rd_kafka_err2str(lost)) != detail.npos) return lost;
  }
  return code;
}

Error explain(rd_kafka_resp_err_t code, std::string_view what, std::string_view detail) {
  std::string message(what);
  message += ": ";
  message += detail.empty() ? std::string_view(rd_kafka_err2str(code)) : detail;
  if (const std::string_view hint = advice(code); !hint.empty()) {
    message += "; ";
    message += hint;
  }
  return {code_of(code), std::move(message), !blames_the_message(code), {}};
}

bool needs_a_hand(rd_kafka_resp_err_t code) {
  return code_of(code) == ErrorCode::kPermission || code == RD_KAFKA_RESP_ERR__SSL;
}

bool is_fenced(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

bool blames_the_message(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
         code == RD_KAFKA_RESP_ERR_INVALID_MSG || code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
         code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
}

}  // namespace colloquium::components
