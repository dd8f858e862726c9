// What a topic's settings say of what it takes.
//
// Thread safety: any thread that may wait for the brokers; never the loop's.
#pragma once

#include <string>

#include "colloquium/result.h"

#include "components/kafka/kafka_handle.h"

namespace colloquium::components {

// Whether the topic keeps the last event of each key (its cleanup.policy has `compact`), and so takes none
// without. A user without the right to describe the topic's settings cannot know.
Result<bool> is_compacted(rd_kafka_t* client, const std::string& topic, const KafkaStop& stop);

}  // namespace colloquium::components
