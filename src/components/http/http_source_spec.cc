// The settings of the http source, and how it is made.

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "components/http/http_source.h"
#include "config/problems.h"
#include "net/http_message.h"
#include "net/http_server.h"

namespace colloquium {

template <>
struct ConfigEnum<components::HttpSourceMethod> {
  static constexpr std::pair<std::string_view, components::HttpSourceMethod> values[] = {
      {"POST", components::HttpSourceMethod::kPost},
      {"PUT", components::HttpSourceMethod::kPut},
      {"PATCH", components::HttpSourceMethod::kPatch}};
};

template <>
struct ConfigEnum<components::SignatureScheme> {
  static constexpr std::pair<std::string_view, components::SignatureScheme> values[] = {
      {"github", components::SignatureScheme::kGithub},
      {"stripe", components::SignatureScheme::kStripe},
      {"slack", components::SignatureScheme::kSlack},
      {"hmac", components::SignatureScheme::kHmac}};
};

template <>
struct ConfigEnum<components::SignatureEncoding> {
  static constexpr std::pair<std::string_view, components::SignatureEncoding> values[] = {
      {"hex", components::SignatureEncoding::kHex}, {"base64", components::SignatureEncoding::kBase64}};
};

template <>
struct ConfigEnum<io::Hash> {
  static constexpr std::pair<std::string_view, io::Hash> values[] = {
      {"sha256", io::Hash::kSha256}, {"sha1", io::Hash::kSha1}, {"sha512", io::Hash::kSha512}};
};

template <>
struct ConfigObject<components::BasicAuthConfig> {
  static ConfigSpec<components::BasicAuthConfig> spec() {
    using components::BasicAuthConfig;
    return ConfigSpec<BasicAuthConfig>()
        .field("user", &BasicAuthConfig::user,
               {.description = "Name of the user.", .required = true, .minimum = 1})
        .field("password", &BasicAuthConfig::password, {.description = "The user's password.", .required = true});
  }
};

template <>
struct ConfigObject<components::BearerAuthConfig> {
  static ConfigSpec<components::BearerAuthConfig> spec() {
    using components::BearerAuthConfig;
    return ConfigSpec<BearerAuthConfig>()
        .field("token", &BearerAuthConfig::token, {.description = "The token."})
        .field(
            "tokens", &BearerAuthConfig::tokens,
            {.description = "Further tokens that hold as well: while one takes another's place.", .secret = true})
        .shorthand("token");
  }
};

template <>
struct ConfigObject<components::SignatureAuthConfig> {
  static ConfigSpec<components::SignatureAuthConfig> spec() {
    using components::SignatureAuthConfig;
    return ConfigSpec<SignatureAuthConfig>()
        .field(
            "scheme", &SignatureAuthConfig::scheme,
            {.description = "Whose way of signing: `github` (X-Hub-Signature-256), `stripe` (Stripe-Signature), "
                            "`slack` (X-Slack-Signature), or `hmac`: an HMAC of the body in a header.",
             .required = true})
        .field("secret", &SignatureAuthConfig::secret, {.description = "What the sender signs with."})
        .field(
            "secrets", &SignatureAuthConfig::secrets,
            {.description = "Further secrets that hold as well: while one takes another's place.", .secret = true})
        .field(
            "tolerance", &SignatureAuthConfig::tolerance,
            {.description = "`stripe`, `slack`: how far the signed time may be from this machine's clock; 5m if "
                            "not given.",
             .minimum = 1000,
             .maximum = 86'400'000})
        .field("header", &SignatureAuthConfig::header, {.description = "`hmac`: the header with the signature."})
        .field("prefix", &SignatureAuthConfig::prefix,
               {.description = "`hmac`: what stands in front of it, as in `sha256=`."})
        .field("algorithm", &SignatureAuthConfig::algorithm,
               {.description = "`hmac`: the digest; sha256 if not given."})
        .field("encoding", &SignatureAuthConfig::encoding,
               {.description = "`hmac`: how its bytes are written; hex if not given."});
  }
};

template <>
struct ConfigObject<components::HttpAuthConfig> {
  static ConfigSpec<components::HttpAuthConfig> spec() {
    using components::HttpAuthConfig;
    return ConfigSpec<HttpAuthConfig>()
        .field("basic", &HttpAuthConfig::basic, {.description = "A user and a password (RFC 7617)."})
        .field("bearer", &HttpAuthConfig::bearer, {.description = "A token (RFC 6750)."})
        .field("signature", &HttpAuthConfig::signature,
               {.description = "The body is signed with a secret that both sides know."});
  }
};

template <>
struct ConfigObject<components::HttpCorsConfig> {
  static ConfigSpec<components::HttpCorsConfig> spec() {
    using components::HttpCorsConfig;
    return ConfigSpec<HttpCorsConfig>()
        .field("origins", &HttpCorsConfig::origins,
               {.description =
                    "Origins whose pages may send events, as `https://app.example.org`; `*` for every one.",
                .required = true,
                .minimum = 1})
        .field("headers", &HttpCorsConfig::headers, {.description = "Headers that a page may set."})
        .field("max_age", &HttpCorsConfig::max_age,
               {.description = "How long a browser may keep the answer to its first question.",
                .minimum = 0,
                .maximum = 86'400'000});
  }
};

template <>
struct ConfigObject<components::HttpWebSocketConfig> {
  static ConfigSpec<components::HttpWebSocketConfig> spec() {
    using components::HttpWebSocketConfig;
    return ConfigSpec<HttpWebSocketConfig>()
        .field(
            "acks", &HttpWebSocketConfig::acks,
            {.description = "Each message is answered by one, in their order, with what a post would be answered. "
                            "Without it nothing is said, and a message that is refused ends the connection."})
        .field(
            "idle_timeout", &HttpWebSocketConfig::idle_timeout,
            {.description = "So long without a byte of the client, and the connection is closed; after half of it "
                            "the client is sent a ping.",
             .minimum = 1000,
             .maximum = 86'400'000})
        .field("max_connections", &HttpWebSocketConfig::max_connections,
               {.description = "Connections at a time, on all paths together; another is answered 503.",
                .minimum = 1,
                .maximum = 10'000});
  }
};

namespace components {
namespace {

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  auto* server = context.services.find<net::HttpServer>();
  if (server == nullptr) {
    return fail(ErrorCode::kInvalidConfig, "an http source needs the ingest server; give --listen an address",
                context.pipeline + "/" + context.name);
  }
  return std::make_unique<HttpSource>(std::move(context), config_of<HttpSourceConfig>(parsed), *server);
}

// A star stands for everything below, and nowhere else.
bool is_path(std::string_view path) {
  if (path.ends_with("/*")) path.remove_suffix(1);
  return path.starts_with('/') && path.find_first_of(" \t\r\n?#*") == path.npos;
}

void check_paths(const HttpSourceConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const std::vector<std::string> paths = paths_of(config);
  if (paths.empty()) {
    const ConfigNode* const given = node.kind == ConfigNode::Kind::kMap ? node.find("path") : nullptr;
    const bool unread = given != nullptr && given->kind != ConfigNode::Kind::kString;
    if (!unread) config::refuse(node, "paths", "a path is needed, as in path: /orders", problems);
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    const char* const field = i == 0 && !config.path.empty() ? "path" : "paths";
    if (!is_path(paths[i])) {
      config::refuse(
          node, field,
          "path begins with '/' and holds no space, '?' or '#', as in /orders; '*' only at its end, for "
          "everything below, as in /hooks/*",
          problems);
    }
    const auto here = paths.begin() + static_cast<ptrdiff_t>(i);
    if (std::find(paths.begin(), here, *here) != here) {
      config::refuse(node, "paths", "the path " + paths[i] + " is named twice", problems);
    }
  }
}

// A header that the source fills in must not be one that the sender may fill in as well.
void check_own_header(const HttpSourceConfig& config, const char* field, const std::string& name,
                      const ConfigNode& node, ConfigProblems& problems) {
  if (name.empty()) return;
  if (!net::is_header_name(name)) config::refuse(node, field, "'" + name + "' is no name of a header", problems);
  const bool is_sent = std::any_of(config.headers.begin(), config.headers.end(),
                                   [&](const std::string& sent) { return net::equals_ignoring_case(sent, name); });
  if (is_sent) {
    config::refuse(node, field, name + " is among headers, too: a sender could say what it likes there", problems);
  }
}

void check_headers(const HttpSourceConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  for (const std::string& name : config.headers) {
    const bool secret =
        net::equals_ignoring_case(name, "authorization") || net::equals_ignoring_case(name, "cookie");
    if (secret) {
      config::refuse(node, "headers", name + " is never kept: it would put secrets into the event log", problems);
    } else if (!net::is_header_name(name)) {
      config::refuse(node, "headers", "'" + name + "' is no name of a header", problems);
    }
  }
  check_own_header(config, "path_header", config.path_header, node, problems);
  check_own_header(config, "certificate_header", config.certificate_header, node, problems);
}

// As a browser sends it: scheme and host in lower case, no path.
bool is_origin(std::string_view origin) {
  if (origin == "*") return true;
  const size_t host = origin.find("://");
  if (host == origin.npos || host == 0 || host + 3 == origin.size()) return false;
  return origin.find_first_of(" \t\r\n/?#*", host + 3) == origin.npos &&
         std::none_of(origin.begin(), origin.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

void check_cors(const HttpCorsConfig& cors, const ConfigNode& node, ConfigProblems& problems) {
  for (const std::string& origin : cors.origins) {
    if (is_origin(origin)) continue;
    config::refuse(
        node, "origins",
        "'" + origin + "' is no origin: scheme and host as a browser sends them, https://app.example.org",
        problems);
  }
  for (const std::string& name : cors.headers) {
    if (!net::is_header_name(name))
      config::refuse(node, "headers", "'" + name + "' is no name of a header", problems);
  }
}

void check_config(const HttpSourceConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  check_paths(config, node, problems);
  if (config.format && config.split) {
    config::refuse(node, "split", "split is for JSON bodies, as their content type says; leave it or format out",
                   problems);
  }
  check_headers(config, node, problems);
  if (config.websocket && config.auth && config.auth->signature) {
    config::refuse(
        node, "websocket",
        "a signature is that of a body, and messages over WebSocket have none; use basic or bearer, or a "
        "path of its own",
        problems);
  }
  if (node.kind != ConfigNode::Kind::kMap) return;
  const ConfigNode* const auth = node.find("auth");
  if (config.auth && auth != nullptr) check_auth_config(*config.auth, *auth, problems);
  const ConfigNode* const cors = node.find("cors");
  if (config.cors && cors != nullptr) check_cors(*config.cors, *cors, problems);
}

ConfigSpec<HttpSourceConfig> spec() {
  return ConfigSpec<HttpSourceConfig>()
      .field("path", &HttpSourceConfig::path,
             {.description = "Where to post to: the whole path of the URL, or `/hooks/*` for everything below "
                             "/hooks/. This or `paths` is needed."})
      .field("paths", &HttpSourceConfig::paths,
             {.description =
                  "Further paths; an exact one goes before one with a star, a longer one before a shorter.",
              .example = "[/orders, /hooks/*]"})
      .field("path_header", &HttpSourceConfig::path_header,
             {.description = "Name of a header of the events that says which path they were posted to.",
              .example = "X-Path"})
      .field("certificate_header", &HttpSourceConfig::certificate_header,
             {.description = "Name of a header of the events with the subject of the client's certificate, where "
                             "`tls_client_ca` asks for one.",
              .example = "X-Client"})
      .field("methods", &HttpSourceConfig::methods, {.description = "Methods taken; others are answered 405."})
      .field("split", &HttpSourceConfig::split,
             {.description = "A JSON body is an array, and each of its elements an event."})
      .field("format", &HttpSourceConfig::format,
             {.description = "What bodies of any content type are. Not given: the content type says whether they "
                             "are JSON or NDJSON."})
      .field("max_body", &HttpSourceConfig::max_body,
             {.description = "Longest body taken, before and after decompression; 413 beyond it.",
              .minimum = 1,
              .maximum = 1 << 30})
      .field("max_event", &HttpSourceConfig::max_event,
             {.description = "Longest event taken; a request that holds a longer one is answered 413.",
              .minimum = 1,
              .maximum = 64 << 20})
      .field("headers", &HttpSourceConfig::headers,
             {.description = "Headers of the request that become headers of its events."})
      .field("auth", &HttpSourceConfig::auth,
             {.description = "Who may post, by one of the three ways; 401 to others. Without it anyone may."})
      .field("cors", &HttpSourceConfig::cors,
             {.description = "Which web pages may post from a browser; other pages are answered 403."})
      .field("websocket", &HttpSourceConfig::websocket,
             {.description =
                  "A GET of its paths may go on as WebSocket (RFC 6455): each message is taken as the body "
                  "of a post. `{}` for the defaults.",
              .example = "{acks: true}"});
}

std::vector<Claim> claims(const ParsedConfig& parsed, const std::string&) {
  const auto& config = config_of<HttpSourceConfig>(parsed);
  std::vector<Claim> all;
  for (const std::string& path : paths_of(config)) {
    all.push_back({"the path " + path, path == config.path ? "path" : "paths", false,
                   "give every http source a path of its own"});
  }
  return all;
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "http";
  d.summary = "Takes events that are posted to paths of the ingest server.";
  d.description =
      "A body is one JSON value; a JSON array of events with `split: true`; or NDJSON, by its content type; or, "
      "whatever its content type, what `format` says. The "
      "answer is 200 with how many events were accepted and where they stand, sent when the declared `ack` "
      "holds; or a problem (RFC 9457) with the position of the first bad byte, and nothing of that request is "
      "kept. Bodies may be gzip or zstd encoded; signatures are those of the bytes as they were sent. With "
      "`websocket` "
      "messages over WebSocket are taken in the same way.";
  d.input_trust =
      "Anyone who reaches the port: every request is bounded in size and time, and every byte is checked before "
      "it is accepted. With `auth`, a body of whoever is not known is neither decompressed nor looked into.";
  d.guarantee =
      "What was answered 200 is accepted. A client that retries after a lost answer sends its events twice: "
      "exactly once needs `dedupe` with the client's id.";
  d.examples = {
      {"Webhooks", "http: {path: /orders}"},
      {"Batches of events with a header kept", "http: {path: /bulk, split: true, headers: [X-Tenant]}"},
      {"Lines of logfmt, as log drains send them", "http: {path: /drain, format: logfmt}"},
      {"Webhooks of GitHub, signed",
       "http:\n  path: /github\n  headers: [X-GitHub-Event]\n  auth: {signature: {scheme: github, secret: "
       "\"${GITHUB_SECRET}\"}}"},
      {"A token, and several paths of which the events know theirs",
       "http:\n  paths: [/orders, /hooks/*]\n  path_header: X-Path\n  auth: {bearer: \"${TOKEN}\"}"},
      {"Over WebSocket, with an answer to each message", "http: {path: /live, websocket: {acks: true}}"},
      {"From the pages of a shop", "http:\n  path: /clicks\n  cors: {origins: [\"https://shop.example.org\"]}"}};
  bind_spec(d, spec(), check_config);
  d.create_source = create;
  d.source_traits = [](const ParsedConfig& parsed) {
    return SourceTraits{.rereadable = false,
                        .finite = false,
                        .listens = true,
                        .max_event_bytes = config_of<HttpSourceConfig>(parsed).max_event.bytes};
  };
  d.claims = claims;
  return d;
}

}  // namespace

const Descriptor& http_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

}  // namespace components
}  // namespace colloquium
