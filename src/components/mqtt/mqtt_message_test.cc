#include "components/mqtt/mqtt_message.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

using namespace std::string_literals;

MqttMessage full() {
  MqttMessage message;
  message.topic = "a/b";
  message.payload = "{}";
  message.qos = 2;
  message.retained = true;
  message.content_type = "application/json";
  message.response_topic = "answers";
  message.correlation_data = "\xff\x00"s;
  message.user_properties = {{"unit", "C"}, {"mqtt_topic", "forged"}};
  return message;
}

std::string header_of(const RawMessage& event, const std::string& name) {
  std::string found = "-";
  for (const auto& [key, value] : event.headers) {
    if (key == name) found = value;
  }
  return found;
}

// A PUBLISH of `qos`, with `properties` if it has a length.
std::string packet(int qos, const std::string& properties, const std::string& payload) {
  std::string rest = "\0\3a/b"s;
  if (qos > 0) rest += "\0\7"s;
  rest += properties + payload;
  std::string out(1, static_cast<char>(0x30 | qos << 1 | 9));
  for (size_t left = rest.size(); out.size() < 2 || left > 0; left >>= 7) {
    out += static_cast<char>((left & 127) | (left > 127 ? 128 : 0));
  }
  return out + rest;
}

TEST_CASE("a message's topic is the event's key, and what MQTT says of it are headers", "[REQ-003]") {
  const RawMessage event = to_event(full());
  CHECK(event.key == "a/b");
  CHECK(event.value == "{}");
  CHECK_FALSE(event.tombstone);
  CHECK(header_of(event, "unit") == "C");
  CHECK(header_of(event, "mqtt_qos") == "2");
  CHECK(header_of(event, "mqtt_retained") == "true");
  CHECK(header_of(event, "mqtt_content_type") == "application/json");
  CHECK(header_of(event, "mqtt_response_topic") == "answers");
  CHECK(header_of(event, "mqtt_correlation_data") == "\xff\x00"s);
}

TEST_CASE("a user property cannot pass for what MQTT says") {
  CHECK(header_of(to_event(full()), "mqtt_topic") == "a/b");
}

TEST_CASE("an empty payload is a tombstone") {
  MqttMessage message;
  CHECK(to_event(message).tombstone);
  message.payload = "0";
  CHECK_FALSE(to_event(message).tombstone);
}

TEST_CASE("headers go back to where they came from, and what is no UTF-8 stays behind") {
  const MqttMessage before = full();
  const RawMessage event = to_event(before);
  std::vector<std::pair<std::string_view, std::string_view>> headers(event.headers.begin(), event.headers.end());
  headers.emplace_back("bytes", "\xff");
  MqttMessage after;
  take_headers(headers, after);
  CHECK(after.content_type == before.content_type);
  CHECK(after.response_topic == before.response_topic);
  CHECK(after.correlation_data == before.correlation_data);
  CHECK(after.user_properties == MqttHeaders{{"unit", "C"}});
}

TEST_CASE("a packet is read as it was on the wire") {
  const auto plain = parse_publish(packet(2, "", "{\"n\":1}"), false);
  REQUIRE(plain);
  CHECK(plain->topic == "a/b");
  CHECK(plain->payload == "{\"n\":1}");
  CHECK(plain->qos == 2);
  CHECK(plain->retained);
  CHECK(plain->duplicate);
  const std::string properties = "\1\1\2\0\0\0\1\3\0\1c\x8\0\1r\x9\0\2\xff\0\xb\x80\1\x26\0\1k\0\1v"s;
  const auto full =
      parse_publish(packet(1, static_cast<char>(properties.size()) + properties, std::string(300, 'x')), true);
  REQUIRE(full);
  CHECK(full->content_type == "c");
  CHECK(full->response_topic == "r");
  CHECK(full->correlation_data == "\xff\0"s);
  CHECK(full->user_properties == MqttHeaders{{"k", "v"}});
  CHECK(full->payload.size() == 300);
  CHECK(parse_publish(packet(0, "\0"s, ""), true)->payload.empty());
}

TEST_CASE("a packet that is cut anywhere, or has a property that is none, is refused") {
  const std::string whole = packet(2, "\6\3\0\3abc"s, "");
  REQUIRE(parse_publish(whole, true));
  for (size_t length = 0; length < whole.size(); ++length) {
    CHECK_FALSE(parse_publish(whole.substr(0, length), true));
  }
  CHECK_FALSE(parse_publish(packet(1, "\3\x11\0\0"s, ""), true));
  CHECK_FALSE(parse_publish(packet(1, "\xff\xff\xff\xff\xff"s, ""), true));
}

TEST_CASE("names to publish to and filters to subscribe to") {
  for (const char* name : {"a", "/", "a/b", "$SYS/x", "\xc3\xa4"}) CHECK(is_topic_name(name));
  for (const std::string& name : {""s, "a/+"s, "#"s, "a\0b"s, "\xff"s, std::string(65'536, 'a')})
    CHECK_FALSE(is_topic_name(name));
  for (const char* filter : {"#", "+", "a/#", "+/a/+", "/", "$share/g/a/#", "$share/g//"})
    CHECK(is_topic_filter(filter));
  for (const std::string& filter :
       {""s, "a#"s, "#/a"s, "a/b+"s, "$share/g"s, "$share//a"s, "$share/+/a"s, "a\0b"s, "$share/g/"s}) {
    CHECK_FALSE(is_topic_filter(filter));
  }
}

}  // namespace
}  // namespace colloquium::components
