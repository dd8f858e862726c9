#include "formats/csv_options.h"

namespace colloquium::formats {

ConfigSpec<CsvSourceOptions> csv_source_spec() {
  return ConfigSpec<CsvSourceOptions>()
      .field("delimiter", &CsvSourceOptions::delimiter,
             {.description = "The character between fields; a tab is `\"\\t\"`."})
      .field("header", &CsvSourceOptions::header,
             {.description = "The first record of each file, body or input names the columns."})
      .field("columns", &CsvSourceOptions::columns,
             {.description = "Names of the columns: needed without a header, used instead of its names with one.",
              .minimum = 1})
      .field(
          "types", &CsvSourceOptions::types,
          {.description = "What columns hold, by name. An empty field is null where it is no string; a field of "
                          "another type makes the record a bad event. `auto`: numbers, true, false and null that "
                          "are not quoted, else a string.",
           .example = "{total: number, id: integer}"})
      .field("default_type", &CsvSourceOptions::default_type, {.description = "What all other columns hold."})
      .field(
          "empty", &CsvSourceOptions::empty,
          {.description = "What an empty field without quotes is in a column of strings: an empty text, or null.",
           .advanced = true});
}

ConfigSpec<CsvSinkOptions> csv_sink_spec() {
  return ConfigSpec<CsvSinkOptions>()
      .field("columns", &CsvSinkOptions::columns,
             {.description = "Members to write, in this order: a key, or from its `/` on a JSON pointer. What is "
                             "missing or null is an empty field, what is an object or array its JSON.",
              .example = "[id, /customer/name]",
              .required = true,
              .minimum = 1})
      .field("delimiter", &CsvSinkOptions::delimiter, {.description = "The character between fields."})
      .field("header", &CsvSinkOptions::header, {.description = "Each file or output begins with the names."});
}

}  // namespace colloquium::formats
