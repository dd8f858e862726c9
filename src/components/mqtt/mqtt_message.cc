#include "components/mqtt/mqtt_message.h"

#include <algorithm>
#include <array>

#include "json/utf8.h"

namespace colloquium::components {
namespace {

constexpr size_t kTopicBytes = 65'535;
constexpr char kTopic[] = "mqtt_topic";
constexpr char kQos[] = "mqtt_qos";
constexpr char kRetained[] = "mqtt_retained";
constexpr char kContentType[] = "mqtt_content_type";
constexpr char kResponseTopic[] = "mqtt_response_topic";
constexpr char kCorrelationData[] = "mqtt_correlation_data";

bool is_utf8(std::string_view text) {
  return json::valid_utf8_prefix(text) == text.size();
}

// Reads fields one behind the other; after the first that is not there `ok` is false and all are empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view bytes(size_t count) {
    if (count > rest_.size()) {
      ok = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  size_t number(size_t size) {
    size_t value = 0;
    for (const char c : bytes(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  // Seven bits a byte, the lowest first; at most four bytes.
  size_t variable() {
    size_t value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
      const size_t byte = number(1);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    ok = false;
    return 0;
  }
  std::string text() { return std::string(bytes(number(2))); }
  std::string_view rest() const { return rest_; }

  bool ok = true;

 private:
  std::string_view rest_;
};

// Identifiers of MQTT 5.0, table 2-4. False: one that a PUBLISH cannot have.
bool read_property(Reader& reader, MqttMessage& message) {
  switch (reader.variable()) {
    case 0x01:
      reader.bytes(1);
      return true;  // payload format indicator
    case 0x02:
      reader.bytes(4);
      return true;  // message expiry interval
    case 0x03:
      message.content_type = reader.text();
      return true;
    case 0x08:
      message.response_topic = reader.text();
      return true;
    case 0x09:
      message.correlation_data = reader.text();
      return true;
    case 0x0b:
      reader.variable();
      return true;  // subscription identifier
    case 0x23:
      reader.bytes(2);
      return true;  // topic alias: we never allow any
    case 0x26: {
      std::string name = reader.text();
      message.user_properties.emplace_back(std::move(name), reader.text());
      return true;
    }
    default:
      return false;
  }
}

bool read_properties(Reader& reader, MqttMessage& message) {
  Reader properties(reader.bytes(reader.variable()));
  while (properties.ok && !properties.rest().empty()) {
    if (!read_property(properties, message)) return false;
  }
  return properties.ok;
}

std::optional<std::string>* property_of(std::string_view header, MqttMessage& message) {
  if (header == kContentType) return &message.content_type;
  if (header == kResponseTopic) return &message.response_topic;
  if (header == kCorrelationData) return &message.correlation_data;
  return nullptr;
}

}  // namespace

RawMessage to_event(MqttMessage message) {
  RawMessage event;
  event.headers = std::move(message.user_properties);
  const auto add = [&event](const char* name, std::optional<std::string>& value) {
    if (value) event.headers.emplace_back(name, *std::move(value));
  };
  add(kContentType, message.content_type);
  add(kResponseTopic, message.response_topic);
  add(kCorrelationData, message.correlation_data);
  event.headers.emplace_back(kTopic, message.topic);
  event.headers.emplace_back(kQos, std::to_string(message.qos));
  event.headers.emplace_back(kRetained, message.retained ? "true" : "false");
  event.key = std::move(message.topic);
  event.tombstone = message.payload.empty();
  event.value = std::move(message.payload);
  return event;
}

void take_headers(const std::vector<std::pair<std::string_view, std::string_view>>& headers,
                  MqttMessage& message) {
  for (const auto& [name, value] : headers) {
    if (std::optional<std::string>* const property = property_of(name, message)) {
      // Correlation data are the one property that may be any bytes.
      if (property == &message.correlation_data || is_utf8(value)) *property = std::string(value);
      continue;
    }
    if (name == kTopic || name == kQos || name == kRetained || !is_utf8(name) || !is_utf8(value)) continue;
    if (name.size() > kTopicBytes || value.size() > kTopicBytes) continue;
    message.user_properties.emplace_back(name, value);
  }
}

Result<MqttMessage> parse_publish(std::string_view packet, bool properties) {
  MqttMessage message;
  Reader reader(packet);
  const size_t flags = reader.number(1);
  reader.variable();  // the remaining length: the packet is all there
  message.qos = static_cast<int>(flags >> 1 & 3);
  message.retained = (flags & 1) != 0;
  message.duplicate = (flags & 8) != 0;
  message.topic = reader.text();
  if (message.qos > 0) reader.number(2);
  const bool good = !properties || read_properties(reader, message);
  if (!good || !reader.ok) return fail(ErrorCode::kInvalidInput, "the broker sent a PUBLISH packet that is none");
  message.payload = std::string(reader.rest());
  return message;
}

bool is_topic_name(std::string_view topic) {
  return !topic.empty() && topic.size() <= kTopicBytes &&
         topic.find_first_of(std::string_view("+#\0", 3)) == topic.npos && is_utf8(topic);
}

bool is_topic_filter(std::string_view filter) {
  constexpr std::string_view kShare = "$share/";
  if (filter.starts_with(kShare)) {
    filter.remove_prefix(kShare.size());
    const size_t end = filter.find('/');
    if (end == filter.npos || end == 0 || filter.substr(0, end).find_first_of("+#") != filter.npos) return false;
    filter.remove_prefix(end + 1);
  }
  if (filter.empty() || filter.size() > kTopicBytes || filter.find('\0') != filter.npos || !is_utf8(filter))
    return false;
  for (size_t begin = 0; begin <= filter.size();) {
    const size_t end = std::min(filter.find('/', begin), filter.size());
    const std::string_view level = filter.substr(begin, end - begin);
    if (level.find_first_of("+#") != level.npos && level.size() != 1) return false;
    if (level == "#" && end != filter.size()) return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace colloquium::components
