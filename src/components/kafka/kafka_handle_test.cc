#include "components/kafka/kafka_handle.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

TEST_CASE("a connection lost while logging in is no refused login", "[REQ-017]") {
  const auto code = RD_KAFKA_RESP_ERR__AUTHENTICATION;
  CHECK(cause_of(code,
                 "sasl_plaintext://127.0.0.1:1/bootstrap: SASL PLAIN mechanism handshake failed: Local: Broker "
                 "transport failure: broker's supported mechanisms: (n/a) (after 0ms in state DOWN)") ==
        RD_KAFKA_RESP_ERR__TRANSPORT);
  CHECK(cause_of(code, "SASL authentication error: SaslAuthenticateRequest failed: Local: Timed out") ==
        RD_KAFKA_RESP_ERR__TIMED_OUT);
  CHECK_FALSE(needs_a_hand(RD_KAFKA_RESP_ERR__TRANSPORT));
}

TEST_CASE("a login that the broker refuses stays one", "[REQ-017]") {
  for (const char* said : {"SASL authentication error: Authentication failed: Invalid username or password",
                           "SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's "
                           "supported mechanisms: "
                           "SCRAM-SHA-512",
                           "SASL authentication error: Broker: SASL Authentication failed"}) {
    CHECK(cause_of(RD_KAFKA_RESP_ERR__AUTHENTICATION, said) == RD_KAFKA_RESP_ERR__AUTHENTICATION);
  }
  CHECK(needs_a_hand(RD_KAFKA_RESP_ERR__AUTHENTICATION));
  CHECK(cause_of(RD_KAFKA_RESP_ERR__SSL, "Local: Broker transport failure") == RD_KAFKA_RESP_ERR__SSL);
}

}  // namespace
}  // namespace colloquium::components
