#include "components/http/client_settings.h"

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "config/problems.h"
#include "io/file_system.h"
#include "io/path.h"
#include "net/http_message.h"

namespace colloquium {

ConfigSpec<components::BasicAuth> ConfigObject<components::BasicAuth>::spec() {
  using components::BasicAuth;
  return ConfigSpec<BasicAuth>()
      .field("user", &BasicAuth::user, {.description = "Who logs in.", .required = true})
      .field("password", &BasicAuth::password,
             {.description = "Their password.", .example = "${RECEIVER_PASSWORD}", .required = true});
}

ConfigSpec<components::OAuth2Settings> ConfigObject<components::OAuth2Settings>::spec() {
  using components::OAuth2Settings;
  return ConfigSpec<OAuth2Settings>()
      .field("token_url", &OAuth2Settings::token_url,
             {.description = "Where tokens are given out.", .required = true})
      .field("client_id", &OAuth2Settings::client_id, {.description = "Who asks for one.", .required = true})
      .field("client_secret", &OAuth2Settings::client_secret,
             {.description = "What proves it.", .example = "${CLIENT_SECRET}", .required = true})
      .field("scopes", &OAuth2Settings::scopes, {.description = "What the token is to allow."})
      .field("audience", &OAuth2Settings::audience,
             {.description = "Whom the token is for, where the server asks for that."})
      .field("credentials", &OAuth2Settings::credentials,
             {.description = "Where id and secret stand in the request: an Authorization `header`, or its `body`.",
              .advanced = true});
}

ConfigSpec<components::ClientAuth> ConfigObject<components::ClientAuth>::spec() {
  using components::ClientAuth;
  return ConfigSpec<ClientAuth>()
      .field("basic", &ClientAuth::basic, {.description = "User and password (RFC 7617)."})
      .field("bearer", &ClientAuth::bearer,
             {.description = "A token that does not run out.", .example = "${TOKEN}"})
      .field("oauth2", &ClientAuth::oauth2,
             {.description = "Tokens got with client credentials (RFC 6749, 4.4): kept until shortly before they "
                             "run out, and got anew once when an answer is 401."});
}

namespace components {
namespace {

// The client sets these from the request itself; another value would break its framing.
constexpr std::array<std::string_view, 4> kFramingHeaders = {"Content-Length", "Transfer-Encoding", "Connection",
                                                             "Host"};

// libcurl would take a value without scheme for a host, and one with a typing error for something else.
bool is_proxy_url(const std::string& url) {
  for (const std::string_view scheme : {"http://", "https://", "socks5://", "socks5h://"}) {
    if (url.starts_with(scheme)) {
      return url.size() > scheme.size() && url.find_first_of(" \t\r\n") == url.npos;
    }
  }
  return false;
}

void check_auth(const ClientAuth& auth, const ConfigNode& node, ConfigProblems& problems) {
  if (auth.basic.has_value() + auth.bearer.has_value() + auth.oauth2.has_value() != 1) {
    config::refuse(node, "auth", "auth takes one of basic, bearer and oauth2", problems);
  }
  if (auth.basic && auth.basic->user.find(':') != std::string::npos) {
    config::refuse(node, "auth", "auth: a user's name has no ':'", problems);
  }
  const std::string fixed = fixed_authorization({.auth = auth, .tls = {}, .proxy = {}});
  if (!net::is_header_value(fixed)) {
    config::refuse(node, "auth", "auth: the token holds a character that no header may have", problems);
  }
  if (auth.oauth2 && !auth.oauth2->token_url.empty() && !is_http_url(auth.oauth2->token_url)) {
    config::refuse(node, "auth", "auth: token_url is a whole address, such as https://login.example.org/token",
                   problems);
  }
}

}  // namespace

bool is_http_url(std::string_view url) {
  const size_t host = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  return host != 0 && url.size() > host && url[host] != '/' && url.find_first_of(" \t\r\n") == url.npos;
}

void check_url(const std::string& url, const ConfigNode& node, std::string_view example, ConfigProblems& problems) {
  const ConfigNode* stands = node.kind == ConfigNode::Kind::kMap ? node.find("url") : nullptr;
  if (stands == nullptr || stands->unresolved || url.empty() || is_http_url(url)) return;
  config::refuse(node, "url", "url is a whole address, such as " + std::string(example), problems);
}

void check_fixed_headers(const std::map<std::string, std::string>& headers,
                         std::initializer_list<std::string_view> own, bool has_auth, const ConfigNode& node,
                         ConfigProblems& problems) {
  for (const auto& [name, value] : headers) {
    const auto is_name = [&name = name](std::string_view other) { return net::equals_ignoring_case(name, other); };
    if (std::any_of(kFramingHeaders.begin(), kFramingHeaders.end(), is_name) ||
        std::any_of(own.begin(), own.end(), is_name)) {
      config::refuse(node, "headers", name + " is set for every request and cannot be given", problems);
    } else if (has_auth && is_name("Authorization")) {
      config::refuse(node, "headers", name + " is what auth sets: give one of the two", problems);
    } else if (!net::is_header_name(name) || !net::is_header_value(value)) {
      config::refuse(node, "headers", "'" + name + "' and its value are no header", problems);
    }
  }
}

void check_client(const ClientSettings& settings, const ConfigNode& node, ConfigProblems& problems) {
  if (settings.auth) check_auth(*settings.auth, node, problems);
  if (settings.tls && settings.tls->certificate.empty() != settings.tls->key.empty()) {
    config::refuse(node, "tls", "tls: certificate and key belong together", problems);
  }
  if (!settings.proxy.value.empty() && !is_proxy_url(settings.proxy.value)) {
    config::refuse(node, "proxy", "proxy is a whole address, such as http://proxy:3128", problems);
  }
}

void check_client_files(const ClientSettings& settings, const std::string& base_dir, const ConfigMark& mark,
                        ConfigProblems& problems) {
  if (!settings.tls) return;
  const config::TlsSettings tls = config::resolved(*settings.tls, base_dir);
  for (const auto& [name, path] : {std::pair<const char*, const std::string&>{"ca", tls.ca},
                                   {"certificate", tls.certificate},
                                   {"key", tls.key}}) {
    if (path.empty() || io::posix_file_system().info(path)) continue;
    problems.push_back(
        {.mark = mark, .message = std::string("tls: ") + name + ": there is no file '" + path + "'"});
  }
}

net::ClientOptions client_options(const ClientSettings& settings, const std::string& base_dir,
                                  size_t connections) {
  net::ClientOptions options{
      .connections_per_host = connections, .connections = connections, .proxy = settings.proxy.value, .tls = {}};
  if (!settings.tls) return options;
  const config::TlsSettings tls = config::resolved(*settings.tls, base_dir);
  options.tls = {.ca = tls.ca,
                 .certificate = tls.certificate,
                 .key = tls.key,
                 .key_password = tls.key_password.value,
                 .verify = tls.verify};
  return options;
}

std::string fixed_authorization(const ClientSettings& settings) {
  if (!settings.auth) return {};
  if (settings.auth->bearer) return "Bearer " + settings.auth->bearer->value;
  if (!settings.auth->basic) return {};
  std::string value = "Basic ";
  append_base64(settings.auth->basic->user + ":" + settings.auth->basic->password.value, value);
  return value;
}

}  // namespace components
}  // namespace colloquium
