// MqttSink: publishes events to a broker.
//
// An event is written once the broker has acknowledged it (PUBACK, PUBCOMP; with QoS 0: once it is sent). What was
// not acknowledged when a connection is lost is published again: at least once.
//
// Threads: state is the loop's; what waits for the broker runs on the link's thread, one group of writes at a
// time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/executor.h"
#include "colloquium/sink.h"

#include "base/write_queue.h"
#include "components/mqtt/mqtt_link.h"
#include "components/mqtt/mqtt_writer.h"

namespace colloquium::metrics {
class Registration;
}

namespace colloquium::components {

struct MqttSinkConfig : MqttConnection {
  std::string topic;
  formats::SinkFormatSetting format;
  int qos = 1;
  bool retain = false;
  bool headers = true;
  std::optional<int64_t> max_in_flight;
  Duration timeout{30'000};
  ConfigMark mark;  // of the component, for messages about its topic
};

const Descriptor& mqtt_sink();

class MqttSink final : public Sink {
 public:
  MqttSink(ComponentContext context, const MqttSinkConfig& config, std::unique_ptr<MqttWriter> writer,
           Executor& executor);
  ~MqttSink() override;  // REQUIRES: closed

  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Status restore(const std::string& token) override;
  Status start() override;
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  bool has_token() const override { return false; }
  void token(TokenDone done) override;
  std::optional<Error> broken() const override { return broken_; }
  void close(Task closed) override;

 private:
  void pump();
  void written(WriteGroup group);
  void check_closed();

  ComponentContext context_;
  const std::unique_ptr<MqttWriter> writer_;  // the thread's while it has a task
  MqttLink link_;
  std::vector<metrics::Registration> registrations_;
  WriteQueue waiting_;
  std::optional<Error> broken_;
  bool writing_ = false;
  bool closing_ = false;
  bool closing_done_ = false;
  Task closed_;
};

}  // namespace colloquium::components
