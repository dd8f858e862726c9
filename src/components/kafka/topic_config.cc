#include "components/kafka/topic_config.h"

#include <memory>
#include <string_view>

#include "components/kafka/kafka_admin.h"

namespace colloquium::components {
namespace {

using ConfigResource = std::unique_ptr<rd_kafka_ConfigResource_t, KafkaDelete<rd_kafka_ConfigResource_destroy>>;

}  // namespace

Result<bool> is_compacted(rd_kafka_t* client, const std::string& topic, const KafkaStop& stop) {
  const std::string what = "cannot read the settings of topic '" + topic + "'";
  const ConfigResource wanted(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  if (wanted == nullptr) return fail(explain(RD_KAFKA_RESP_ERR__INVALID_ARG, what));
  rd_kafka_ConfigResource_t* asked[] = {wanted.get()};
  TRY_ASSIGN(const KafkaEvent event,
             ask_admin(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, what, stop,
                       [&](const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* answers) {
                         rd_kafka_DescribeConfigs(client, asked, 1, options, answers);
                       }));
  size_t count = 0;
  const auto* found =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  const auto code = count == 1 ? rd_kafka_ConfigResource_error(found[0]) : RD_KAFKA_RESP_ERR__FAIL;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(explain(code, what));
  const auto* entries = rd_kafka_ConfigResource_configs(found[0], &count);
  for (size_t i = 0; i < count; ++i) {
    if (std::string_view(rd_kafka_ConfigEntry_name(entries[i])) != "cleanup.policy") continue;
    const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
    return value != nullptr && std::string_view(value).find("compact") != std::string_view::npos;
  }
  return false;
}

}  // namespace colloquium::components
