// AwsSigner: what a request to a service of AWS has to carry so that it is known who sent it and that nobody
// changed it on its way: AWS Signature Version 4, in headers, or in the query of a URL that others may use for a
// while.
//
// A signer is made for one set of credentials, one region and one service; whoever renews credentials makes
// another. Every header given is signed, but for those that proxies and HTTP libraries change on the way
// (Connection, User-Agent, Proxy-… and the like). Authorization, x-amz-date and x-amz-security-token are the
// signer's own: given ones are passed over, and the request has to go out with those it returned instead.
//
// Errors: kInvalidConfig for credentials or a scope that no request can carry, kInvalidInput for a request that
// cannot be signed. No message tells any part of the credentials. What is signed holds the session token: neither
// `canonical_request` nor a signed header belongs into a log.
//
// Thread safety: a signer is a value that does not change, so any number of threads may sign with it.
// Source: AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/result.h"

namespace colloquium::net {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

struct AwsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of credentials that expire; empty: none
};

struct AwsScope {
  std::string region;   // "us-east-1"
  std::string service;  // "bedrock"
};

// As every service wants it but S3, where encode_path and normalize_path are false and body_hash_header is true.
struct AwsSigning {
  bool encode_path = true;         // percent-encodes the path once more: "%3A" is signed as "%253A"
  bool normalize_path = true;      // "/a/./b/../c//" is signed as "/a/c/"
  bool sign_session_token = true;  // otherwise it is added behind the signature
  bool body_hash_header = false;   // adds x-amz-content-sha256, and signs it
};

// A request as it goes out. Every view has to live only until the call it is passed to returns.
struct AwsRequest {
  std::string_view method;
  std::string_view path;                                         // as on the wire, percent-encoded; empty is "/"
  std::string_view query;                                        // as on the wire, without the '?'
  std::span<const std::pair<std::string, std::string>> headers;  // Host has to be among them
  std::string_view body;
  // In the place of the body's: lower-case hex, or a word that the service knows, like "UNSIGNED-PAYLOAD".
  std::optional<std::string_view> body_hash = {};
};

struct AwsSignature {
  NamedTexts headers;  // to add; names in lower case. A pre-signed request has none.
  std::string query;   // of a pre-signed request: to append to its query, behind '&' if there is one
  // How it came about, for comparing with what a service says it expected.
  std::string canonical_request;
  std::string string_to_sign;
  std::string signature;
};

class AwsSigner {
 public:
  static constexpr int64_t kExpiresMaxS = 7 * 24 * 3600;

  static Result<AwsSigner> create(AwsCredentials credentials, AwsScope scope, AwsSigning signing = {});

  // Signs in headers. `wall_ms` may not be far off the service's clock: see aws_clock_correction_ms.
  Result<AwsSignature> sign(const AwsRequest& request, int64_t wall_ms) const;
  // Signs in the query: whoever has the URL may send the request for `expires_s` seconds, a week at most.
  Result<AwsSignature> presign(const AwsRequest& request, int64_t wall_ms, int64_t expires_s) const;

 private:
  AwsSigner(AwsCredentials credentials, AwsScope scope, AwsSigning signing);
  NamedTexts query_additions(const std::string& date, const std::string& signed_names, int64_t expires_s) const;
  std::string canonical_path(std::string_view path) const;
  std::string credential_scope(std::string_view date) const;
  void put_signature(AwsSignature& result, const std::string& date) const;

  AwsCredentials credentials_;
  AwsScope scope_;
  AwsSigning signing_;
};

// By how much the service's clock is ahead of ours, which read `wall_ms` as this answer came, in milliseconds: to
// be added to our time before signing again. Nothing if the answer has no readable x-amz-date or Date, or if the
// clocks agree so well (kAwsClockToleranceMs) that they are not why a signature was refused.
inline constexpr int64_t kAwsClockToleranceMs = 4 * 60 * 1000;
std::optional<int64_t> aws_clock_correction_ms(std::span<const std::pair<std::string, std::string>> answer_headers,
                                               int64_t wall_ms);

}  // namespace colloquium::net
