#include "components/http/webhook_signature.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "io/aead.h"

namespace colloquium::components {
namespace {

constexpr std::string_view kSlackTime = "X-Slack-Request-Timestamp";
constexpr std::string_view kSlackVersion = "v0";
// More signatures than any sender has secrets at a time.
constexpr size_t kSignaturesMax = 16;

struct Convention {
  std::string_view header;
  std::string_view prefix;
};

// The schemes that are fixed: all are HMAC-SHA-256 in hexadecimal digits.
Convention convention_of(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::kGithub:
      return {"X-Hub-Signature-256", "sha256="};
    case SignatureScheme::kStripe:
      return {"Stripe-Signature", ""};
    case SignatureScheme::kSlack:
      return {"X-Slack-Signature", "v0="};
    case SignatureScheme::kHmac:
      break;
  }
  return {};
}

Error unsigned_request(std::string why, ErrorCode code = ErrorCode::kInvalidInput) {
  return Error{code, std::move(why), false, {}};
}

// Its only value: of two, nobody knows which the sender meant.
Result<std::string_view> only_value(const net::RequestHead& head, std::string_view name) {
  std::optional<std::string_view> found;
  for (const net::HeaderField& field : head.headers) {
    if (!net::equals_ignoring_case(field.name, name)) continue;
    if (found) return fail(unsigned_request("the header " + std::string(name) + " is there twice"));
    found = field.value;
  }
  if (!found || found->empty()) {
    return fail(unsigned_request("the header " + std::string(name) + " is missing", ErrorCode::kNotFound));
  }
  return *found;
}

std::optional<int64_t> to_seconds(std::string_view text) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return seconds;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string lower_hex(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

class SignedBody final : public net::BodyCheck {
 public:
  SignedBody(std::vector<io::Hmac> codes, std::vector<std::string> signatures, SignatureEncoding encoding,
             std::string challenge, std::shared_ptr<Counter> refused)
      : codes_(std::move(codes)),
        signatures_(std::move(signatures)),
        encoding_(encoding),
        challenge_(std::move(challenge)),
        refused_(std::move(refused)) {}

  void update(std::string_view bytes) override {
    for (io::Hmac& code : codes_) code.update(bytes);
  }

  // Every code is compared with every signature, so that the time does not say which of them came close.
  std::optional<net::Problem> finish() override {
    bool matches = false;
    for (io::Hmac& code : codes_) {
      const std::string bytes = code.finish();
      const std::string expected = encoding_ == SignatureEncoding::kHex ? io::to_hex(bytes) : io::to_base64(bytes);
      for (const std::string& signature : signatures_) {
        matches |= io::equal_in_constant_time(expected, signature);
      }
    }
    if (matches) return std::nullopt;
    refused_->add();
    return net::Problem{.status = 401, .detail = "the signature is not that of this body with our secret"}.header(
        "WWW-Authenticate", challenge_);
  }

 private:
  std::vector<io::Hmac> codes_;  // one per secret
  std::vector<std::string> signatures_;
  const SignatureEncoding encoding_;
  const std::string challenge_;
  const std::shared_ptr<Counter> refused_;
};

}  // namespace

WebhookSignature::WebhookSignature(Settings settings) : settings_(std::move(settings)) {
  ASSERT_WHY(!settings_.secrets.empty(), "the settings were checked");
  if (settings_.scheme == SignatureScheme::kHmac) return;
  const Convention fixed = convention_of(settings_.scheme);
  settings_.header = fixed.header;
  settings_.prefix = fixed.prefix;
  settings_.hash = io::Hash::kSha256;
  settings_.encoding = SignatureEncoding::kHex;
}

Status WebhookSignature::check_head(const net::RequestHead& head, int64_t now_ms) const {
  TRY_ASSIGN(const Claim claim, read(head));
  if (!claim.time_s) return {};
  // In seconds: the difference of two of them cannot overflow, and that of made-up milliseconds could.
  const int64_t apart_s = now_ms / 1000 - *claim.time_s;
  if (std::max(apart_s, -apart_s) <= settings_.tolerance_ms / 1000) return {};
  return fail(unsigned_request("the signed time is too far from ours: check both clocks, or it is an old request",
                               ErrorCode::kTimeout));
}

std::unique_ptr<net::BodyCheck> WebhookSignature::check_body(const net::RequestHead& head, std::string challenge,
                                                             std::shared_ptr<Counter> refused) const {
  Result<Claim> claim = read(head);
  ASSERT_WHY(claim, "check_head() comes first");
  std::vector<io::Hmac> codes;
  codes.reserve(settings_.secrets.size());
  for (const std::string& secret : settings_.secrets) {
    codes.emplace_back(settings_.hash, secret).update(claim->signed_before);
  }
  return std::make_unique<SignedBody>(std::move(codes), std::move(claim->signatures), settings_.encoding,
                                      std::move(challenge), std::move(refused));
}

Result<WebhookSignature::Claim> WebhookSignature::read(const net::RequestHead& head) const {
  TRY_ASSIGN(const std::string_view value, only_value(head, settings_.header));
  if (settings_.scheme == SignatureScheme::kStripe) return read_stripe(value);
  if (settings_.scheme == SignatureScheme::kSlack) return read_slack(value, head);
  return read_plain(value);
}

// "sha256=757107ea…"
Result<WebhookSignature::Claim> WebhookSignature::read_plain(std::string_view value) const {
  if (!value.starts_with(settings_.prefix)) {
    return fail(unsigned_request("the header " + settings_.header + " does not begin with " + settings_.prefix));
  }
  value.remove_prefix(settings_.prefix.size());
  Claim claim;
  claim.signatures.push_back(settings_.encoding == SignatureEncoding::kHex ? lower_hex(value)
                                                                           : std::string(value));
  return claim;
}

// "t=1492774577,v1=5257a869…,v1=…,v0=6ffbb59b…": other versions are not for us.
Result<WebhookSignature::Claim> WebhookSignature::read_stripe(std::string_view value) const {
  Claim claim;
  bool two_times = false;
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find(',', begin), value.size());
    const std::string_view item = trimmed(value.substr(begin, end - begin));
    begin = end + 1;
    if (item.starts_with("t=")) {
      two_times = !claim.signed_before.empty();
      claim.time_s = to_seconds(item.substr(2));
      claim.signed_before = std::string(item.substr(2)) + ".";
    } else if (item.starts_with("v1=") && claim.signatures.size() < kSignaturesMax) {
      claim.signatures.push_back(lower_hex(item.substr(3)));
    }
  }
  if (!claim.time_s || two_times || claim.signatures.empty()) {
    return fail(unsigned_request("the header Stripe-Signature is not of the form t=TIME,v1=SIGNATURE"));
  }
  return claim;
}

// The signed text is "v0:TIME:BODY", and the time stands in a header of its own.
Result<WebhookSignature::Claim> WebhookSignature::read_slack(std::string_view value,
                                                             const net::RequestHead& head) const {
  TRY_ASSIGN(const std::string_view time, only_value(head, kSlackTime));
  TRY_ASSIGN(Claim claim, read_plain(value));
  claim.time_s = to_seconds(time);
  if (!claim.time_s) return fail(unsigned_request("the header " + std::string(kSlackTime) + " is no time"));
  claim.signed_before = std::string(kSlackVersion) + ":" + std::string(time) + ":";
  return claim;
}

}  // namespace colloquium::components
