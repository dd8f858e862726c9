// The options of the format csv. Thread safety: values.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/config_types.h"

namespace colloquium {
namespace formats {

enum class CsvType { kString, kNumber, kInteger, kBoolean, kJson, kAuto };
enum class CsvEmpty { kText, kNull };

struct CsvSourceOptions {
  std::string delimiter = ",";
  bool header = true;
  std::vector<std::string> columns;
  std::map<std::string, CsvType> types;
  CsvType default_type = CsvType::kString;
  CsvEmpty empty = CsvEmpty::kText;
};

struct CsvSinkOptions {
  std::vector<std::string> columns;
  std::string delimiter = ",";
  bool header = true;
};

ConfigSpec<CsvSourceOptions> csv_source_spec();
ConfigSpec<CsvSinkOptions> csv_sink_spec();

}  // namespace formats

template <>
struct ConfigEnum<formats::CsvType> {
  static constexpr std::pair<std::string_view, formats::CsvType> values[] = {
      {"string", formats::CsvType::kString},   {"number", formats::CsvType::kNumber},
      {"integer", formats::CsvType::kInteger}, {"boolean", formats::CsvType::kBoolean},
      {"json", formats::CsvType::kJson},       {"auto", formats::CsvType::kAuto}};
};
template <>
struct ConfigEnum<formats::CsvEmpty> {
  static constexpr std::pair<std::string_view, formats::CsvEmpty> values[] = {{"text", formats::CsvEmpty::kText},
                                                                              {"null", formats::CsvEmpty::kNull}};
};

}  // namespace colloquium
