#include "components/kafka/kafka_admin.h"

#include <memory>

namespace colloquium::components {
namespace {

constexpr int kRequestMs = 10'000;
constexpr int kStepMs = 200;  // how soon a stop is noticed

using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, KafkaDelete<rd_kafka_AdminOptions_destroy>>;

}  // namespace

Result<KafkaEvent> ask_admin(
    rd_kafka_t* client, rd_kafka_admin_op_t operation, const std::string& what, const KafkaStop& stop,
    const std::function<void(const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* answers)>& send) {
  char reason[512] = {};
  const AdminOptions options(rd_kafka_AdminOptions_new(client, operation));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestMs, reason, sizeof reason);
  const KafkaQueue answers(rd_kafka_queue_new(client));
  send(options.get(), answers.get());
  KafkaEvent event;
  while (event == nullptr && !stop.stopped()) event.reset(rd_kafka_queue_poll(answers.get(), kStepMs));
  if (event == nullptr) return fail(ErrorCode::kCancelled, what + ": stopped");
  if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return fail(explain(code, what));
  }
  return event;
}

}  // namespace colloquium::components
