#include "net/aws_signature.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "io/aead.h"
#include "io/hmac.h"
#include "net/http_date.h"
#include "net/http_message.h"

namespace colloquium::net {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kScopeEnd = "aws4_request";
constexpr std::string_view kDateHeader = "x-amz-date";
constexpr std::string_view kTokenHeader = "x-amz-security-token";
constexpr std::string_view kBodyHashHeader = "x-amz-content-sha256";
constexpr size_t kDayBytes = 8;  // "20150830", of a date

// What proxies and libraries add, change or take off, as AWS's own libraries have it.
constexpr std::array<std::string_view, 14> kUnsigned = {
    "cache-control", "connection", "expect",  "from",    "keep-alive",        "max-forwards", "pragma",
    "referer",       "te",         "trailer", "upgrade", "transfer-encoding", "user-agent",   "x-amzn-trace-id"};
constexpr std::array<std::string_view, 3> kOwn = {"authorization", kDateHeader, kTokenHeader};

bool is_unsigned(std::string_view name) {
  return name.starts_with("proxy-") || name.starts_with("sec-") ||
         std::find(kUnsigned.begin(), kUnsigned.end(), name) != kUnsigned.end() ||
         std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end();
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// Appends with everything encoded but what RFC 3986, 2.3 calls unreserved, and `kept`.
void append_encoded(std::string& out, std::string_view text, char kept = '-') {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c) || c == kept) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

std::string encoded(std::string_view text) {
  std::string out;
  append_encoded(out, text);
  return out;
}

// A percent sign that begins no code stands for itself.
std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' && i + 2 < text.size() ? io::from_hex(text.substr(i + 1, 2)) : std::nullopt;
    out += byte ? byte->front() : text[i];
    if (byte) i += 2;
  }
  return out;
}

