// Operators over time.
//
// A time is an instant: a string of RFC 3339 ("2024-02-29T12:00:00.5+01:00") or an integer, milliseconds since
// 1970. Operators that give a time give RFC 3339 in UTC, with 0, 3, 6 or 9 digits of fraction as needed. Times lie
// in the years 0000 to 9999. A zone is "UTC", an offset ("+02:00") or an IANA name ("Europe/Berlin"), and UTC
// where none is given. A local time that occurs twice is the first of both; one that is skipped is moved on by the
// gap.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// times.cc
bool format_time(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool from_epoch(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool parse_time(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool time_parts(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool to_epoch(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// time_arithmetic.cc
bool format_duration(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool parse_duration(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool time_add(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool time_diff(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool truncate_time(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// Constant formats, units, zones and durations.
std::string check_parse_time(std::span<const ConstantText> arguments);
std::string check_format_time(std::span<const ConstantText> arguments);
std::string check_time_parts(std::span<const ConstantText> arguments);
std::string check_epoch_unit(std::span<const ConstantText> arguments);
std::string check_time_add(std::span<const ConstantText> arguments);
std::string check_time_diff(std::span<const ConstantText> arguments);
std::string check_truncate_time(std::span<const ConstantText> arguments);
std::string check_parse_duration(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kTimeLibrary[] = {
    native("formatDuration", 1, 2, {"Times", "duration: number, unit?: string", "string", "type value"}, "ns",
           ops::format_duration,
           "A number of milliseconds, or of another unit (\"ns\", \"us\", \"ms\", \"s\", \"m\", \"h\", \"d\", "
           "\"w\"), as text such as \"1d2h\" or \"1s500ms\"; what is less than a nanosecond is dropped.",
           R"(["formatDuration",5400000])", R"("1h30m")", ops::check_epoch_unit),
    native("formatTime", 2, 3, {"Times", "time: time, format: string, zone?: string", "string", "type value"},
           ".ss", ops::format_time,
           "A time as text by a format in strftime's notation, in English, in a zone (else UTC). Directives: %Y "
           "%y %m %d %e %j %H %I %p %M %S, %L %f %N (fraction of 3, 6, 9 digits), %s, %z %:z %Z, %a %A %b %B %h, "
           "%C %u %w %G %V, %F %T %R %D, %n %t %%.",
           R"(["formatTime","2024-07-01T12:00:00Z","%d %b %Y %H:%M %z","Europe/Berlin"])",
           R"("01 Jul 2024 14:00 +0200")", ops::check_format_time),
    native("fromEpoch", 1, 2, {"Times", "number: number, unit?: string", "string", "type value"}, "ns",
           ops::from_epoch,
           "The time that lies so many milliseconds after 1970 in UTC, or seconds \"s\", microseconds \"us\" or "
           "nanoseconds \"ns\"; numbers may have a fraction.",
           R"(["fromEpoch",1700000000.25,"s"])", R"("2023-11-14T22:13:20.250Z")", ops::check_epoch_unit),
    native(
        "parseDuration", 1, 2, {"Times", "text: string, unit?: string", "number", "type value"}, "s",
        ops::parse_duration,
        "A duration such as \"1h30m\", \"-7d\", \"1.5s\" or \"PT90M\" as a number of milliseconds, or of the unit "
        "given. A day is 24 hours; months and years have no fixed length and are errors of category value.",
        R"(["parseDuration","1h30m","m"])", "90", ops::check_parse_duration),
    native("parseTime", 1, 3, {"Times", "text: string, format?: string, zone?: string", "string", "type value"},
           "s", ops::parse_time,
           "The time a text says, as RFC 3339 in UTC: text in RFC 3339, or by a format in strptime's notation "
           "(formatTime's directives up to %h, and %F to %%), of the zone given where the text has none. Anything "
           "else is an error of category value. A leap second counts as the second after it.",
           R"(["parseTime","01/Jul/2024 14:00:00","%d/%b/%Y %T","Europe/Berlin"])", R"("2024-07-01T12:00:00Z")",
           ops::check_parse_time),
    native(
        "timeAdd", 2, 3,
        {"Times", "time: time, duration: string or number, zone?: string", "string", "type value"}, "..s",
        ops::time_add,
        "The time later by a duration (\"1h30m\", \"-7d\", \"1mo\", \"P1Y\") or a number of milliseconds. Years "
        "and months go by the calendar, to the month's last day where the day does not exist; with a zone given, "
        "so do weeks and days, by local time.",
        R"(["timeAdd","2024-01-31T00:00:00Z","1mo"])", R"("2024-02-29T00:00:00Z")", ops::check_time_add),
    native("timeDiff", 2, 3, {"Times", "later: time, earlier: time, unit?: string", "number", "type value"}, "..s",
           ops::time_diff,
           "How much later the first time is than the second, in milliseconds or another unit (\"ns\", \"us\", "
           "\"s\", \"m\", \"h\", \"d\", \"w\"); with a fraction if it does not come out even.",
           R"(["timeDiff","2024-03-01T12:00:00Z","2024-02-28T00:00:00Z","d"])", "2.5", ops::check_time_diff),
    native("timeParts", 1, 2, {"Times", "time: time, zone?: string", "object", "type value"}, ".s",
           ops::time_parts,
           "A time's year, month, day, hour, minute, second, nanosecond, weekday (Monday 1 to Sunday 7), yearDay "
           "(from 1), week and weekYear of ISO 8601, and offset (seconds east of UTC), in a zone (else UTC).",
           R"(["get",["timeParts","2024-07-01T12:00:00Z","Asia/Kolkata"],"/hour"])", "17", ops::check_time_parts),
    native(
        "toEpoch", 1, 2, {"Times", "time: time, unit?: string", "integer", "type value"}, ".s", ops::to_epoch,
        "The whole milliseconds from 1970 to a time, or seconds \"s\", microseconds \"us\", nanoseconds \"ns\", "
        "rounded down. Nanoseconds fit from 1678 to 2261, else an error of category value.",
        R"(["toEpoch","2023-11-14T22:13:20.25Z"])", "1700000000250", ops::check_epoch_unit),
    native("truncateTime", 2, 3, {"Times", "time: time, unit: string, zone?: string", "string", "type value"},
           ".ss", ops::truncate_time,
           "The beginning of the second, minute, hour, day, week (Monday), month, quarter or year that a time "
           "lies in, in a zone (else UTC).",
           R"(["truncateTime","2024-02-29T12:34:56Z","month"])", R"("2024-02-01T00:00:00Z")",
           ops::check_truncate_time),
};

}  // namespace colloquium::computo
