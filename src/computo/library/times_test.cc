#include "computo/library/times.h"

#include <catch2/catch.hpp>
#include <random>

#include "computo/library/durations.h"
#include "computo/library/instants.h"
#include "computo/library/zones.h"
#include "computo/testing.h"

namespace colloquium::computo {

using testing::outcome;

namespace {
// An operator called with constants.
std::string called(const std::string& name, const std::string& arguments) {
  return outcome("[\"" + name + "\"," + arguments + "]");
}
std::string normal(const std::string& text) {
  return called("parseTime", "\"" + text + "\"");
}
std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}
}  // namespace

TEST_CASE("times are read as RFC 3339 and written with the digits they need", "[REQ-031]") {
  CHECK(normal("2024-02-29T23:59:59Z") == quoted("2024-02-29T23:59:59Z"));
  CHECK(normal("2024-02-29t12:00:00.5+01:00") == quoted("2024-02-29T11:00:00.500Z"));
  CHECK(normal("2024-02-29 12:00:00.000250z") == quoted("2024-02-29T12:00:00.000250Z"));
  CHECK(normal("2024-02-29T12:00:00.1234567891-00:30") == quoted("2024-02-29T12:30:00.123456789Z"));
  CHECK(normal("1969-12-31T23:59:59.999Z") == quoted("1969-12-31T23:59:59.999Z"));
  CHECK(normal("0000-01-01T00:00:00Z") == quoted("0000-01-01T00:00:00Z"));
  CHECK(normal("9999-12-31T23:59:59.999999999Z") == quoted("9999-12-31T23:59:59.999999999Z"));
  for (const char* wrong : {"",
                            "2024-02-30T00:00:00Z",
                            "2023-02-29T00:00:00Z",
                            "2024-13-01T00:00:00Z",
                            "2024-00-01T00:00:00Z",
                            "2024-01-01T24:00:00Z",
                            "2024-01-01T00:60:00Z",
                            "2024-01-01T00:00:61Z",
                            "2024-01-01T00:00:00",
                            "2024-01-01T00:00:00.Z",
                            "2024-01-01T00:00:00+0100",
                            "2024-01-01T00:00:00+24:00",
                            "2024-01-01T00:00:00ZZ",
                            "2024-1-01T00:00:00Z",
                            "2024-01-01",
                            "+2024-01-01T00:00:00Z",
                            "2024-01-01_00:00:00Z",
                            "0000-01-01T00:00:00+00:01",
                            "9999-12-31T23:59:59-00:01",
                            "2024-01-01T00:00:00\\u00e9"}) {
    INFO(wrong);
    CHECK(normal(wrong) == "value /parseTime/0");
  }
  CHECK(called("parseTime", "5") == "type /parseTime/0");
}

TEST_CASE("a leap second is the second after it, and stands only at the end of a day of UTC") {
  CHECK(normal("2016-12-31T23:59:60Z") == quoted("2017-01-01T00:00:00Z"));
  CHECK(normal("2016-12-31T15:59:60.5-08:00") == quoted("2017-01-01T00:00:00.500Z"));
  CHECK(normal("2016-12-31T22:59:60Z") == "value /parseTime/0");
  CHECK(normal("9999-12-31T23:59:60Z") == "value /parseTime/0");
  CHECK(called("parseTime", R"("2016-12-31 23:59:60","%F %T")") == quoted("2017-01-01T00:00:00Z"));
  CHECK(called("parseTime", R"("2016-12-31 23:58:60","%F %T")") == "value /parseTime/0");
}

