// syslog lines: RFC 5424 and the older RFC 3164, told apart by the version behind the priority.
//
// An event is {appname, facility, hostname, message, msgid, procid, severity, structured_data, timestamp,
// version}, without what the line leaves out ('-'). The timestamp of RFC 3164 has neither year nor zone; it stays
// as written.
//
// Thread safety: as format.h.
#pragma once

#include "formats/format.h"

namespace colloquium::formats {

const FormatDescriptor& syslog_format();

}  // namespace colloquium::formats
