// HttpClientSource: the answers of another server, asked for on a schedule.
//
// One request is under way at a time, and one answer is at the door at a time: the next is asked for once it was
// accepted. What a poll knows of a document (ETag, Last-Modified) is stored with the document, so that one that
// has not changed does not come again, after a restart neither. A poll may have pages; they are one document,
// whose cursor goes with the last of them.
//
//   tick ─▶ ask ─▶ open (on the pool if large) ─▶ door ─▶ accepted ─▶ next page: ask, else tick
//           │ 304: tick       │ no document: tick
//           └ failed: ask again, later each time
//
// Thread safety: as Source's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/door_queue.h"
#include "base/liveness.h"
#include "components/http/client_settings.h"
#include "components/http/peer_client.h"
#include "components/http/poll_cursor.h"
#include "components/http/polled_document.h"
#include "formats/format.h"
#include "net/token_bucket.h"

namespace colloquium::components {

enum class PollMethod { kGet, kPost };

struct PollRate {
  int64_t requests = 0;
  Duration per{1000};
};

// One of them.
struct PollNext {
  bool link = false;
  std::string pointer;
};

struct HttpClientConfig : ClientSettings {
  std::string url;
  PollMethod method = PollMethod::kGet;
  std::map<std::string, std::string> headers;
  std::string body;
  Duration every{60'000};
  std::optional<PollRate> rate;
  std::optional<formats::SourceFormatSetting> format;
  PollSplit split;
  std::optional<PollNext> next;
  int64_t max_pages = 1000;
  ByteSize max_body{32 << 20};
  ByteSize max_event{1 << 20};
  Duration timeout{30'000};
  ConfigMark mark;  // of the component
};

const Descriptor& http_client_source();

class HttpClientSource final : public Source {
 public:
  HttpClientSource(SourceContext context, const HttpClientConfig& config, loop::UvLoop& loop);

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  // A poll under way, over all its pages.
  struct Poll {
    std::string url;   // of the page
    int64_t page = 0;  // from 0
    std::string etag;  // of the first page
    std::string last_modified;
    int64_t failures = 0;  // in a row
  };

  void begin_poll();
  void tick_later(int64_t delay_ms);
  // Asks for the page, once the bucket allows it.
  void ask();
  void ask_later(int64_t delay_ms);
  net::ClientRequest request() const;
  void answered(Result<net::ClientResponse> answer);
  void failed(const std::string& why, int64_t retry_after_ms);
  void take(net::ClientResponse answer);
  void opened(Result<PolledDocument> document);
  // Where the next page is; empty if there is none, or none that may be asked for.
  std::string next_url(const std::string& reference) const;
  Result<RawBatch> batch() const;
  // The door may have accepted the document.
  void moved();
  void end_poll();
  void bad_document(const std::string& why);
  void start_timer(int64_t delay_ms, void (HttpClientSource::*then)());

  SourceContext context_;
  const HttpClientConfig config_;
  const std::string target_;  // the URL as messages show it
  PeerClient client_;
  std::optional<net::TokenBucket> bucket_;
  PollCursor cursor_;  // behind everything emitted
  Poll poll_;
  DoorQueue queue_;
  std::shared_ptr<const std::string> document_;  // at the door, or waiting for it
  std::string next_;                             // the page behind it; empty: none
  int64_t due_ns_ = 0;                           // when this poll began
  uint64_t request_ = 0;                         // under way; 0: none
  bool told_ = false;                            // that polls fail
  bool stopped_ = false;
  std::unique_ptr<Timer> timer_;  // the one thing that is waited for, if it is time
  Liveness alive_;
};

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::PollMethod> {
  static constexpr std::pair<std::string_view, components::PollMethod> values[] = {
      {"GET", components::PollMethod::kGet}, {"POST", components::PollMethod::kPost}};
};

template <>
struct ConfigObject<components::PollRate> {
  static ConfigSpec<components::PollRate> spec();
};

template <>
struct ConfigType<components::PollNext> {
  static FieldSpec describe(std::string name, FieldOptions options);
  static std::string show(const components::PollNext&) { return {}; }
};

}  // namespace colloquium