TEST_CASE("epoch numbers are exact in every unit, and bounded") {
  CHECK(called("toEpoch", R"("1970-01-01T00:00:00.0015Z")") == "1");
  CHECK(called("toEpoch", R"("1969-12-31T23:59:59.9995Z")") == "-1");
  CHECK(called("toEpoch", R"("2024-01-01T00:00:00Z","s")") == "1704067200");
  CHECK(called("toEpoch", R"("2024-01-01T00:00:00.123456789Z","ns")") == "1704067200123456789");
  CHECK(called("toEpoch", R"("9999-12-31T23:59:59Z","us")") == "253402300799000000");
  CHECK(called("toEpoch", R"("9999-12-31T23:59:59Z","ns")") == "value /toEpoch/0");
  CHECK(called("toEpoch", R"(1500,"s")") == "1");
  CHECK(called("fromEpoch", "0") == quoted("1970-01-01T00:00:00Z"));
  CHECK(called("fromEpoch", "-1") == quoted("1969-12-31T23:59:59.999Z"));
  CHECK(called("fromEpoch", R"(1704067200123456789,"ns")") == quoted("2024-01-01T00:00:00.123456789Z"));
  CHECK(called("fromEpoch", R"(1.5,"s")") == quoted("1970-01-01T00:00:01.500Z"));
  CHECK(called("fromEpoch", "9223372036854775807") == "value /");
  CHECK(called("fromEpoch", "-1e300") == "value /");
  CHECK(called("fromEpoch", R"(1,"fortnight")") == "value /fromEpoch/1");
  CHECK(called("fromEpoch", R"("1")") == "type /fromEpoch/0");
  CHECK(called("toEpoch", "1.5") == "type /toEpoch/0");
  CHECK(called("toEpoch", "null") == "type /toEpoch/0");
  CHECK(called("toEpoch", "253402300800000") == "value /toEpoch/0");
}

TEST_CASE("times are written by a format, in a zone") {
  const auto written = [](const std::string& format, const std::string& zone = "UTC") {
    return called("formatTime", R"("2024-07-04T09:05:07.123456789Z",)" + quoted(format) + "," + quoted(zone));
  };
  CHECK(written("%Y-%m-%dT%H:%M:%S.%L%z") == quoted("2024-07-04T09:05:07.123+0000"));
  CHECK(written("%F %T.%f %N %:z", "-03:30") == quoted("2024-07-04 05:35:07.123456 123456789 -03:30"));
  CHECK(written("%a %A %b %h %B %e %y %C %j %u %w") == quoted("Thu Thursday Jul Jul July  4 24 20 186 4 4"));
  CHECK(written("%I:%M %p %R %D %s %G-W%V%%%n") == quoted("09:05 AM 09:05 07/04/24 1720083907 2024-W27%\\n"));
  CHECK(written("%H:%M %Z", "Europe/Berlin") == quoted("11:05 CEST"));
  CHECK(written("%H:%M %Z %z", "Asia/Kathmandu") == quoted("14:50 +0545 +0545"));
  CHECK(written("Jahr %Y é") == quoted("Jahr 2024 é"));
  CHECK(called("formatTime", R"("2024-07-04T00:30:00Z","%I %p")") == quoted("12 AM"));
  CHECK(called("formatTime", R"(0,"")") == quoted(""));
  CHECK(called("formatTime", R"("0000-01-01T00:00:00Z","%Y","-01:00")") == quoted("-0001"));
  CHECK(written("%Q") == "value /formatTime/1");
  CHECK(written("%") == "value /formatTime/1");
  CHECK(written("%é") == "value /formatTime/1");
  CHECK(written("%Y", "Mars/Olympus") == "value /formatTime/2");
  CHECK(written("%Y", "../../etc/passwd") == "value /formatTime/2");
  CHECK(written("%Y", "+25:00") == "value /formatTime/2");
}

