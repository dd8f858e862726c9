#include "components/mqtt/paho_types.h"

#include <catch2/catch.hpp>
#include <limits>

namespace colloquium::components {
namespace {

TEST_CASE("a broker says how long a packet may be, or takes any") {
  CHECK(maximum_packet_bytes_in({}) == std::numeric_limits<size_t>::max());
  CHECK(maximum_packet_bytes_in({{mqtt::property::MAXIMUM_PACKET_SIZE, 1000}}) == 1000);
  CHECK(maximum_packet_bytes_in({{mqtt::property::MAXIMUM_PACKET_SIZE, -1}}) == 0xffff'ffff);
}

TEST_CASE("how long a packet is, byte for byte") {
  MqttMessage message;
  message.topic = "abc";
  message.payload = "12345";
  message.qos = 0;
  // Type, length, topic with its length, length of the properties, payload.
  CHECK(publish_bytes(message, properties_of(message)) == 1 + 1 + 2 + 3 + 1 + 5);
  message.qos = 1;
  CHECK(publish_bytes(message, properties_of(message)) == 1 + 1 + 2 + 3 + 2 + 1 + 5);
  message.user_properties = {{"k", "vw"}};
  // What it is, and two texts with their lengths.
  CHECK(publish_bytes(message, properties_of(message)) == 1 + 1 + 2 + 3 + 2 + 1 + (1 + 2 + 1 + 2 + 2) + 5);
  message.user_properties.clear();
  message.payload = std::string(200, 'x');
  CHECK(publish_bytes(message, properties_of(message)) == 1 + 2 + 2 + 3 + 2 + 1 + 200);
}

}  // namespace
}  // namespace colloquium::components
