// The topic in which transactional sinks keep how far their legs have come: compacted, a record per leg and
// partition, and one that says which process wrote last for a leg.
//
//   key                       value
//   <leg>/<partition>         {"next": 1234, "given_up": [{"error": "…", "offsets": [1200, 3, 17, 1]}]}
//   <leg>                     {"owner": "<random, one per process and sink>"}
//
// `offsets` are runs, each as how many offsets are skipped since the one before and how many it has: here 1200,
// 1201, 1202 and 1220.
//
// Records are written in the transactions of the events they speak of, and read as read_committed readers do.
// Thread safety: pure functions; ProgressTopic belongs to one thread and may wait for brokers: never the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/sink.h"

#include "components/kafka/kafka_handle.h"

namespace colloquium::components {

std::string progress_key(const std::string& leg, const std::string& partition);
std::string encode_progress(const SinkProgress& progress);
Result<SinkProgress> decode_progress(std::string partition, std::string_view value);
std::string encode_owner(const std::string& owner);
Result<std::string> decode_owner(std::string_view value);

// What the topic knows of one leg.
struct LegProgress {
  std::map<std::string, SinkProgress> partitions;
  std::string owner;  // empty: nobody yet
};

class ProgressTopic {
 public:
  using Properties = std::vector<std::pair<std::string, std::string>>;

  // `connection`: librdkafka's settings to reach the brokers. `stop` ends every wait.
  ProgressTopic(std::string topic, Properties connection, std::string owner, const KafkaStop& stop);

  // Reads it to its end: to what was its end when asked, whatever transactions are open before that. If there is
  // no such topic, `client` makes it.
  Result<LegProgress> read(const std::string& leg, rd_kafka_t* client) const;

 private:
  Status make(rd_kafka_t* client) const;
  Result<LegProgress> read_to(const std::string& leg, std::map<int32_t, int64_t> left) const;
  Result<std::map<int32_t, int64_t>> ends() const;
  Result<KafkaHandle> make_reader(const char* isolation) const;

  const std::string topic_;
  const Properties connection_;
  const KafkaOwner owner_;
  const KafkaStop& stop_;
};

}  // namespace colloquium::components