TEST_CASE("times are read by a format") {
  const auto read = [](const std::string& text, const std::string& format, const std::string& zone = "UTC") {
    return called("parseTime", quoted(text) + "," + quoted(format) + "," + quoted(zone));
  };
  CHECK(read("04/Jul/2024:09:05:07 +0200", "%d/%b/%Y:%H:%M:%S %z") == quoted("2024-07-04T07:05:07Z"));
  CHECK(read("Thu, 04 Jul 2024 09:05:07 GMT", "%a, %d %b %Y %T %Z") == quoted("2024-07-04T09:05:07Z"));
  CHECK(read("20240704090507", "%Y%m%d%H%M%S") == quoted("2024-07-04T09:05:07Z"));
  CHECK(read("2024-07-04", "%F", "Europe/Berlin") == quoted("2024-07-03T22:00:00Z"));
  CHECK(read("july  4, 24 12:30 am", "%B %e, %y %I:%M %p") == quoted("2024-07-04T00:30:00Z"));
  CHECK(read("12:30 PM", "%I:%M %p") == quoted("1970-01-01T12:30:00Z"));
  CHECK(read("1720083907.25", "%s.%f") == quoted("2024-07-04T09:05:07.250Z"));
  CHECK(read("2024-366", "%Y-%j") == quoted("2024-12-31T00:00:00Z"));
  CHECK(read("69 68", "%y %d") == "value /parseTime/0");
  CHECK(read("69", "%y") == quoted("1969-01-01T00:00:00Z"));
  CHECK(read("2023-366", "%Y-%j") == "value /parseTime/0");
  CHECK(read("2024-07-04 ", "%F") == "value /parseTime/0");
  CHECK(read("2024-07", "%F") == "value /parseTime/0");
  CHECK(read("13 PM", "%I %p") == "value /parseTime/0");
  CHECK(read("2024-02-30", "%F") == "value /parseTime/0");
  CHECK(read("25:00", "%H:%M") == "value /parseTime/0");
  CHECK(read("Foo", "%b") == "value /parseTime/0");
  CHECK(read("", "%Y") == "value /parseTime/0");
  CHECK(read("x", "%G") == "value /parseTime/1");
  CHECK(read("999999999999999", "%s") == "value /parseTime/0");
}

TEST_CASE("what a format writes it reads again") {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    const auto ms = static_cast<int64_t>(random() % 315569433600000) - 62167132800000;
    const std::string time = called("fromEpoch", std::to_string(ms));
    INFO(time);
    for (const char* format :
         {"%Y-%m-%d %H:%M:%S.%L %z", "%s.%N", "%d %B %Y %I:%M:%S %p .%f%:z", "%Y %j %T.%L %z"}) {
      const std::string text = called("formatTime", time + "," + quoted(format) + ",\"+05:45\"");
      if (std::string(format) == "%s.%N" && ms < 0) continue;
      CHECK(called("parseTime", text + "," + quoted(format)) == time);
    }
    CHECK(called("toEpoch", time) == std::to_string(ms));
  }
}

TEST_CASE("local times that are skipped or occur twice follow one rule") {
  const auto local = [](const char* text, const char* zone) {
    return called("parseTime", quoted(text) + ",\"%F %T\"," + quoted(zone));
  };
  // Berlin: 02:00 to 03:00 is skipped on 31 March, occurs twice on 27 October.
  CHECK(local("2024-03-31 01:59:59", "Europe/Berlin") == quoted("2024-03-31T00:59:59Z"));
  CHECK(local("2024-03-31 02:30:00", "Europe/Berlin") == quoted("2024-03-31T01:30:00Z"));
  CHECK(local("2024-03-31 03:30:00", "Europe/Berlin") == quoted("2024-03-31T01:30:00Z"));
  CHECK(local("2024-10-27 02:30:00", "Europe/Berlin") == quoted("2024-10-27T00:30:00Z"));
  CHECK(local("2024-10-27 03:00:00", "Europe/Berlin") == quoted("2024-10-27T02:00:00Z"));
  CHECK(local("2024-06-01 12:00:00", "Australia/Lord_Howe") == quoted("2024-06-01T01:30:00Z"));
  CHECK(local("1800-01-01 00:00:00", "Europe/Berlin") == quoted("1799-12-31T23:06:32Z"));
}

