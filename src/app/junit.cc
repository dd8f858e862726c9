#include "app/junit.h"

#include <array>
#include <cstdio>

namespace colloquium::app {
namespace {

// Text for an XML 1.0 attribute. Control characters have no form there at all; names and messages may hold
// them because they come from files.
std::string attribute(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#9;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6f", seconds);
  return text.data();
}

// Counts of one suite, or of all.
struct Totals {
  size_t tests = 0;
  size_t failures = 0;
  double seconds = 0;

  void add(const CaseResult& result) {
    ++tests;
    failures += result.passed() ? 0 : 1;
    seconds += result.seconds;
  }
  std::string attributes() const {
    return " tests=\"" + std::to_string(tests) + "\" failures=\"" + std::to_string(failures) +
           "\" errors=\"0\" time=\"" + seconds_text(seconds) + "\"";
  }
};

// The message goes into the attribute, where every reader looks; the text of the element stays empty.
std::string case_xml(const CaseResult& result) {
  std::string xml = "    <testcase classname=\"" + attribute(result.suite) + "\" name=\"" +
                    attribute(result.name) + "\" time=\"" + seconds_text(result.seconds) + "\"";
  if (result.passed()) return xml + "/>\n";
  return xml + ">\n      <failure message=\"" + attribute(result.failure) + "\"/>\n    </testcase>\n";
}

}  // namespace

std::string junit_xml(const std::vector<CaseResult>& results) {
  Totals all;
  std::string suites;
  for (size_t i = 0; i < results.size();) {
    Totals suite;
    std::string cases;
    const std::string& name = results[i].suite;
    for (; i < results.size() && results[i].suite == name; ++i) {
      suite.add(results[i]);
      all.add(results[i]);
      cases += case_xml(results[i]);
    }
    suites +=
        "  <testsuite name=\"" + attribute(name) + "\"" + suite.attributes() + ">\n" + cases + "  </testsuite>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + all.attributes() + ">\n" + suites +
         "</testsuites>\n";
}

}  // namespace colloquium::app
