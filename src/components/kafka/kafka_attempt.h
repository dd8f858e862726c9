// What one write, or one transaction of it, has to do: KafkaWriter's own.
//
// Thread safety: the writer's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "components/kafka/kafka_writer.h"

namespace colloquium::components {

// As librdkafka wants bytes that it only reads.
inline void* bytes_of(std::string_view text) {
  return const_cast<char*>(text.data());
}

// A message that librdkafka has, or had.
struct KafkaWriter::Delivery {
  KafkaWriter* writer = nullptr;
  size_t write = 0;
  size_t event = 0;
  bool blamed = false;    // it is to blame, and will never be written
  bool suspect = false;   // sent alone from now on
  bool left_out = false;  // to blame, and known to be before the transaction began
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::unique_ptr<const Error> why = nullptr;  // where librdkafka's code does not tell
};

// Events of one write, behind each other.
struct KafkaWriter::Piece {
  size_t write = 0;
  size_t begin = 0;
  size_t end = 0;
};

// The addresses of deliveries hold while librdkafka has them.
struct KafkaWriter::Attempt {
  // Events that the format refuses are left out.
  Attempt(KafkaWriter* writer, std::vector<SinkWrite>& its_writes, const std::vector<KafkaValues>& its_values,
          std::vector<Piece> its_pieces);

  // That librdkafka refuses to take a message ends no transaction; what it had taken and could not deliver does.
  const Delivery* first_failed() const;
  bool is_record(const Delivery* delivery) const;
  std::string_view value(const Delivery& delivery) const;
  const Batch& batch_of(const Delivery& delivery) const { return *writes[delivery.write].batch; }

  std::vector<SinkWrite>& writes;
  const std::vector<KafkaValues>& values;  // by write; none: the events' own bytes
  const std::vector<Piece> pieces;
  std::vector<Delivery> deliveries;
  std::vector<Delivery> records;  // of progress
};

}  // namespace colloquium::components