TEST_CASE("beyond the written transitions a zone goes on as in an equal year") {
  const auto offset = [](const char* zone, const char* time) {
    return called("formatTime", quoted(time) + ",\"%:z %Z\"," + quoted(zone));
  };
  CHECK(offset("Europe/Berlin", "2050-07-01T00:00:00Z") == quoted("+02:00 CEST"));
  CHECK(offset("Europe/Berlin", "2050-01-01T00:00:00Z") == quoted("+01:00 CET"));
  CHECK(offset("Europe/Berlin", "2050-03-27T00:59:59Z") == quoted("+01:00 CET"));
  CHECK(offset("Europe/Berlin", "2050-03-27T01:00:00Z") == quoted("+02:00 CEST"));
  CHECK(offset("America/New_York", "2100-07-01T00:00:00Z") == quoted("-04:00 EDT"));
  CHECK(offset("America/New_York", "9999-12-31T23:59:59Z") == quoted("-05:00 EST"));
  CHECK(offset("Asia/Tokyo", "2500-07-01T00:00:00Z") == quoted("+09:00 JST"));
  CHECK(offset("UTC", "2500-07-01T00:00:00Z") == quoted("+00:00 UTC"));
  CHECK(called("parseTime", R"("2050-03-27 02:30","%F %R","Europe/Berlin")") == quoted("2050-03-27T01:30:00Z"));
}

TEST_CASE("adding follows the calendar for months and the clock for hours") {
  const auto later = [](const char* time, const char* duration, const char* zone = "UTC") {
    return called("timeAdd", quoted(time) + "," + quoted(duration) + "," + quoted(zone));
  };
  CHECK(later("2024-01-31T10:00:00Z", "1mo") == quoted("2024-02-29T10:00:00Z"));
  CHECK(later("2024-02-29T10:00:00Z", "1y") == quoted("2025-02-28T10:00:00Z"));
  CHECK(later("2024-02-29T10:00:00Z", "-4y") == quoted("2020-02-29T10:00:00Z"));
  CHECK(later("2024-01-15T00:00:00Z", "-1mo") == quoted("2023-12-15T00:00:00Z"));
  CHECK(later("2024-01-31T00:00:00Z", "1y1mo1d") == quoted("2025-03-01T00:00:00Z"));
  CHECK(later("2024-01-01T00:00:00Z", "1.5h250ms") == quoted("2024-01-01T01:30:00.250Z"));
  CHECK(later("2024-01-01T00:00:00Z", "-1ns") == quoted("2023-12-31T23:59:59.999999999Z"));
  CHECK(later("2024-01-01T00:00:00Z", "P1Y2M3DT4H5M6.5S") == quoted("2025-03-04T04:05:06.500Z"));
  // A day of Berlin's calendar has 23 hours on 31 March.
  CHECK(later("2024-03-30T11:00:00Z", "1d", "Europe/Berlin") == quoted("2024-03-31T10:00:00Z"));
  CHECK(later("2024-03-30T11:00:00Z", "24h", "Europe/Berlin") == quoted("2024-03-31T11:00:00Z"));
  CHECK(later("2024-02-29T23:30:00Z", "1mo", "Europe/Berlin") == quoted("2024-03-31T22:30:00Z"));
  CHECK(called("timeAdd", "0,1500") == quoted("1970-01-01T00:00:01.500Z"));
  CHECK(later("9999-12-31T00:00:00Z", "1d") == "value /");
  CHECK(later("0000-01-01T00:00:00Z", "-20000y") == "value /");
  CHECK(called("timeAdd", "0,9223372036854775807") == "value /");
  CHECK(called("timeAdd", "0,-9223372036854775808") == "value /");
  for (const char* wrong : {"", "1", "h", "1x", "-", "1h-1m", "1.h", "P", "PT", "P1H", "P1M1Y", "PT1M1H", "1.5mo",
                            "1.5y", "9999999999999999999h", "999999999999999999w", "P1YT", "1 h", "20001y"}) {
    INFO(wrong);
    CHECK(later("2024-01-01T00:00:00Z", wrong) == "value /timeAdd/1");
  }
  CHECK(called("timeAdd", "0,true") == "type /timeAdd/1");
  CHECK(called("timeAdd", "0,1.5") == "type /timeAdd/1");
}

