#include "components/http/request_auth.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "config/problems.h"
#include "net/http_message.h"

namespace colloquium::components {
namespace {

constexpr std::string_view kBasic = "Basic";
constexpr std::string_view kBearer = "Bearer";
constexpr size_t kSecretsMax = 8;  // each is one more pass over every body

// The one of a setting for one and a setting for several.
std::vector<std::string> all_of(const Secret& one, const std::vector<Secret>& several) {
  std::vector<std::string> values;
  if (!one.value.empty()) values.push_back(one.value);
  for (const Secret& secret : several) values.push_back(secret.value);
  return values;
}

void check_count(const Secret& one, const std::vector<Secret>& several, const std::string& name,
                 const ConfigNode& node, ConfigProblems& problems) {
  const std::vector<std::string> values = all_of(one, several);
  const bool has_empty = std::find(values.begin(), values.end(), "") != values.end();
  if (values.empty() || has_empty) {
    config::refuse(node, name, "a " + name + " that is not empty is needed", problems);
  } else if (values.size() > kSecretsMax) {
    config::refuse(node, name + "s", "no more than " + std::to_string(kSecretsMax) + " may hold at a time",
                   problems);
  }
}

// RFC 7617: a colon ends the user's name, and control characters are not allowed.
void check_basic(const BasicAuthConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  if (config.user.find(':') != std::string::npos || !net::is_header_value(config.user)) {
    config::refuse(node, "user", "a user's name holds no ':' and no control characters", problems);
  }
  if (config.password.value.empty()) config::refuse(node, "password", "a password is needed", problems);
}

// RFC 6750: what a client can send. The message shows none of it.
bool is_token(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

void check_bearer(const BearerAuthConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  check_count(config.token, config.tokens, "token", node, problems);
  for (const std::string& token : all_of(config.token, config.tokens)) {
    if (is_token(token)) continue;
    return config::refuse(node, "token", "a token is visible ASCII characters without spaces", problems);
  }
}

void check_signature(const SignatureAuthConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  check_count(config.secret, config.secrets, "secret", node, problems);
  const bool own = config.scheme == SignatureScheme::kHmac;
  const bool timed = config.scheme == SignatureScheme::kStripe || config.scheme == SignatureScheme::kSlack;
  if (own && !net::is_header_name(config.header)) {
    config::refuse(node, "header", "scheme hmac needs the header that has the signature", problems);
  }
  const std::pair<const char*, bool> given[] = {{"header", !config.header.empty()},
                                                {"prefix", !config.prefix.empty()},
                                                {"algorithm", config.algorithm.has_value()},
                                                {"encoding", config.encoding.has_value()}};
  for (const auto& [name, is_given] : given) {
    if (own || !is_given) continue;
    config::refuse(node, name, std::string(name) + " is for scheme hmac; the other schemes have their own",
                   problems);
  }
  if (config.tolerance && !timed) {
    config::refuse(node, "tolerance", "only stripe and slack sign the time: elsewhere there is none to tolerate",
                   problems);
  }
}

std::unique_ptr<const WebhookSignature> signature_of(const SignatureAuthConfig& config) {
  WebhookSignature::Settings settings;
  settings.scheme = config.scheme;
  settings.secrets = all_of(config.secret, config.secrets);
  if (config.tolerance) settings.tolerance_ms = config.tolerance->ms;
  settings.header = config.header;
  settings.prefix = config.prefix;
  settings.hash = config.algorithm.value_or(io::Hash::kSha256);
  settings.encoding = config.encoding.value_or(SignatureEncoding::kHex);
  return std::make_unique<const WebhookSignature>(std::move(settings));
}

const ConfigNode& member_or_self(const ConfigNode& node, std::string_view key) {
  const ConfigNode* const member = node.kind == ConfigNode::Kind::kMap ? node.find(key) : nullptr;
  return member == nullptr ? node : *member;
}

// The credentials of one Authorization header of this scheme; its name is compared as RFC 9110 says.
std::optional<std::string_view> credentials_of(std::string_view value, std::string_view scheme) {
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ') return std::nullopt;
  if (!net::equals_ignoring_case(value.substr(0, scheme.size()), scheme)) return std::nullopt;
  const size_t begin = value.find_first_not_of(' ', scheme.size());
  return begin == value.npos ? std::nullopt : std::optional(value.substr(begin));
}

}  // namespace

void check_auth_config(const HttpAuthConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const int kinds = (config.basic ? 1 : 0) + (config.bearer ? 1 : 0) + (config.signature ? 1 : 0);
  if (kinds != 1) {
    return config::refuse(node, "", "auth is one of basic, bearer and signature", problems);
  }
  if (config.basic) check_basic(*config.basic, member_or_self(node, "basic"), problems);
  if (config.bearer) check_bearer(*config.bearer, member_or_self(node, "bearer"), problems);
  if (config.signature) check_signature(*config.signature, member_or_self(node, "signature"), problems);
}

// The one base64 text that stands for them is compared, not what it stands for: there is nothing to decode then.
RequestAuth::RequestAuth(const HttpAuthConfig& config) {
  if (config.basic) {
    scheme_ = kBasic;
    digests_.push_back(io::sha256(io::to_base64(config.basic->user + ":" + config.basic->password.value)));
  } else if (config.bearer) {
    scheme_ = kBearer;
    for (const std::string& token : all_of(config.bearer->token, config.bearer->tokens)) {
      digests_.push_back(io::sha256(token));
    }
  } else {
    ASSERT_WHY(config.signature, "the settings were checked");
    signature_ = signature_of(*config.signature);
  }
}

std::optional<net::Problem> RequestAuth::check_head(const net::RequestHead& head, int64_t now_ms) const {
  return signature_ != nullptr ? check_signature(head, now_ms) : check_credentials(head);
}

std::optional<net::Problem> RequestAuth::check_signature(const net::RequestHead& head, int64_t now_ms) const {
  const Status status = signature_->check_head(head, now_ms);
  if (status) return std::nullopt;
  const ErrorCode code = status.error().code;
  Counter& counter = code == ErrorCode::kNotFound  ? refusals_->signature_missing
                     : code == ErrorCode::kTimeout ? refusals_->signature_expired
                                                   : refusals_->signature_malformed;
  counter.add();
  return refusal(status.error().message, false);
}

std::optional<net::Problem> RequestAuth::check_credentials(const net::RequestHead& head) const {
  std::optional<std::string_view> value;
  for (const net::HeaderField& field : head.headers) {
    if (!net::equals_ignoring_case(field.name, "authorization")) continue;
    if (value) {
      refusals_->credentials_wrong.add();
      return net::Problem{.status = 400, .detail = "there are two Authorization headers"};
    }
    value = field.value;
  }
  const auto given = value ? credentials_of(*value, scheme_) : std::nullopt;
  if (!given) {
    refusals_->credentials_missing.add();
    return refusal("what is posted here needs Authorization: " + scheme_, false);
  }
  const std::string digest = io::sha256(*given);
  bool matches = false;
  for (const std::string& expected : digests_) matches |= io::equal_in_constant_time(digest, expected);
  if (matches) return std::nullopt;
  refusals_->credentials_wrong.add();
  return refusal(scheme_ == kBasic ? "the user or the password is wrong" : "the token is not known here", true);
}

std::unique_ptr<net::BodyCheck> RequestAuth::check_body(const net::RequestHead& head) const {
  if (signature_ == nullptr) return nullptr;
  return signature_->check_body(head, "Signature header=\"" + signature_->header() + "\"",
                                std::shared_ptr<Counter>(refusals_, &refusals_->signature_wrong));
}

net::Problem RequestAuth::refusal(std::string detail, bool with_credentials) const {
  std::string challenge;
  if (signature_ != nullptr) {
    challenge = "Signature header=\"" + signature_->header() + "\"";
  } else {
    challenge = scheme_ + " realm=\"colloquium\"";
    if (scheme_ == kBasic) challenge += ", charset=\"UTF-8\"";
    if (scheme_ == kBearer && with_credentials) challenge += ", error=\"invalid_token\"";
  }
  return net::Problem{.status = 401, .detail = std::move(detail)}.header("WWW-Authenticate", std::move(challenge));
}

}  // namespace colloquium::components
