#include "components/http/webhook_signature.h"

#include <catch2/catch.hpp>

#include "io/aead.h"

namespace colloquium::components {
namespace {

using Settings = WebhookSignature::Settings;

struct Sent {
  std::vector<net::HeaderField> headers;
  std::string body;
  int64_t now_s = 1'531'420'618;
};

// "": accepted; else why not. The body comes in two parts.
std::string verdict(const Settings& settings, const Sent& sent) {
  const WebhookSignature signature(settings);
  net::RequestHead head;
  head.headers = sent.headers;
  const Status status = signature.check_head(head, sent.now_s * 1000);
  if (!status) return status.error().message;
  const auto check = signature.check_body(head, "challenge", std::make_shared<Counter>());
  check->update(sent.body.substr(0, sent.body.size() / 2));
  check->update(sent.body.substr(sent.body.size() / 2));
  const auto problem = check->finish();
  if (!problem) return "";
  CHECK(problem->status == 401);
  CHECK(problem->headers.at(0).second == "challenge");
  return problem->detail;
}

std::string code_of(const std::string& secret, const std::string& text) {
  io::Hmac code(io::Hash::kSha256, secret);
  code.update(text);
  return io::to_hex(code.finish());
}

// The example of GitHub's documentation.
const std::string kGithubSecret = "It's a Secret to Everybody";
const Sent kGithub = {
    {{"x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
    "Hello, World!"};

// The example of Slack's documentation.
const std::string kSlackSecret = "8f742231b10e8888abcd99yyyzzz85a5";
const Sent kSlack = {
    {{"X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
     {"X-Slack-Request-Timestamp", "1531420618"}},
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
    "foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
    "hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
    "47445629121.803a0bc887a14d10d2c447fce8b6703c"};

TEST_CASE("the examples of GitHub's and Slack's documentation are accepted") {
  CHECK(verdict({SignatureScheme::kGithub, {kGithubSecret}}, kGithub) == "");
  CHECK(verdict({SignatureScheme::kSlack, {kSlackSecret}}, kSlack) == "");
}

TEST_CASE("another body, another secret and another signature are refused") {
  const Settings settings{SignatureScheme::kGithub, {kGithubSecret}};
  const std::string why = "the signature is not that of this body with our secret";
  Sent sent = kGithub;
  sent.body += "!";
  CHECK(verdict(settings, sent) == why);
  sent.body = "";
  CHECK(verdict(settings, sent) == why);
  CHECK(verdict({SignatureScheme::kGithub, {"another"}}, kGithub) == why);
  for (const char* const signature : {"sha256=", "sha256=7571", "sha256=zz"}) {
    sent = kGithub;
    sent.headers[0].value = signature;
    CHECK(verdict(settings, sent) == why);
  }
  sent.headers[0].value = "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  CHECK_THAT(verdict(settings, sent), Catch::Contains("does not begin with sha256="));
}

TEST_CASE("a signature that is missing, empty or there twice is refused") {
  const Settings settings{SignatureScheme::kGithub, {kGithubSecret}};
  Sent sent = kGithub;
  sent.headers.push_back(sent.headers[0]);
  CHECK_THAT(verdict(settings, sent), Catch::Contains("there twice"));
  sent.headers = {{"X-Hub-Signature-256", ""}};
  CHECK_THAT(verdict(settings, sent), Catch::Contains("X-Hub-Signature-256 is missing"));
  sent.headers = {{"X-Hub-Signature", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"}};
  CHECK_THAT(verdict(settings, sent), Catch::Contains("X-Hub-Signature-256 is missing"));
}

TEST_CASE("several secrets hold while one takes the other's place, and digits may be upper case") {
  CHECK(verdict({SignatureScheme::kGithub, {"old", kGithubSecret, "new"}}, kGithub) == "");
  Sent sent = kGithub;
  sent.headers[0].value = "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17";
  CHECK(verdict({SignatureScheme::kGithub, {kGithubSecret}}, sent) == "");
}

TEST_CASE("Slack's time is signed, and may be five minutes from ours, either way") {
  const Settings settings{SignatureScheme::kSlack, {kSlackSecret}};
  const int64_t signed_at = kSlack.now_s;
  for (const int64_t apart_s : {-300, 300}) {
    Sent sent = kSlack;
    sent.now_s = signed_at + apart_s;
    CHECK(verdict(settings, sent) == "");
    sent.now_s += apart_s > 0 ? 1 : -1;
    CHECK_THAT(verdict(settings, sent), Catch::Contains("too far from ours"));
  }
  Sent sent = kSlack;
  sent.headers[1].value = "1531420619";
  CHECK_THAT(verdict(settings, sent), Catch::Contains("not that of this body"));
  for (const char* const time :
       {"", "now", "-5", "1531420618.5", " 1", "9223372036854775807", "99999999999999999999"}) {
    sent.headers[1].value = time;
    CHECK_FALSE(verdict(settings, sent).empty());
  }
  sent.headers.pop_back();
  CHECK_THAT(verdict(settings, sent), Catch::Contains("X-Slack-Request-Timestamp is missing"));
}

TEST_CASE("Stripe signs the time and the body, and may send several signatures") {
  const std::string body = R"({"id":"evt_1","object":"event"})";
  const std::string right = code_of("whsec_test", "1531420618." + body);
  const std::string wrong = code_of("whsec_other", "1531420618." + body);
  const Settings settings{SignatureScheme::kStripe, {"whsec_test"}};
  const auto asked = [&](const std::string& header) {
    return verdict(settings, {{{"Stripe-Signature", header}}, body});
  };
  CHECK(asked("t=1531420618,v1=" + right) == "");
  CHECK(asked("t=1531420618, v1=" + wrong + ", v1=" + right + ",v0=" + wrong) == "");
  CHECK_THAT(asked("t=1531420618,v1=" + wrong), Catch::Contains("not that of this body"));
  // An older version of the scheme is not one that may be chosen instead.
  CHECK_THAT(asked("t=1531420618,v0=" + right), Catch::Contains("not of the form"));
  CHECK_THAT(asked("t=1531420619,v1=" + right), Catch::Contains("not that of this body"));
  CHECK_THAT(asked("t=1531420000,v1=" + right), Catch::Contains("too far from ours"));
  for (const std::string& bad : {"v1=" + right, std::string("t=1531420618"), "t=x,v1=" + right, std::string(",,,"),
                                 "t=1531420618,t=1531420618,v1=" + right, "t=,v1=" + right}) {
    CHECK_THAT(asked(bad), Catch::Contains("not of the form"));
  }
}

TEST_CASE("a header full of signatures is compared with no more than sixteen") {
  const std::string right = code_of("whsec_test", "1531420618.1");
  std::string header = "t=1531420618";
  for (int i = 0; i < 16; ++i) header += ",v1=00";
  CHECK_FALSE(
      verdict({SignatureScheme::kStripe, {"whsec_test"}}, {{{"Stripe-Signature", header + ",v1=" + right}}, "1"})
          .empty());
}

TEST_CASE("a sender of one's own names header, prefix, digest and encoding") {
  Settings settings{SignatureScheme::kHmac, {"Jefe"}};
  settings.header = "X-Signature";
  settings.hash = io::Hash::kSha1;
  const std::string body = "what do ya want for nothing?";
  CHECK(verdict(settings, {{{"X-Signature", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"}}, body}) == "");
  settings.encoding = SignatureEncoding::kBase64;
  settings.prefix = "b64 ";
  CHECK(verdict(settings, {{{"X-Signature", "b64 7/zfauXrL6LSdBbV8YTfnCWafHk="}}, body}) == "");
  // In base64 letter case counts.
  CHECK_FALSE(verdict(settings, {{{"X-Signature", "b64 7/ZFAUXRL6LSdBbV8YTfnCWafHk="}}, body}).empty());
}

}  // namespace
}  // namespace colloquium::components