TEST_CASE("differences come out even or as a fraction") {
  CHECK(called("timeDiff", R"("2024-01-02T00:00:00Z","2024-01-01T00:00:00Z")") == "86400000");
  CHECK(called("timeDiff", R"("2024-01-01T00:00:00Z","2024-01-02T12:00:00Z","d")") == "-1.5");
  CHECK(called("timeDiff", R"("2024-01-01T00:00:00.000000001Z","2024-01-01T00:00:00Z","ns")") == "1");
  CHECK(called("timeDiff", R"("9999-12-31T00:00:00Z","0000-01-01T00:00:00Z","w")").starts_with("521774.857"));
  CHECK(called("timeDiff", R"("9999-12-31T00:00:00Z","0000-01-01T00:00:00Z","ns")") == "315569433600000000000");
  CHECK(called("timeDiff", R"(0,0,"month")") == "value /timeDiff/2");
}

TEST_CASE("times are cut to the beginning of a unit, of local time") {
  const auto cut = [](const char* unit, const char* zone = "UTC", const char* time = "2024-08-15T13:45:56.789Z") {
    return called("truncateTime", quoted(time) + "," + quoted(unit) + "," + quoted(zone));
  };
  CHECK(cut("second") == quoted("2024-08-15T13:45:56Z"));
  CHECK(cut("minute") == quoted("2024-08-15T13:45:00Z"));
  CHECK(cut("hour") == quoted("2024-08-15T13:00:00Z"));
  CHECK(cut("hour", "Asia/Kolkata") == quoted("2024-08-15T13:30:00Z"));
  CHECK(cut("day", "America/New_York") == quoted("2024-08-15T04:00:00Z"));
  CHECK(cut("week") == quoted("2024-08-12T00:00:00Z"));
  CHECK(cut("month", "Europe/Berlin") == quoted("2024-07-31T22:00:00Z"));
  CHECK(cut("quarter") == quoted("2024-07-01T00:00:00Z"));
  CHECK(cut("year") == quoted("2024-01-01T00:00:00Z"));
  CHECK(cut("minute", "UTC", "1969-12-31T23:59:59.5Z") == quoted("1969-12-31T23:59:00Z"));
  // In Cairo the day of 26 April 2024 began at 01:00, in Havana 3 November 2024 had midnight twice.
  CHECK(cut("day", "Africa/Cairo", "2024-04-26T12:00:00Z") == quoted("2024-04-25T22:00:00Z"));
  CHECK(cut("day", "America/Havana", "2024-11-03T12:00:00Z") == quoted("2024-11-03T04:00:00Z"));
  CHECK(cut("year", "+01:00", "0000-01-01T00:00:00Z") == "value /");
  CHECK(cut("decade") == "value /truncateTime/1");
}

TEST_CASE("the parts of a time are those of a zone's calendar") {
  CHECK(called("timeParts", R"("2024-12-30T23:30:00.25Z","Europe/Berlin")") ==
        R"({"day":31,"hour":0,"minute":30,"month":12,"nanosecond":250000000,"offset":3600,"second":0,"week":1,)"
        R"("weekYear":2025,"weekday":2,"year":2024,"yearDay":366})");
  CHECK(outcome(R"(["get",["timeParts","2021-01-03T00:00:00Z"],"/week"])") == "53");
  CHECK(called("timeParts", "{}") == "type /timeParts/0");
}

