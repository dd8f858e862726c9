#include "app/junit.h"

#include <catch2/catch.hpp>

namespace colloquium::app {
namespace {

TEST_CASE("results are grouped by suite, with counts and times") {
  const std::string xml = junit_xml(
      {{"a.yaml", "one", "", 0.5}, {"a.yaml", "two", "expected 1, got 2", 0.25}, {"b.json", "three", "", 1}});
  CHECK(xml ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites tests=\"3\" failures=\"1\" errors=\"0\" time=\"1.750000\">\n"
        "  <testsuite name=\"a.yaml\" tests=\"2\" failures=\"1\" errors=\"0\" time=\"0.750000\">\n"
        "    <testcase classname=\"a.yaml\" name=\"one\" time=\"0.500000\"/>\n"
        "    <testcase classname=\"a.yaml\" name=\"two\" time=\"0.250000\">\n"
        "      <failure message=\"expected 1, got 2\"/>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "  <testsuite name=\"b.json\" tests=\"1\" failures=\"0\" errors=\"0\" time=\"1.000000\">\n"
        "    <testcase classname=\"b.json\" name=\"three\" time=\"1.000000\"/>\n"
        "  </testsuite>\n"
        "</testsuites>\n");
}

TEST_CASE("no results make an empty but valid document") {
  CHECK(junit_xml({}).find("tests=\"0\"") != std::string::npos);
}

TEST_CASE("names and messages cannot break out of their attribute") {
  const std::string xml = junit_xml({{"s", "a\"<b>&\n\x01", "\"/><x/>", 0}});
  CHECK(xml.find("name=\"a&quot;&lt;b&gt;&amp;&#10;?\"") != std::string::npos);
  CHECK(xml.find("<x/>") == std::string::npos);
}

}  // namespace
}  // namespace colloquium::app
