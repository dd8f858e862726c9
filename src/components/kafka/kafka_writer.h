// KafkaWriter: writes batches to a topic, and waits for the brokers while it does.
//
// Plain: what the brokers acknowledged is written. With transactions: all that is given at once becomes one
// transaction together with the leg's progress, and is wholly written or not at all; of what has more than
// kTransactionEvents each so many are one, and those behind one that failed wait. When a commit ends so that
// nobody can know, the producer is made anew (which finishes or aborts what was open), the progress is read again,
// and what it says is the answer.
//
// An event that the brokers refuse with a whole batch of others is sent once more alone before it is blamed:
// brokers judge batches, and which of them was too large only shows so.
//
// Thread safety: one thread, never the loop's; the stop may come on any.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/clock.h"
#include "colloquium/sink.h"

#include "base/counters.h"
#include "base/write_queue.h"
#include "components/kafka/kafka_handle.h"
#include "components/kafka/kafka_statistics.h"
#include "components/kafka/kafka_values.h"
#include "components/kafka/progress_topic.h"
#include "formats/message_format.h"
#include "formats/text_template.h"

namespace colloquium::components {

struct KafkaWriterConfig {
  std::vector<std::pair<std::string, std::string>> connection;  // librdkafka's settings to reach the brokers
  std::vector<std::pair<std::string, std::string>> producer;    // and those of the producer
  std::string owner;                                            // names the sink in messages
  std::string topic;
  bool transactions = false;
  std::string transactional_id;  // empty: made of the leg's name
  std::string progress_topic;
  size_t max_message = 1'000'000;                        // bytes of key, value and headers
  std::shared_ptr<formats::TextTemplate::Renderer> key;  // null: an event's own
};

// What the engine has said since the last write, by partition: it matters to the next one.
struct KafkaProgressNotes {
  std::map<std::string, std::map<int64_t, std::string>> given_up;
  std::map<std::string, int64_t> settled;

  void add_given_up(const std::string& partition, int64_t offset, const std::string& error);
  // What was given up below needs no note any more.
  void add_settled(const std::string& partition, int64_t offset);
};

// Read on other threads.
struct KafkaWriterCounters {
  ErrorCounters errors;
  Counter transactions;
  Counter aborted;
  KafkaStatistics statistics;
  Counter producers;  // made: one is ordinary, more mean errors that nobody could judge
};

class KafkaWriter {
 public:
  // Of one transaction: what an error in it makes us send again, and how long it may take.
  static constexpr size_t kTransactionEvents = 5000;

  KafkaWriter(KafkaWriterConfig config, formats::MessageText format, std::string instance, const KafkaStop& stop,
              KafkaWriterCounters& counters);
  ~KafkaWriter();

  // With transactions, before the first write: takes the leg over and tells what is known of it.
  Result<std::vector<SinkProgress>> recover(const std::string& leg, const std::vector<std::string>& partitions);
  void take(KafkaProgressNotes notes);

  // Now and then while there is nothing to write: what librdkafka has to tell would pile up.
  void serve();

  // Sets the outcomes of all `writes`.
  void write(std::vector<SinkWrite>& writes);

  // Nothing will ever be written again.
  const std::optional<Error>& broken() const { return broken_; }

 private:
  struct Delivery;
  struct Piece;
  struct Attempt;
  enum class Ended { kCommitted, kNotCommitted, kAgain, kUncertain };
  using Progress = std::map<std::string, SinkProgress>;  // by partition

  static void delivered(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque);

  // A producer that may write; one attempt of limited time.
  Status ready();
  Status make_producer();
  Status init_transactions();
  void drop_producer();
  // Who it was that fenced us: somebody else, or a coordinator that had lost patience.
  Status find_out_who_fenced();
  Status claim();

  // Which events of `writes` make an attempt each.
  static std::vector<std::vector<Piece>> cut(const std::vector<SinkWrite>& writes, size_t events_max);
  static void leave_out(Delivery& delivery, rd_kafka_resp_err_t code, std::optional<Error> why = std::nullopt);
  void leave_out_keyless(Attempt& attempt);
  void note_refusals(const Attempt& attempt);
  void send_all(Attempt& attempt);
  void send(const Attempt& attempt, Delivery& delivery);
  void send_alone(const Attempt& attempt, Delivery& delivery);
  void flush();
  Error send_record(const std::string& key, const std::string& value, Delivery& delivery);

  // Why all of the attempt has to wait; nothing if each event has its outcome.
  std::optional<Error> write_plain(Attempt& attempt);
  std::optional<Error> write_in_transaction(Attempt& attempt);
  Ended attempt_transaction(Attempt& attempt, Error& error);
  Ended commit(Attempt& attempt, Error& error);
  Ended give_in(Attempt& attempt, Error& error);
  void remember(const Attempt& attempt);
  Progress progress_after(const Attempt& attempt) const;
  // Waits for the brokers as long as it takes. Nothing: it was stopped before anybody knew.
  std::optional<bool> is_committed(const Progress& progress);
  void judge(Attempt& attempt);
  Error error_of(const Delivery& delivery) const;
  static void put_off(Attempt& attempt, const Error& error);

  // Repeats a transactional call while librdkafka says that it may still end well.
  KafkaError call(const std::function<rd_kafka_error_t*(int timeout_ms)>& function, int limit_ms);
  Error explained(const char* what, const KafkaError& error);
  void pause();
  void note(const Error& error);

  const KafkaWriterConfig config_;
  formats::MessageText format_;  // of values
  const KafkaOwner owner_;
  const std::string instance_;
  const KafkaStop& stop_;
  KafkaWriterCounters& counters_;
  const ProgressTopic progress_topic_;
  KafkaHandle producer_;
  KafkaTopic topic_;  // the producer's, and gone before it
  bool initialised_ = false;  // this producer may begin transactions
  bool keyless_refused_ = false;  // the brokers refused an event without key, and the topic may be compacted
  bool told_of_config_ = false;   // that nobody can tell whether it is
  bool fenced_ = false;       // the last producer was; who by is not known yet
  std::string leg_;
  LegProgress known_;                                               // as read when the last producer began
  std::map<std::string, std::map<int64_t, std::string>> given_up_;  // by partition, not settled
  std::optional<Error> broken_;
  size_t under_way_ = 0;                                         // messages librdkafka has
  rd_kafka_resp_err_t last_error_ = RD_KAFKA_RESP_ERR_NO_ERROR;  // of the connection, and what was said of it
  std::string last_reason_;
};

}  // namespace colloquium::components