TEST_CASE("durations are read and written") {
  CHECK(called("parseDuration", R"("1w2d3h4m5s6ms7us8ns","ns")") == "788645006007008");
  CHECK(called("parseDuration", R"("-90min")") == "-5400000");
  CHECK(called("parseDuration", R"("1us")") == "0.001");
  CHECK(called("parseDuration", R"("0.5d","h")") == "12");
  CHECK(called("parseDuration", R"("P1W","d")") == "7");
  CHECK(called("parseDuration", R"("1mo")") == "value /parseDuration/0");
  CHECK(called("parseDuration", R"("1h","mo")") == "value /parseDuration/1");
  CHECK(called("formatDuration", "0") == quoted("0s"));
  CHECK(called("formatDuration", "-90061001") == quoted("-1d1h1m1s1ms"));
  CHECK(called("formatDuration", R"(1.5,"us")") == quoted("1us500ns"));
  CHECK(called("formatDuration", R"(9223372036854775807,"ns")") == quoted("106751d23h47m16s854ms775us807ns"));
  CHECK(called("formatDuration", R"(9223372036854775807,"w")") == "value /formatDuration/0");
  CHECK(called("formatDuration", "1e300") == "value /formatDuration/0");
  std::mt19937_64 random(9);
  for (int round = 0; round < 200; ++round) {
    const std::string ns =
        std::to_string(static_cast<int64_t>(random() >> (round % 40)) / (round % 2 == 0 ? 3 : -3));
    INFO(ns);
    CHECK(called("parseDuration", called("formatDuration", ns + ",\"ns\"") + ",\"ns\"") == ns);
  }
}

TEST_CASE("constant formats, zones, units and durations are checked when a script is compiled strictly") {
  CompileOptions options;
  options.strict = true;
  for (const char* script :
       {R"(["formatTime",["$input"],"%Q"])", R"(["formatTime",["$input"],"%Y","Nowhere"])",
        R"(["parseTime",["$input"],"%V"])", R"(["toEpoch",["$input"],"sec"])", R"(["timeAdd",["$input"],"soon"])",
        R"(["timeDiff",["$input"],0,"mo"])", R"(["truncateTime",["$input"],"era"])",
        R"(["timeParts",["$input"],"Nowhere"])", R"(["parseDuration","1y"])"}) {
    INFO(script);
    CompileFailure failure;
    CHECK(compile_json(script, options, failure) == nullptr);
    CHECK(failure.errors.size() == 1);
  }
  for (const char* script :
       {R"(["timeAdd",["$input"],5])", R"(["timeAdd",["$input"],-5])", R"(["timeAdd",["$input"],"1h"])",
        R"(["formatTime",["$input"],"%Y",["$input","/z"]])"}) {
    INFO(script);
    CompileFailure failure;
    CHECK(compile_json(script, options, failure) != nullptr);
  }
}

TEST_CASE("days are counted as the calendar has them") {
  int64_t day = ops::days_of(1895, 1, 1);
  for (int32_t year = 1895; year < 2110; ++year) {
    for (uint32_t month = 1; month <= 12; ++month) {
      REQUIRE(ops::days_of(year, month, 1) == day);
      const ops::DateTime at = ops::date_time_of(day * ops::kSecondsPerDay + 86399);
      REQUIRE((at.year == year && at.month == month && at.day == 1 && at.hour == 23 && at.second == 59));
      day += ops::last_day_of(year, month);
    }
  }
  CHECK(ops::weekday_of(0) == 4);
  CHECK(ops::weekday_of(-1) == 3);
  CHECK_FALSE(ops::is_date(1900, 2, 29));
  CHECK(ops::is_date(2000, 2, 29));
}

TEST_CASE("offsets and local times of a zone agree for every quarter of an hour of two years") {
  const auto zone = ops::Zone::find("Europe/Berlin");
  REQUIRE(zone);
  int64_t different = 0;
  for (int64_t at = 1704067200; at < 1704067200 + 2 * 366 * ops::kSecondsPerDay; at += 900) {
    const int64_t local = at + zone->offset_at(at);
    if (zone->to_utc(local) != at) ++different;
  }
  // Only the second of the hours that occur twice leads elsewhere: four quarters a year.
  CHECK(different == 8);
}

}  // namespace colloquium::computo
