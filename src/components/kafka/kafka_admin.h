// Requests to the brokers' administration: what a topic is, and that there be one.
//
// Thread safety: any thread that may wait for the brokers; never the loop's.
#pragma once

#include <functional>
#include <string>

#include "components/kafka/kafka_handle.h"

namespace colloquium::components {

// Has `send` send a request of this kind with these options, and waits for the answer, which comes to the queue; a
// stop ends that. An error of the request as a whole is the result's, and begins with `what`; what the answer says
// of each thing that was asked for is the caller's to look at.
Result<KafkaEvent> ask_admin(
    rd_kafka_t* client, rd_kafka_admin_op_t operation, const std::string& what, const KafkaStop& stop,
    const std::function<void(const rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* answers)>& send);

}  // namespace colloquium::components
