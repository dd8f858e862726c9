#include "config/settings.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <string>

#include "config/problems.h"
#include "config/testing/components.h"

namespace colloquium::config {
namespace {

struct Outcome {
  LoadedSettings loaded;
  std::string messages;

  std::string origin(std::string_view name) const {
    for (const SettingOrigin& origin : loaded.origins) {
      if (origin.name == name) return origin.value + " from " + origin.origin;
    }
    return "none";
  }
};

Outcome load(const SettingsSources& sources) {
  ConfigProblems problems;
  Outcome outcome{load_settings(sources, problems), {}};
  outcome.messages = describe(problems);
  return outcome;
}

SettingsText file(std::string text) {
  return {"colloquium.yaml", std::move(text)};
}

}  // namespace

TEST_CASE("without any source every setting has its default and says so", "[REQ-251]") {
  const Outcome outcome = load({});
  CHECK(outcome.messages == "");
  CHECK(outcome.loaded.settings.data_dir == "./colloquium-data");
  CHECK(outcome.loaded.settings.listen == "127.0.0.1:8080");
  CHECK(outcome.loaded.settings.admin == "127.0.0.1:9464");
  CHECK(outcome.loaded.settings.workers == 0);
  CHECK(outcome.origin("listen") == "\"127.0.0.1:8080\" from default");
  CHECK(outcome.loaded.origins.size() == settings_spec().object().fields.size());
}

TEST_CASE("later places win: default, file, overlay, variable, flag", "[REQ-251][REQ-252]") {
  SettingsSources sources;
  const auto data_dir = [&sources] { return load(sources).loaded.settings.data_dir; };
  CHECK(data_dir() == "./colloquium-data");
  sources.file = file("data_dir: from-file\nworkers: 3\n");
  CHECK(data_dir() == "from-file");
  sources.overlay = SettingsText{"colloquium.production.yaml", "\ndata_dir: from-overlay\n"};
  CHECK(data_dir() == "from-overlay");
  CHECK(load(sources).origin("data_dir") == "from-overlay from colloquium.production.yaml:2:11");
  sources.variables = {{"COLLOQUIUM_DATA_DIR", "from-variable"}, {"PATH", "/bin"}};
  CHECK(data_dir() == "from-variable");
  CHECK(load(sources).origin("data_dir") == "from-variable from COLLOQUIUM_DATA_DIR");
  sources.flags = {{"data-dir", "from-flag"}};
  CHECK(data_dir() == "from-flag");
  CHECK(load(sources).origin("data_dir") == "from-flag from --data-dir");
  CHECK(load(sources).origin("workers") == "3 from colloquium.yaml:2:10");
  CHECK(load(sources).messages == "");
}

TEST_CASE("every setting can be given as a variable and as a flag", "[REQ-251]") {
  const std::pair<const char*, const char*> values[] = {
      {"data_dir", "/d"},      {"listen", "0.0.0.0:0"},        {"admin", "[::1]:9"},
      {"workers", "5"},        {"log_level", "debug"},         {"log_format", "json"},
      {"drain_timeout", "1m"}, {"pipelines", "a.yaml,b.yaml"}, {"tls_certificate", "c.pem"},
      {"tls_key", "k.pem"},    {"tls_client_ca", "a.pem"},     {"tls_minimum", "TLSv1.3"}};
  std::set<std::string> covered;
  for (const auto& [name, value] : values) {
    covered.insert(name);
    SettingsSources by_variable;
    by_variable.file = file("tls_certificate: c\ntls_key: k\n");  // they need one another
    by_variable.variables = {{variable_name(name), value}};
    SettingsSources by_flag;
    by_flag.file = by_variable.file;
    by_flag.flags = {{flag_name(name), value}};
    INFO(name);
    CHECK(load(by_variable).messages == "");
    CHECK(load(by_flag).messages == "");
    CHECK(load(by_variable).origin(name).find(" from " + variable_name(name)) != std::string::npos);
    CHECK(load(by_flag).origin(name).find(" from --" + flag_name(name)) != std::string::npos);
  }
  for (const FieldSpec& field : settings_spec().object().fields) CHECK(covered.count(field.name) == 1);
}

TEST_CASE("text from outside YAML needs no quotes") {
  SettingsSources sources;
  sources.variables = {{"COLLOQUIUM_DATA_DIR", "2024"}, {"COLLOQUIUM_WORKERS", "2"}};
  const Outcome outcome = load(sources);
  CHECK(outcome.messages == "");
  CHECK(outcome.loaded.settings.data_dir == "2024");
  CHECK(outcome.loaded.settings.workers == 2);
}

TEST_CASE("a list is split at commas, and a flag may be repeated for one") {
  SettingsSources sources;
  sources.variables = {{"COLLOQUIUM_PIPELINES", "a.yaml,b.yaml,"}};
  CHECK(load(sources).loaded.settings.pipelines == std::vector<std::string>{"a.yaml", "b.yaml"});
  sources.flags = {{"pipelines", "c.yaml"}, {"pipelines", "d.yaml"}};
  CHECK(load(sources).loaded.settings.pipelines == std::vector<std::string>{"c.yaml", "d.yaml"});
  sources.flags = {{"pipelines", ""}};
  CHECK(load(sources).loaded.settings.pipelines.empty());
  sources.flags = {{"workers", "1"}, {"workers", "2"}};
  CHECK(load(sources).loaded.settings.workers == 2);
}

TEST_CASE("problems are told by the name of the place that gave the value", "[REQ-253]") {
  SettingsSources sources;
  sources.file = file("log_level: loud\nlisen: 1\n");
  sources.variables = {{"COLLOQUIUM_WORKERS", "many"}, {"COLLOQUIUM_LISEN", "x"}, {"COLLOQUIUM_ENV", "dev"}};
  sources.flags = {{"admin", "9464"}, {"wrkers", "1"}};
  CHECK(load(sources).messages ==
        "COLLOQUIUM_LISEN: warning: there is no such setting; did you mean 'COLLOQUIUM_LISTEN'?\n"
        "--wrkers: error: there is no such setting; did you mean 'workers'?\n"
        "colloquium.yaml:1:12: error: log_level must be debug, info, warning, error or off, found the string "
        "'loud'\n"
        "colloquium.yaml:2:1: error: unknown key 'lisen'; did you mean 'listen'?\n"
        "COLLOQUIUM_WORKERS: error: workers must be an integer, found the string 'many'\n"
        "--admin: error: admin must be an address and a port such as 127.0.0.1:8080, found the number 9464\n");
}

TEST_CASE("a certificate and its key are given together, or the port would be open", "[REQ-138]") {
  SettingsSources sources;
  sources.file = file("tls_certificate: c\n");
  CHECK(load(sources).messages == "colloquium.yaml:1:18: error: tls_certificate needs tls_key beside it\n");
  sources.file = file("tls_client_ca: a\n");
  sources.flags = {{"tls-key", "k"}};
  CHECK(load(sources).messages ==
        "--tls-key: error: tls_key needs tls_certificate beside it\n"
        "colloquium.yaml:1:16: error: tls_client_ca needs tls_certificate beside it\n");
  sources.variables = {{"COLLOQUIUM_TLS_CERTIFICATE", "c"}};
  CHECK(load(sources).messages == "");
}

TEST_CASE("addresses have a host and a port", "[REQ-253]") {
  for (const char* good : {"127.0.0.1:8080", "localhost:0", "[::1]:65535", "0.0.0.0:80"}) {
    SettingsSources sources;
    sources.flags = {{"listen", good}};
    CHECK(load(sources).messages == "");
  }
  for (const char* bad :
       {"localhost", ":8080", "localhost:", "localhost:http", "localhost:65536", "::1:80", "a:1x"}) {
    SettingsSources sources;
    sources.flags = {{"listen", bad}};
    CHECK(load(sources).messages ==
          "--listen: error: listen must be an address and a port such as 127.0.0.1:8080, "
          "found the string '" +
              std::string(bad) + "'\n");
  }
}

TEST_CASE("the files are checked and substituted like any other", "[REQ-095]") {
  SettingsSources sources;
  sources.file = file("listen: ${HOST:-0.0.0.0}:80\nworkers: ${N:-4}\n");
  CHECK(load(sources).loaded.settings.listen == "0.0.0.0:80");
  CHECK(load(sources).loaded.settings.workers == 4);
  sources.file = file("listen: ${HOST}");
  CHECK(load(sources).messages ==
        "colloquium.yaml:1:9: error: the variable HOST is not set; set it, or write ${HOST:-default}\n");
  sources.file = file("a: [");
  CHECK(load(sources).messages.find("colloquium.yaml:1:") == 0);
  sources.file = file("[1]");
  CHECK(load(sources).messages == "colloquium.yaml:1:1: error: the settings must be a map, found a list\n");
  sources.file = file("");
  CHECK(load(sources).messages == "");
}

TEST_CASE("'off' in the place of an address opens no port") {
  SettingsSources sources;
  sources.file = file("admin: off");
  sources.flags = {{"listen", "off"}};
  const Outcome outcome = load(sources);
  CHECK(outcome.messages == "");
  CHECK(outcome.loaded.settings.admin == "off");
  CHECK(outcome.loaded.settings.listen == "off");
}

TEST_CASE("a setting of the overlay replaces that of the file as a whole", "[REQ-101]") {
  SettingsSources sources;
  sources.file = file("pipelines: [a.yaml, b.yaml]\nworkers: 2\n");
  sources.overlay = SettingsText{"colloquium.dev.yaml", "pipelines: [c.yaml]\n"};
  const Outcome outcome = load(sources);
  CHECK(outcome.messages == "");
  CHECK(outcome.loaded.settings.pipelines == std::vector<std::string>{"c.yaml"});
  CHECK(outcome.loaded.settings.workers == 2);
  CHECK(outcome.origin("pipelines") == "[\"c.yaml\"] from colloquium.dev.yaml:1:12");
}

TEST_CASE("a mistake that a later place overrides does no harm") {
  SettingsSources sources;
  sources.file = file("workers: many\n");
  CHECK(load(sources).messages != "");
  sources.flags = {{"workers", "2"}};
  CHECK(load(sources).messages == "");
  CHECK(load(sources).loaded.settings.workers == 2);
}

TEST_CASE("whatever the variables hold, settings are read or refused by name", "[REQ-253]") {
  std::mt19937 random(17);
  const char* const texts[] = {"",    "0",   "-1",  "x",    "off", "true",   "null",
                               "1.5", "10s", "a,b", "\xff", "a:1", "[::]:9", "info"};
  for (int round = 0; round < 500; ++round) {
    SettingsSources sources;
    for (const FieldSpec& field : settings_spec().object().fields) {
      if (random() % 2 == 0) {
        sources.variables.emplace_back(variable_name(field.name), texts[random() % std::size(texts)]);
      }
    }
    ConfigProblems problems;
    load_settings(sources, problems);
    for (const ConfigProblem& problem : problems) {
      INFO(problem.describe());
      REQUIRE(problem.mark.file);
      CHECK(problem.mark.file->find("COLLOQUIUM_") == 0);
    }
  }
}

TEST_CASE("names of variables, flags and overlays follow from the setting") {
  CHECK(variable_name("log_level") == "COLLOQUIUM_LOG_LEVEL");
  CHECK(flag_name("log_level") == "log-level");
  CHECK(overlay_name("colloquium.yaml", "dev") == "colloquium.dev.yaml");
  CHECK(overlay_name("/etc/c.d/colloquium", "dev") == "/etc/c.d/colloquium.dev");
  CHECK(overlay_name("./x.yml", "p") == "./x.p.yml");
}

TEST_CASE("maps are merged key by key and everything else is replaced") {
  const ConfigNode merged = merge(testing::node_of("{a: 1, b: {x: 1, y: [1, 2]}, c: [1]}"),
                                  testing::node_of("{b: {y: [3], z: 4}, c: {d: 1}, e: 5}"));
  CHECK(merged.to_json() == R"({"a":1,"b":{"x":1,"y":[3],"z":4},"c":{"d":1},"e":5})");
}

}  // namespace colloquium::config
