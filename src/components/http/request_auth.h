// RequestAuth: who may post to an http source: whoever has a password (Basic), a token (Bearer), or a secret to
// sign bodies with.
//
// A refusal is 401 with WWW-Authenticate, or 400 for two Authorization headers; it shows nothing of what would
// have been right. What is compared are digests, in a time that does not depend on them. Thread safety: immutable;
// checks of bodies belong to the loop. Source: RFC 9110, 11; RFC 7617 (Basic), RFC 6750 (Bearer).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/config_spec.h"

#include "base/counters.h"
#include "components/http/webhook_signature.h"
#include "net/exchange.h"

namespace colloquium::components {

struct BasicAuthConfig {
  std::string user;
  Secret password;
};

struct BearerAuthConfig {
  Secret token;
  std::vector<Secret> tokens;
};

struct SignatureAuthConfig {
  SignatureScheme scheme = SignatureScheme::kGithub;
  Secret secret;
  std::vector<Secret> secrets;
  std::optional<Duration> tolerance;
  std::string header;
  std::string prefix;
  std::optional<io::Hash> algorithm;
  std::optional<SignatureEncoding> encoding;
};

// Exactly one is set, once check_auth_config() has found nothing.
struct HttpAuthConfig {
  std::optional<BasicAuthConfig> basic;
  std::optional<BearerAuthConfig> bearer;
  std::optional<SignatureAuthConfig> signature;
};

// What the types cannot: exactly one kind, a token or secret at least, settings that belong to the scheme. `node`
// is the auth setting. Problems show no secret.
void check_auth_config(const HttpAuthConfig& config, const ConfigNode& node, ConfigProblems& problems);

// Who was refused, by reason. Any thread may read it.
struct AuthRefusals {
  Counter credentials_missing;
  Counter credentials_wrong;
  Counter signature_missing;
  Counter signature_malformed;
  Counter signature_expired;  // the signed time is too far from ours
  Counter signature_wrong;
};

class RequestAuth {
 public:
  // REQUIRES: check_auth_config() found nothing.
  explicit RequestAuth(const HttpAuthConfig& config);

  const AuthRefusals& refusals() const { return *refusals_; }

  // Why the head is refused, or nothing. May be asked again.
  std::optional<net::Problem> check_head(const net::RequestHead& head, int64_t now_ms) const;

  // Null if the head was enough. REQUIRES: check_head() let it through.
  std::unique_ptr<net::BodyCheck> check_body(const net::RequestHead& head) const;
  bool checks_bodies() const { return signature_ != nullptr; }

 private:
  std::optional<net::Problem> check_credentials(const net::RequestHead& head) const;
  std::optional<net::Problem> check_signature(const net::RequestHead& head, int64_t now_ms) const;
  net::Problem refusal(std::string detail, bool with_credentials) const;

  std::string scheme_;                // "Basic" or "Bearer"
  std::vector<std::string> digests_;  // SHA-256 of what may stand behind it
  std::unique_ptr<const WebhookSignature> signature_;
  const std::shared_ptr<AuthRefusals> refusals_ = std::make_shared<AuthRefusals>();  // a check may outlive us
};

}  // namespace colloquium::components
