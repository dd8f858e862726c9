// Time zones: UTC, fixed offsets, and the IANA zones that the system knows. The adapter to the tz library.
//
// The list of names is read once per process, each zone when it is first asked for; after that a look-up takes
// nothing from the heap. Up to 2037 the system's transitions hold; a zone that changes its clocks in 2037 is taken
// to go on as in an equal calendar year before.
// Thread safety: functions, and immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace date {
class time_zone;
}  // namespace date

namespace colloquium::computo::ops {

class Zone {
 public:
  // UTC.
  Zone() = default;

  // "UTC", "Z", "+02:00", "Europe/Berlin"; nothing if there is no such zone.
  static std::optional<Zone> find(std::string_view name);

  // Seconds east of UTC at an instant.
  int32_t offset_at(int64_t utc_seconds) const;

  // The instant of a local time. One that occurs twice, when clocks are set back, is the first of the two; one
  // that is skipped, when they are set forward, is as much later as they are.
  int64_t to_utc(int64_t local_seconds) const;

  // The abbreviation in use ("CEST"), or the offset.
  std::string abbreviation_at(int64_t utc_seconds) const;

 private:
  const date::time_zone* zone_ = nullptr;
  int32_t offset_ = 0;  // where zone_ is null
};

}  // namespace colloquium::computo::ops
