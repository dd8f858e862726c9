// logfmt: `key=value key="a value" flag`, an event per line, as an object; and back.
//
// There is no standard; this follows what Heroku and Go's kr/logfmt read: keys of anything above a space but '='
// and
// '"'; a bare value ends at a space; a quoted one has the escapes of JSON strings; a key alone is true.
//
// Thread safety: as format.h.
#pragma once

#include "formats/format.h"

namespace colloquium::formats {

const FormatDescriptor& logfmt_format();

}  // namespace colloquium::formats
