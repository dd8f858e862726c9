#include "config/reference.h"

#include <catch2/catch.hpp>
#include <string>

#include "config/settings.h"
#include "config/testing/components.h"

namespace colloquium::config {
namespace {

bool has(const std::string& text, const std::string& part) {
  UNSCOPED_INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a component's page is written from its descriptor", "[REQ-110]") {
  CHECK(component_reference_markdown(testing::components()[0]) ==
        R"(<!-- Generated from the specs in the source; do not edit. -->
# file source

A file for tests.

| | |
| --- | --- |
| status | stable |
| guarantee | Exactly once. |
| input trust | Any bytes. |

Reads **lines**.

## Settings

| key | type | default | |
| --- | --- | --- | --- |
| `path` | string | **required** | The file. |
| `follow` | boolean | `false` | Wait for more at the end. Also read as `tail`. |
| `rotate` | map |  | When to begin a new file. |
| `rotate.size` | size |  | Start a new file at this size. |
| `rotate.time` | duration | `1h` | Start a new file after this time. At least 1s. |

## Examples

Read once:

```yaml
sources:
  - file: {path: in.ndjson}
```

Follow:

```yaml
sources:
  - name: tail
    file:
      path: a
      follow: true
```
)");
}

TEST_CASE("the page of a component with a shorthand says what is short for what") {
  const std::string page = component_reference_markdown(testing::components()[2]);
  CHECK(has(page, "`filter: VALUE` is short for `filter: {keep: VALUE}`."));
  CHECK_FALSE(has(page, "## Examples"));
}

TEST_CASE("a table holds texts with bars and choices, and no default for a secret") {
  const std::string table = fields_markdown(testing::http_spec().object());
  CHECK(has(table, "| `token` | secret |  | Bearer token \\| or nothing. |"));
  CHECK(has(table, "| `method` | `POST`, `PUT` | `POST` | Method. |"));
  CHECK(has(table, "| `headers` | list of strings |  | Headers to keep. |"));
  CHECK(fields_markdown({}) == "It has no settings.\n");
}

TEST_CASE("a table tells everything a field can have") {
  struct Thing {
    int32_t count = 5;
    std::map<std::string, testing::RotateConfig> named;
    std::vector<testing::RotateConfig> list;
  };
  const auto spec = ConfigSpec<Thing>()
                        .field("count", &Thing::count,
                               {.description = "Lines\nof text.",
                                .example = "7",
                                .advanced = true,
                                .deprecated = "number",
                                .since = "0.2",
                                .minimum = 1,
                                .maximum = 9})
                        .field("named", &Thing::named, {})
                        .field("list", &Thing::list, {});
  const std::string table = fields_markdown(spec.object());
  CHECK(has(table,
            "| `count` | integer | `5` | Lines of text. At least 1, at most 9. Example: `7`. Since 0.2. "
            "**Deprecated**: use number. (Advanced.) |"));
  CHECK(has(table, "| `named` | map of maps |  |  |\n| `named.*.size` |"));
  CHECK(has(table, "| `list` | list of maps |  |  |\n| `list[].size` |"));
}

TEST_CASE("every type has a name in the table, and bounds in its own units") {
  struct Thing {
    bool flag = false;
    double ratio = 0.5;
    Duration wait{1000};
    ByteSize size{1024};
    Expression expression;
    ConfigNode any;
    std::vector<ConfigNode> list;
    std::map<std::string, int32_t> map;
    std::vector<std::string> choices;
  };
  const auto spec = ConfigSpec<Thing>()
                        .field("flag", &Thing::flag, {})
                        .field("ratio", &Thing::ratio, {.minimum = 0, .maximum = 1})
                        .field("wait", &Thing::wait, {.minimum = 1, .maximum = 60'000})
                        .field("size", &Thing::size, {.minimum = 512, .maximum = 1 << 20})
                        .field("expression", &Thing::expression, {})
                        .field("any", &Thing::any, {})
                        .field("list", &Thing::list, {.minimum = 1})
                        .field("map", &Thing::map, {})
                        .field("choices", &Thing::choices, {.choices = {"a", "b"}});
  CHECK(fields_markdown(spec.object()) ==
        "| key | type | default | |\n"
        "| --- | --- | --- | --- |\n"
        "| `flag` | boolean | `false` |  |\n"
        "| `ratio` | number | `0.5` |  At most 1. |\n"
        "| `wait` | duration | `1s` |  At most 1m. |\n"
        "| `size` | size | `1KiB` |  At least 512B, at most 1MiB. |\n"
        "| `expression` | expression |  |  |\n"
        "| `any` | any |  |  |\n"
        "| `list` | list |  |  |\n"
        "| `map` | map of integers |  |  |\n"
        "| `choices` | list of strings: `a`, `b` |  |  |\n");
}

TEST_CASE("an example of a provider stands in its section, as a pipeline has it") {
  Descriptor descriptor = *testing::registry().find(ComponentKind::kProvider, "openai");
  descriptor.examples = {{"A key", "name: a\nopenai: {api_key: k}"}};
  CHECK(has(component_reference_markdown(descriptor),
            "```yaml\nai:\n  providers:\n    - name: a\n      openai: {api_key: k}\n```\n"));
}

TEST_CASE("a page says how far a component can be relied on") {
  Descriptor descriptor = testing::components()[1];
  CHECK(has(component_reference_markdown(descriptor), "| status | stable |"));
  descriptor.status = ComponentStatus::kBeta;
  CHECK(has(component_reference_markdown(descriptor), "| status | beta |"));
  descriptor.status = ComponentStatus::kExperimental;
  CHECK(has(component_reference_markdown(descriptor), "| status | experimental |"));
}

TEST_CASE("the page of the pipeline file has every section and every component", "[REQ-110]") {
  const std::string page = pipeline_reference_markdown(testing::registry());
  for (const char* part :
       {"# Pipeline file", "## log", "## sources", "| `dedupe.window` | duration | `1d` |",
        "`dedupe: VALUE` is short for", "| `sources` | list of maps | **required** |", "## stages", "## sinks",
        "| `errors.retry.attempts` | integer | `8` |", "| `partition_by` | expression |",
        "- [`http`](source-http.md): A http for tests.", "- [`filter`](stage-filter.md):",
        "- [`file`](sink-file.md):", "| `when` | expression |", "| `name` | string |", "| `ai` | map |", "## ai\n",
        "| `providers` | list of maps | **required** |", "| `unpriced` | amount | `refuse` |",
        "| `budgets[].limit` | amount | **required** |", "## ai.providers", "| `limits.tokens` | integer |",
        "- [`openai`](provider-openai.md):"}) {
    INFO(part);
    CHECK(has(page, part));
  }
}

TEST_CASE("the page of the settings names key, variable and flag of each", "[REQ-110]") {
  const std::string page = settings_reference_markdown();
  CHECK(has(page, "| `data_dir` | `COLLOQUIUM_DATA_DIR` | `--data-dir` | string | `./colloquium-data` |"));
  CHECK(has(page, "| `workers` | `COLLOQUIUM_WORKERS` | `--workers` | integer | `0` |"));
  for (const FieldSpec& field : settings_spec().object().fields) CHECK(has(page, "| `" + field.name + "` |"));
}

}  // namespace colloquium::config
