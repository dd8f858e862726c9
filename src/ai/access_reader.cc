#include "ai/access_reader.h"

#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "net/http_message.h"

namespace colloquium::ai {
namespace {

bool is_same(const io::FileInfo& one, const io::FileInfo& other) {
  return one.device == other.device && one.inode == other.inode && one.size == other.size &&
         one.modified_ms == other.modified_ms;
}

}  // namespace

Status read_plain_key(std::string_view text, AiAccess& access) {
  constexpr char kSpace[] = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return fail(ErrorCode::kInvalidInput, "it is empty");
  const std::string key(text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin));
  if (!net::is_header_value(key)) return fail(ErrorCode::kInvalidInput, "it holds what no header can carry");
  access.key = key;
  return {};
}

// What changes between the stat and the reading is seen by the next look, as it has another time or inode then.
void AccessReader::Look::run(const io::FileSystem& files) {
  is_new = false;
  failure.reset();
  const auto found = files.info(path);
  if (found && known && is_same(*known, *found)) return;
  known.reset();  // what can't be used now is tried again at every look
  if (!found) {
    failure = found.error();
    return;
  }
  const auto text = io::read_file(files, path, kFileBytesMax);
  const Status read = !text      ? Status(fail(Error(text.error())))
                      : read_key ? read_key(*text, access)
                                 : read_plain_key(*text, access);
  is_new = read.has_value();
  if (is_new) known = *found;
  if (!read) failure = read.error();
}

AccessReader::AccessReader(Loop& loop, const io::FileSystem& files, std::string provider)
    : loop_(loop), files_(files), provider_(std::move(provider)) {}

AccessReader::~AccessReader() = default;

Result<std::unique_ptr<AccessReader>> AccessReader::create(Loop& loop, const io::FileSystem& files,
                                                           std::string provider, AiAccess access,
                                                           std::string key_file, AiReadKey read_key) {
  LOOP_ASSERT(loop);
  std::unique_ptr<AccessReader> reader(new AccessReader(loop, files, std::move(provider)));
  reader->access_ = access;
  if (key_file.empty()) return reader;
  reader->look_ = std::make_shared<Look>();
  Look& look = *reader->look_;
  look.path = std::move(key_file);
  look.read_key = std::move(read_key);
  look.access = std::move(access);
  look.run(files);
  if (look.failure) {
    return fail(ErrorCode::kInvalidConfig, "the key file '" + look.path + "' of " + reader->provider_ +
                                               " can't be used: " + look.failure->message);
  }
  reader->take(look);
  reader->look_later();
  return reader;
}

void AccessReader::look_later() {
  timer_ = loop_.start_timer(kLookEveryMs, [this] { look(); });
}

// With the pool full it is for the next second.
void AccessReader::look() {
  LOOP_ASSERT(loop_);
  const bool taken = loop_.offload([look = look_, &files = files_] { look->run(files); },
                                   [this, look = look_, alive = std::weak_ptr<char>(alive_)] {
                                     if (alive.expired()) return;
                                     take(*look);
                                     look_later();
                                   });
  if (!taken) look_later();
}

void AccessReader::take(Look& look) {
  if (look.is_new) access_ = look.access;
  if (look.is_new && has_failed_)
    log_info("ai", "the key file is good again", {{"provider", provider_}, {"file", look.path}});
  if (look.is_new) has_failed_ = false;
  if (!look.failure || std::exchange(has_failed_, true)) return;
  log_warning("ai", "the key file can't be used; the key stays as it was",
              {{"provider", provider_}, {"file", look.path}, {"reason", look.failure->message}});
}

}  // namespace colloquium::ai
