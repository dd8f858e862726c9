#include "components/http/poll_cursor.h"

#include <nlohmann/json.hpp>

#include "components/http/digest_text.h"

namespace colloquium::components {
namespace {

// A cursor is stored with every batch: validators longer than this are not worth that.
constexpr size_t kValidatorBytesMax = 1024;

// Bytes of a header that are no UTF-8 can be in no JSON; such a validator is left out, and the document comes
// again.
nlohmann::json text(const std::string& value) {
  const bool fits = value.size() <= kValidatorBytesMax;
  return fits ? nlohmann::json(value) : nlohmann::json("");
}

}  // namespace

std::string to_text(const PollCursor& cursor) {
  const nlohmann::json json = {{"position", cursor.position},
                               {"url", cursor.url},
                               {"etag", text(cursor.etag)},
                               {"last_modified", text(cursor.last_modified)}};
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::ignore);
}

Result<PollCursor> poll_cursor_of(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto member = [&](const char* name) -> std::string {
    const auto at = json.find(name);
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const auto position = json.is_object() ? json.find("position") : json.end();
  if (!json.is_object() || position == json.end() || !position->is_number_unsigned()) {
    return fail(ErrorCode::kCorrupt, "the stored position is not one of an http_client source: '" + text +
                                         "'; give the source another name, and it begins anew");
  }
  return PollCursor{position->get<int64_t>(), member("url"), member("etag"), member("last_modified")};
}

std::string digest_of(const std::string& url) {
  return digest_text(io::Digester().digest(url));
}

}  // namespace colloquium::components