// Calls `each` with what stands between the separators.
template <class Each>
void split(std::string_view text, char separator, Each each) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string normalized(std::string_view path) {
  std::vector<std::string_view> segments;
  split(path, '/', [&](std::string_view segment) {
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  });
  std::string out;
  for (const std::string_view segment : segments) out.append("/").append(segment);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

// Names and values, encoded as they are signed whatever encoding they came in.
NamedTexts query_parameters(std::string_view query) {
  NamedTexts parameters;
  split(query, '&', [&](std::string_view parameter) {
    if (parameter.empty()) return;
    const size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view value = parameter.substr(std::min(equals + 1, parameter.size()));
    parameters.emplace_back(encoded(decoded(parameter.substr(0, equals))), encoded(decoded(value)));
  });
  return parameters;
}

std::string joined(const NamedTexts& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string canonical_query(NamedTexts parameters) {
  std::sort(parameters.begin(), parameters.end());  // by name, then by value; never by the text of both
  return joined(parameters);
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Without white space around it, and one space for any of it inside, also where a value is folded.
std::string folded(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (!is_space(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

struct CanonicalHeaders {
  std::string lines;
  std::string names;  // "host;x-amz-date"
};

CanonicalHeaders canonical_headers(NamedTexts headers) {
  // Stable: the values of one name are signed in the order in which they are sent.
  std::stable_sort(headers.begin(), headers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  CanonicalHeaders result;
  for (size_t i = 0; i < headers.size(); ++i) {
    const auto& [name, value] = headers[i];
    if (i > 0 && headers[i - 1].first == name) {
      result.lines.back() = ',';
      result.lines.append(value).append("\n");
      continue;
    }
    result.lines.append(name).append(":").append(value).append("\n");
    result.names.append(result.names.empty() ? "" : ";").append(name);
  }
  return result;
}

// Those of the request that are signed, and `added`, which take the place of the request's own.
Result<CanonicalHeaders> headers_to_sign(const AwsRequest& request, const NamedTexts& added) {
  NamedTexts headers;
  for (const auto& [name, value] : request.headers) {
    std::string key = lower(name);
    const auto same = [&](const auto& header) { return header.first == key; };
    if (is_unsigned(key) || std::any_of(added.begin(), added.end(), same)) continue;
    headers.emplace_back(std::move(key), folded(value));
  }
  const auto is_host = [](const auto& header) { return header.first == "host"; };
  if (std::none_of(headers.begin(), headers.end(), is_host)) {
    return fail(ErrorCode::kInvalidInput,
                "a request to AWS cannot be signed without the header Host; give the one that is sent");
  }
  for (const auto& header : added) headers.push_back(header);
  return canonical_headers(std::move(headers));
}

std::string hex_of_sha256(std::string_view bytes) {
  return io::to_hex(io::sha256(bytes));
}

std::string body_hash(const AwsRequest& request) {
  return request.body_hash ? std::string(*request.body_hash) : hex_of_sha256(request.body);
}

std::string canonical_request(const AwsRequest& request, const std::string& path, const std::string& query,
                              const CanonicalHeaders& headers, const std::string& hash) {
  std::string out(request.method);
  for (const std::string* part : {&path, &query, &headers.lines, &headers.names, &hash})
    out.append("\n").append(*part);
  return out;
}

std::string hmac(std::string_view key, std::string_view text) {
  io::Hmac code(io::Hash::kSha256, key);
  code.update(text);
  return code.finish();
}

// What may stand in a header without ending it or the part of it that it is.
bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_name(std::string_view text) {
  return !text.empty() && is_visible(text) && text.find_first_of("/,") == text.npos;
}

}  // namespace

AwsSigner::AwsSigner(AwsCredentials credentials, AwsScope scope, AwsSigning signing)
    : credentials_(std::move(credentials)), scope_(std::move(scope)), signing_(signing) {}

Result<AwsSigner> AwsSigner::create(AwsCredentials credentials, AwsScope scope, AwsSigning signing) {
  const auto refused = [](const char* what) {
    return fail(ErrorCode::kInvalidConfig, std::string("requests to AWS cannot be signed: ") + what);
  };
  if (!is_name(credentials.access_key)) return refused("the access key id is empty or no such id");
  if (credentials.secret_key.empty()) return refused("the secret access key is empty");
  if (!is_visible(credentials.session_token)) return refused("the session token holds what no header can");
  if (!is_name(scope.region)) return refused("the region is empty or no name, like us-east-1");
  if (!is_name(scope.service)) return refused("the service is empty or no name, like bedrock");
  return AwsSigner(std::move(credentials), std::move(scope), signing);
}

std::string AwsSigner::canonical_path(std::string_view path) const {
  const std::string plain = signing_.normalize_path ? normalized(path) : std::string(path.empty() ? "/" : path);
  if (!signing_.encode_path) return plain;
  std::string out;
  append_encoded(out, plain, '/');
  return out;
}

std::string AwsSigner::credential_scope(std::string_view date) const {
  std::string out(date.substr(0, kDayBytes));
  for (const std::string_view part :
       {std::string_view(scope_.region), std::string_view(scope_.service), kScopeEnd})
    out.append("/").append(part);
  return out;
}

void AwsSigner::put_signature(AwsSignature& result, const std::string& date) const {
  for (const std::string& line : {std::string(kAlgorithm), date, credential_scope(date)})
    result.string_to_sign.append(line).append("\n");
  result.string_to_sign += hex_of_sha256(result.canonical_request);
  std::string key = hmac("AWS4" + credentials_.secret_key, std::string_view(date).substr(0, kDayBytes));
  for (const std::string_view part :
       {std::string_view(scope_.region), std::string_view(scope_.service), kScopeEnd})
    key = hmac(key, part);
  result.signature = io::to_hex(hmac(key, result.string_to_sign));
}

Result<AwsSignature> AwsSigner::sign(const AwsRequest& request, int64_t wall_ms) const {
  const std::string date = format_basic_date(wall_ms);
  const std::string hash = body_hash(request);
  AwsSignature result;
  result.headers.emplace_back(kDateHeader, date);
  if (signing_.body_hash_header) result.headers.emplace_back(kBodyHashHeader, hash);
  const bool has_token = !credentials_.session_token.empty();
  if (has_token && signing_.sign_session_token)
    result.headers.emplace_back(kTokenHeader, credentials_.session_token);
  TRY_ASSIGN(const CanonicalHeaders headers, headers_to_sign(request, result.headers));
  if (has_token && !signing_.sign_session_token)
    result.headers.emplace_back(kTokenHeader, credentials_.session_token);
  result.canonical_request = canonical_request(request, canonical_path(request.path),
                                               canonical_query(query_parameters(request.query)), headers, hash);
  put_signature(result, date);
  std::string authorization(kAlgorithm);
  authorization.append(" Credential=").append(credentials_.access_key).append("/").append(credential_scope(date));
  authorization.append(", SignedHeaders=").append(headers.names);
  authorization.append(", Signature=").append(result.signature);
  result.headers.emplace_back("authorization", std::move(authorization));
  return result;
}

NamedTexts AwsSigner::query_additions(const std::string& date, const std::string& signed_names,
                                      int64_t expires_s) const {
  return {{"X-Amz-Algorithm", std::string(kAlgorithm)},
          {"X-Amz-Credential", encoded(credentials_.access_key + "/" + credential_scope(date))},
          {"X-Amz-Date", date},
          {"X-Amz-SignedHeaders", encoded(signed_names)},
          {"X-Amz-Expires", std::to_string(expires_s)}};
}

Result<AwsSignature> AwsSigner::presign(const AwsRequest& request, int64_t wall_ms, int64_t expires_s) const {
  if (expires_s < 1 || expires_s > kExpiresMaxS) {
    return fail(ErrorCode::kInvalidInput, "a pre-signed request to AWS cannot be valid for " +
                                              std::to_string(expires_s) + " s; at least 1 and at most " +
                                              std::to_string(kExpiresMaxS) + " are possible");
  }
  TRY_ASSIGN(const CanonicalHeaders headers, headers_to_sign(request, {}));
  const std::string date = format_basic_date(wall_ms);
  NamedTexts additions = query_additions(date, headers.names, expires_s);
  NamedTexts parameters = query_parameters(request.query);
  parameters.insert(parameters.end(), additions.begin(), additions.end());
  if (!credentials_.session_token.empty()) {
    additions.emplace_back("X-Amz-Security-Token", encoded(credentials_.session_token));
    if (signing_.sign_session_token) parameters.push_back(additions.back());
  }
  AwsSignature result;
  result.canonical_request = canonical_request(
      request, canonical_path(request.path), canonical_query(std::move(parameters)), headers, body_hash(request));
  put_signature(result, date);
  additions.emplace_back("X-Amz-Signature", result.signature);
  result.query = joined(additions);
  return result;
}

std::optional<int64_t> aws_clock_correction_ms(std::span<const std::pair<std::string, std::string>> answer_headers,
                                               int64_t wall_ms) {
  std::optional<int64_t> theirs;
  for (const auto& [name, value] : answer_headers) {
    // The former is the clock that signatures are held against; a proxy may have written the latter.
    if (equals_ignoring_case(name, kDateHeader)) {
      if (const auto date = parse_basic_date(value)) theirs = date;
    } else if (equals_ignoring_case(name, "date") && !theirs) {
      theirs = parse_http_date(value);
    }
  }
  if (!theirs || std::abs(*theirs - wall_ms) <= kAwsClockToleranceMs) return std::nullopt;
  return *theirs - wall_ms;
}

}  // namespace colloquium::net
