// Reading the JSON of a client's request: every member may be absent, null or of a wrong type, and each wrong one
// is told by its name.
//
// Thread safety: functions over values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "colloquium/ai_provider.h"
#include "colloquium/result.h"

#include "json/view.h"
#include "json/walk.h"

namespace colloquium::components {

using json::ValueView;

// kInvalidInput with the sentence for the client.
tl::unexpected<Error> bad_request(std::string message);

// A body that is an object, and not of more values than fit into memory.
Result<json::Document> request_object(std::string_view body);

// A member that is there and not null.
std::optional<ValueView> given(const ValueView& object, std::string_view key);

// Of the type they say, or nothing where the member is absent; `what` is for the message.
Result<std::optional<std::string>> text_of(const ValueView& object, const char* key, const std::string& what);
Result<std::optional<int64_t>> integer_of(const ValueView& object, const char* key, const std::string& what);
Result<std::optional<double>> number_of(const ValueView& object, const char* key, const std::string& what);
Result<bool> flag_of(const ValueView& object, const char* key, const std::string& what);
// There, and not empty.
Result<std::string> needed_text(const ValueView& object, const char* key, const std::string& what);
// The JSON of a member that is an object; empty where it is absent.
Result<std::string> object_of(const ValueView& object, const char* key, const std::string& what);
Result<std::vector<std::string>> texts_of(const ValueView& list, const std::string& what);

Status need_object(const ValueView& value, const std::string& what);
Status need_array(const ValueView& value, const std::string& what);

// An image by "data:image/png;base64,…" or by its address.
Result<AiImage> image_of_url(std::string url);

// Members of `root` that are in `names`, as a JSON object; empty if there is none.
std::string members_of(const ValueView& root, const std::vector<std::string>& names);

// Runs `each`, which gives a Status, for the elements, and stops at the first that fails.
template <class Each>
Status for_elements(const ValueView& array, Each each) {
  size_t at = 0;
  for (ValueView item = array.first_child(); !item.at_end_of(array); item = item.next()) TRY(each(item, at++));
  return {};
}

}  // namespace colloquium::components
