#include "ai/endpoint_settings.h"

#include "config/problems.h"
#include "io/path.h"
#include "net/http_message.h"

namespace colloquium::ai {
namespace {

void check_headers(const std::map<std::string, std::string>& headers, const ConfigNode& node,
                   ConfigProblems& problems) {
  for (const auto& [name, value] : headers) {
    if (net::is_header_name(name) && net::is_header_value(value)) continue;
    config::refuse(node, "headers", "'" + name + "' and its value are no header", problems);
  }
}

}  // namespace

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string path_from(const std::string& base_dir, const std::string& path) {
  return path.empty() || path.starts_with('/') || base_dir.empty() ? path : io::join(base_dir, path);
}

void check_url(const std::string& url, std::string_view field, const ConfigNode& node, ConfigProblems& problems) {
  const ConfigNode* given = node.find(field);
  if (given == nullptr || given->unresolved) return;
  const size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  const bool plain = url.find_first_of(" \t\r\n?#") == std::string::npos;
  if (scheme > 0 && url.size() > scheme && url[scheme] != '/' && plain) return;
  config::refuse(
      node, field,
      std::string(field) + " must be http:// or https:// with a host, without a query, " + config::found(*given),
      problems);
}

void check_key(const Secret& key, std::string_view field, const ConfigNode& node, ConfigProblems& problems) {
  const ConfigNode* given = node.find(field);
  if (given == nullptr || given->unresolved || given->kind != ConfigNode::Kind::kString) return;
  if (!key.value.empty() && net::is_header_value(key.value)) return;
  config::refuse(node, field,
                 std::string(field) + (key.value.empty() ? " is empty" : " holds what no header can carry"),
                 problems);
}

void check_access(const EndpointSettings& settings, const ConfigNode& node, ConfigProblems& problems) {
  check_headers(settings.headers, node, problems);
  check_key(settings.api_key, "api_key", node, problems);
  const bool both = node.find("api_key") != nullptr && node.find("api_key_file") != nullptr;
  if (both) config::refuse(node, "api_key_file", "give either api_key or api_key_file", problems);
}

void check_endpoint(const EndpointSettings& settings, const EndpointRules& rules, const ConfigNode& node,
                    ConfigProblems& problems) {
  check_url(settings.base_url, "base_url", node, problems);
  check_access(settings, node, problems);
  const bool key = node.find("api_key") != nullptr;
  const bool file = node.find("api_key_file") != nullptr;
  const bool own = !rules.default_url.empty() && node.find("base_url") == nullptr;
  if (own && !key && !file) {
    config::add_error(problems, node.mark, std::string(rules.name) + " needs api_key or api_key_file");
  }
}

AiConnection connection(const EndpointSettings& settings, const std::string& default_url,
                        const std::string& base_dir, std::unique_ptr<AiProvider> provider) {
  AiConnection made;
  made.provider = std::move(provider);
  made.access.base_url = without_slash(settings.base_url.empty() ? default_url : settings.base_url);
  made.access.key = settings.api_key.value;
  made.access.headers.assign(settings.headers.begin(), settings.headers.end());
  made.key_file = path_from(base_dir, settings.api_key_file);
  return made;
}

}  // namespace colloquium::ai
