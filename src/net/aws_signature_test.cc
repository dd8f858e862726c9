#include "net/aws_signature.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <simdjson.h>

#include "net/http_date.h"
#include "tests/skip.h"

namespace colloquium::net {
namespace {

namespace fs = std::filesystem;

// The credentials that AWS's documents and tests use.
const AwsCredentials kExample = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
constexpr int64_t kThen = 1440938160000;  // 20150830T123600Z

AwsSigner signer(AwsCredentials credentials = kExample, AwsScope scope = {"us-east-1", "bedrock"},
                 AwsSigning signing = {}) {
  return AwsSigner::create(std::move(credentials), std::move(scope), signing).value();
}

std::string value_of(const NamedTexts& headers, const std::string& name) {
  for (const auto& header : headers) {
    if (header.first == name) return header.second;
  }
  return "(none)";
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A case of AWS's own test suite: a request and how it is to be signed.
struct SuiteCase {
  AwsCredentials credentials;
  AwsScope scope;
  AwsSigning signing;
  int64_t wall_ms = 0;
  int64_t expires_s = 0;
  std::string method, path, query, body;
  NamedTexts headers;
};

std::string text_of(simdjson::dom::element element, const char* name) {
  std::string_view text;
  return element[name].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

bool flag_of(simdjson::dom::element element, const char* name) {
  bool flag = false;
  return element[name].get(flag) == simdjson::SUCCESS && flag;
}

void read_context(const fs::path& path, SuiteCase& out) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text(read(path));
  const simdjson::dom::element context = parser.parse(text).value();
  const simdjson::dom::element credentials = context["credentials"].value();
  out.credentials = {text_of(credentials, "access_key_id"), text_of(credentials, "secret_access_key"),
                     text_of(credentials, "token")};
  out.scope = {text_of(context, "region"), text_of(context, "service")};
  out.signing.normalize_path = flag_of(context, "normalize");
  out.signing.sign_session_token = !flag_of(context, "omit_session_token");
  out.signing.body_hash_header = flag_of(context, "sign_body");
  out.expires_s = context["expiration_in_seconds"].get_int64().value();
  std::string date = text_of(context, "timestamp");
  std::erase_if(date, [](char c) { return c == '-' || c == ':'; });
  out.wall_ms = parse_basic_date(date).value();
}

void read_request(const fs::path& path, SuiteCase& out) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  const size_t target = line.find(' ') + 1, version = line.rfind(" HTTP/1.1");
  out.method = line.substr(0, target - 1);
  out.path = line.substr(target, version - target);
  const size_t mark = out.path.find('?');
  if (mark != std::string::npos) out.query = out.path.substr(mark + 1);
  out.path.resize(std::min(mark, out.path.size()));
  while (std::getline(file, line) && !line.empty()) {
    const size_t colon = line.find(':');
    if (line.front() == ' ') {
      out.headers.back().second += "\n" + line;
    } else {
      out.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    }
  }
  out.body.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::vector<fs::path> suite() {
  std::vector<fs::path> cases;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(PROJECT_SOURCE_DIR "/../shared/data/aws/sigv4", absent))
    cases.push_back(entry.path());
  return cases;
}

void compare(const AwsSignature& found, const fs::path& folder, const std::string& kind) {
  CHECK(found.canonical_request == read(folder / (kind + "-canonical-request.txt")));
  CHECK(found.string_to_sign == read(folder / (kind + "-string-to-sign.txt")));
  CHECK(found.signature == read(folder / (kind + "-signature.txt")));
}

// The line of a signed request that begins so, behind its name.
std::string line_of(const std::string& request, const std::string& name) {
  const size_t at = request.find("\n" + name + ":");
  if (at == std::string::npos) return "(none)";
  const size_t begin = at + name.size() + 2;
  return request.substr(begin, request.find('\n', begin) - begin);
}

void check_case(const fs::path& folder) {
  SuiteCase given;
  read_context(folder / "context.json", given);
  read_request(folder / "request.txt", given);
  const AwsSigner made = signer(given.credentials, given.scope, given.signing);
  const AwsRequest request{given.method, given.path, given.query, given.headers, given.body};
  const auto in_headers = made.sign(request, given.wall_ms);
  REQUIRE(in_headers);
  compare(*in_headers, folder, "header");
  const std::string signed_request = read(folder / "header-signed-request.txt");
  CHECK(value_of(in_headers->headers, "authorization") == line_of(signed_request, "Authorization"));
  CHECK(value_of(in_headers->headers, "x-amz-date") == line_of(signed_request, "X-Amz-Date"));
  CHECK(value_of(in_headers->headers, "x-amz-security-token") == line_of(signed_request, "X-Amz-Security-Token"));
  CHECK(value_of(in_headers->headers, "x-amz-content-sha256") == line_of(signed_request, "x-amz-content-sha256"));

  const auto in_query = made.presign(request, given.wall_ms, given.expires_s);
  REQUIRE(in_query);
  compare(*in_query, folder, "query");
  CHECK(in_query->headers.empty());
  const std::string target = given.path + "?" + given.query + (given.query.empty() ? "" : "&") + in_query->query;
  const std::string presigned = read(folder / "query-signed-request.txt");
  CHECK(given.method + " " + target + " HTTP/1.1" == presigned.substr(0, presigned.find('\n')));
}

TEST_CASE("every case of AWS's test suite is signed as it says, in headers and in the query") {
  const auto cases = suite();
  if (cases.empty()) SKIP_TEST("no test suite of AWS beside the project");
  CHECK(cases.size() == 38);
  for (const auto& folder : cases) {
    INFO(folder.filename().string());
    check_case(folder);
  }
}

TEST_CASE("a request to Bedrock is signed as AWS's own libraries sign it, its path encoded twice") {
  const NamedTexts headers = {{"Host", "bedrock-runtime.us-east-1.amazonaws.com"},
                              {"Content-Type", "application/json"}};
  const AwsRequest request{"POST", "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", "", headers,
                           R"({"messages":[]})"};
  const auto found = signer().sign(request, kThen);
  REQUIRE(found);
  CHECK(found->canonical_request.find("\n/model/anthropic.claude-3-haiku-20240307-v1%253A0/converse\n") !=
        std::string::npos);
  CHECK(found->signature == "dba7f2f77cc33808be655f27b8ebf1d1b1d77751fc96dad0bd71e020cb07c442");
  CHECK(value_of(found->headers, "authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=dba7f2f77cc33808be655f27b8ebf1d1b1d77751fc96dad0bd71e020cb07c442");
}

TEST_CASE("a request to S3 is signed as its documents have it, its path encoded once") {
  // Amazon S3 API Reference, "Signature Calculations for the Authorization Header", GET Object.
  const AwsSigner s3 = signer({"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""},
                              {"us-east-1", "s3"}, {false, false, true, true});
  const NamedTexts headers = {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}};
  const auto found = s3.sign({"GET", "/test.txt", "", headers, ""}, parse_basic_date("20130524T000000Z").value());
  REQUIRE(found);
  CHECK(found->signature == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  const auto presigned = s3.presign({"GET", "/test.txt", "", std::span(headers).first(1), "", "UNSIGNED-PAYLOAD"},
                                    parse_basic_date("20130524T000000Z").value(), 86400);
  REQUIRE(presigned);
  CHECK(presigned->signature == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  const auto strange = s3.sign({"GET", "/a//./b%3A/", "", headers, ""}, kThen);
  CHECK(strange->canonical_request.starts_with("GET\n/a//./b%3A/\n"));
}

TEST_CASE("what others change on the way is not signed, and the signer's own headers are not taken twice") {
  const NamedTexts headers = {{"host", "h"},
                              {"User-Agent", "x"},
                              {"Connection", "close"},
                              {"Proxy-Authorization", "p"},
                              {"Sec-Fetch-Mode", "s"},
                              {"Authorization", "an old one"},
                              {"X-Amz-Date", "20140101T000000Z"},
                              {"X-Amz-Security-Token", "old"},
                              {"X-Amz-Content-Sha256", "old"},
                              {"accept", "a"}};
  const AwsRequest request{"POST", "", "", headers, "body"};
  AwsCredentials with_token = kExample;
  with_token.session_token = "new";
  const auto found = signer(with_token, {"r", "s"}, {true, true, true, true}).sign(request, kThen);
  REQUIRE(found);
  const std::string names = "accept;host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
  CHECK(found->canonical_request.find("\n\n" + names + "\n") != std::string::npos);
  CHECK(found->canonical_request.find("old") == std::string::npos);
  CHECK(found->headers.size() == 4);
  CHECK(value_of(found->headers, "x-amz-security-token") == "new");
  // Signing once more, with what was returned in the place of the old, gives the same.
  NamedTexts again = {{"host", "h"}, {"accept", "a"}};
  again.insert(again.end(), found->headers.begin(), found->headers.end());
  const auto second =
      signer(with_token, {"r", "s"}, {true, true, true, true}).sign({"POST", "/", "", again, "body"}, kThen);
  CHECK(second->signature == found->signature);
}

TEST_CASE("paths are normalised and queries brought into order, whatever they hold") {
  const NamedTexts headers = {{"Host", "h"}};
  const auto canonical = [&](std::string_view path, std::string_view query) {
    const auto found = signer().sign({"GET", path, query, headers, ""}, kThen);
    const size_t begin = found->canonical_request.find('\n') + 1;
    return found->canonical_request.substr(begin, found->canonical_request.find("\nhost:") - begin);
  };
  CHECK(canonical("", "") == "/\n");
  CHECK(canonical("/../../a", "") == "/a\n");
  CHECK(canonical("/a/./b/../c//", "") == "/a/c/\n");
  CHECK(canonical("/a/..", "") == "/\n");
  CHECK(canonical("/a+b=c(d)%20", "") == "/a%2Bb%3Dc%28d%29%2520\n");
  CHECK(canonical("/", "b=2&a=2&a=1&a-=0&&c&d=&e=f=g") == "/\na=1&a=2&a-=0&b=2&c=&d=&e=f%3Dg");
  CHECK(canonical("/", "a=%zz&b=%4&c=%41%2f+&d=%") == "/\na=%25zz&b=%254&c=A%2F%2B&d=%25");
}

TEST_CASE("the hash of a body may be given in its place") {
  const NamedTexts headers = {{"Host", "h"}};
  const auto whole = signer().sign({"PUT", "/", "", headers, "text"}, kThen);
  const auto hashed = signer().sign(
      {"PUT", "/", "", headers, "", "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"}, kThen);
  CHECK(whole->signature == hashed->signature);
  CHECK(signer().sign({"PUT", "/", "", headers, "other"}, kThen)->signature != whole->signature);
}

TEST_CASE("what cannot be signed is refused, and no message holds a secret") {
  const auto refusal = [](AwsCredentials credentials, AwsScope scope = {"r", "s"}) {
    const auto made = AwsSigner::create(std::move(credentials), std::move(scope));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == ErrorCode::kInvalidConfig);
    for (const char* secret : {"AKID", "hidden", "hush"})
      CHECK(made.error().describe().find(secret) == std::string::npos);
    return made.error().message;
  };
  CHECK(refusal({"", "hidden", "hush"}).find("access key id is empty") != std::string::npos);
  (void)refusal({"AKID\r\nx: y", "hidden", "hush"});
  (void)refusal({"AKID/1", "hidden", "hush"});
  (void)refusal({"AKID", "", "hush"});
  (void)refusal({"AKID", "hidden", "hush\nx: y"});
  (void)refusal({"AKID", "hidden", ""}, {"", "s"});
  (void)refusal({"AKID", "hidden", ""}, {"r", ""});
  (void)refusal({"AKID", "hidden", ""}, {"r/x", "s"});

  const auto nowhere = signer().sign({"GET", "/", "", {}, ""}, kThen);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == ErrorCode::kInvalidInput);
  CHECK(nowhere.error().message.find("Host") != std::string::npos);
  const NamedTexts headers = {{"Host", "h"}};
  for (const int64_t expires_s : {int64_t{-1}, int64_t{0}, AwsSigner::kExpiresMaxS + 1})
    CHECK_FALSE(signer().presign({"GET", "/", "", headers, ""}, kThen, expires_s));
}

TEST_CASE("an answer's date says by how much to correct the clock, if that can be what is wrong") {
  const auto correction = [](NamedTexts headers) { return aws_clock_correction_ms(headers, kThen); };
  CHECK(correction({{"date", "Sun, 30 Aug 2015 13:36:00 GMT"}}) == 3'600'000);
  CHECK(correction({{"Date", "Sun, 30 Aug 2015 11:36:00 GMT"}}) == -3'600'000);
  CHECK(correction({{"X-Amz-Date", "20150830T124600Z"}}) == 600'000);
  for (const bool first : {true, false}) {
    NamedTexts both = {{"Date", "Sun, 30 Aug 2015 13:36:00 GMT"}, {"x-amz-date", "20150830T124600Z"}};
    if (first) std::swap(both[0], both[1]);
    CHECK(correction(both) == 600'000);
  }
  CHECK(correction({{"x-amz-date", "now"}, {"Date", "Sun, 30 Aug 2015 13:36:00 GMT"}}) == 3'600'000);
  CHECK_FALSE(correction({{"Date", "Sun, 30 Aug 2015 12:40:00 GMT"}}));
  CHECK(correction({{"Date", "Sun, 30 Aug 2015 12:40:01 GMT"}}) == 241'000);
  CHECK_FALSE(correction({{"Date", "soon"}}));
  CHECK_FALSE(correction({}));
}

}  // namespace
}  // namespace colloquium::net
