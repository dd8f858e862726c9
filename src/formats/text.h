// Texts: a line (`text`) or everything (`raw`) as a JSON string, and back; JSON itself (`json`, `ndjson`).
//
// Bytes that are no UTF-8 can be no JSON string: they become {"raw_base64": "…"}, which is written as those bytes
// again.
//
// Thread safety: as format.h.
#pragma once

#include "formats/format.h"

namespace colloquium::formats {

const FormatDescriptor& ndjson_format();
const FormatDescriptor& json_format();
const FormatDescriptor& text_format();
const FormatDescriptor& raw_format();

}  // namespace colloquium::formats
