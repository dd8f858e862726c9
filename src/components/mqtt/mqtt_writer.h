// MqttWriter: publishes batches and says what became of each event.
//
// At most max_in_flight messages are under way at a time. What the broker never acknowledged is to be written
// again through another connection: whether it was published nobody knows.
//
// Thread safety: one thread at a time, never the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/sink.h"

#include "base/write_queue.h"
#include "components/mqtt/paho.h"
#include "formats/message_format.h"
#include "formats/text_template.h"

namespace colloquium::components {

struct MqttWriterConfig {
  formats::TextTemplate topic;
  formats::SinkFormatSetting format;
  int qos = 1;
  bool retain = false;
  bool headers = false;  // go along as user properties
  size_t max_in_flight = 1000;
};

// As much of Paho as a writer needs.
using MqttPublish = std::function<std::vector<PahoPublished>(std::span<const MqttMessage>)>;

class MqttWriter {
 public:
  // `variables`: as ComponentContext::script_variables; may be null.
  static Result<std::unique_ptr<MqttWriter>> create(MqttWriterConfig config,
                                                    const formats::EventText::Variables& variables);

  // Sets the outcomes of all `writes`; never more than `receive_maximum` messages are under way either. False:
  // something is unknown, so the connection is of no more use.
  bool write(std::vector<SinkWrite>& writes, size_t receive_maximum, const MqttPublish& publish);

  // The same without a connection.
  static void put_off(std::vector<SinkWrite>& writes, const Error& error);

 private:
  using Place = std::pair<size_t, size_t>;  // write, event

  explicit MqttWriter(MqttWriterConfig config) : config_(std::move(config)) {}
  Result<std::string> topic_of(const Batch& batch, size_t event);
  Result<MqttMessage> message_of(const Batch& batch, size_t event);
  void add(std::vector<SinkWrite>& writes, Place place);
  bool flush(std::vector<SinkWrite>& writes, const MqttPublish& publish);

  const MqttWriterConfig config_;
  std::unique_ptr<formats::TextTemplate::Renderer> topic_;
  std::optional<formats::MessageText> payload_;  // set by create()
  // Of the round that is being filled.
  std::vector<MqttMessage> messages_;
  std::vector<Place> places_;
};

}  // namespace colloquium::components
