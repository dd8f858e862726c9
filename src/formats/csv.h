// CSV (RFC 4180): a line of fields per event, which becomes an object with the header's names as keys; and back.
//
// Fields may be quoted, and hold delimiters, doubled quotes and line breaks then. A quote inside of an unquoted
// field is a character like any other. A record with more or fewer fields than the header is a bad event.
//
// Thread safety: as format.h.
#pragma once

#include "formats/format.h"

namespace colloquium::formats {

const FormatDescriptor& csv_format();

}  // namespace colloquium::formats
