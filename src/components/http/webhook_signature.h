// WebhookSignature: how a sender of webhooks proves that a body is its own: GitHub, Stripe, Slack, or any that
// puts an HMAC of the body in a header.
//
// The body is signed as it was sent, so it is followed as it comes and before it is decompressed; nothing is kept
// of it. Several secrets may hold at a time, while one takes the other's place. What a refusal says shows neither
// a secret nor the signature that would have been right, and every comparison takes the same time.
//
// Ownership: the object outlives its checks. Thread safety: immutable; checks belong to the loop.
// Source: docs.github.com "Validating webhook deliveries", docs.stripe.com "Verify webhook signatures manually",
// docs.slack.dev "Verifying requests from Slack".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "base/counters.h"
#include "io/hmac.h"
#include "net/exchange.h"

namespace colloquium::components {

enum class SignatureScheme { kGithub, kStripe, kSlack, kHmac };
enum class SignatureEncoding { kHex, kBase64 };

class WebhookSignature {
 public:
  struct Settings {
    SignatureScheme scheme = SignatureScheme::kGithub;
    std::vector<std::string> secrets;
    int64_t tolerance_ms = 300'000;  // Stripe, Slack: how far the signed time may be from ours, either way
    // Hmac alone; the other schemes have their own.
    std::string header;
    std::string prefix;
    io::Hash hash = io::Hash::kSha256;
    SignatureEncoding encoding = SignatureEncoding::kHex;
  };
  explicit WebhookSignature(Settings settings);

  // The header that has the signature.
  const std::string& header() const { return settings_.header; }

  // Whether the head leaves it to the body: the error says what is wrong already. kNotFound: a header is missing;
  // kTimeout: it was signed too long ago, or by another clock; kInvalidInput: a header is not of its form.
  Status check_head(const net::RequestHead& head, int64_t now_ms) const;
  // REQUIRES: check_head() found nothing wrong. The refusal's status is 401, and `refused` counts it.
  std::unique_ptr<net::BodyCheck> check_body(const net::RequestHead& head, std::string challenge,
                                             std::shared_ptr<Counter> refused) const;

 private:
  // What a head claims of its body.
  struct Claim {
    std::vector<std::string> signatures;  // as the header has them
    std::string signed_before;            // the bytes that are signed in front of the body
    std::optional<int64_t> time_s;
  };

  Result<Claim> read(const net::RequestHead& head) const;
  Result<Claim> read_plain(std::string_view value) const;
  Result<Claim> read_stripe(std::string_view value) const;
  Result<Claim> read_slack(std::string_view value, const net::RequestHead& head) const;

  Settings settings_;
};

}  // namespace colloquium::components
