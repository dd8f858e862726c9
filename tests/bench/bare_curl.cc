// The least that a program on libcurl can do: it reads lines of a file and posts so many at a time. The floor of a
// pipeline from a file to HTTP.
//
//   bare_curl FILE URL LINES_PER_REQUEST UNDER_WAY      ends when every line was answered with 200
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <curl/curl.h>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

[[noreturn]] void end(const std::string& why) {
  std::fprintf(stderr, "bare_curl: %s\n", why.c_str());
  std::exit(1);
}

// Reads the file in pieces, and gives so many lines of it at a time.
class Lines {
 public:
  Lines(const char* path, size_t at_a_time) : file_(open(path, O_RDONLY)), at_a_time_(at_a_time) {
    if (file_ < 0) end(std::string("cannot read ") + path);
  }

  // False at the end of the file.
  bool next(std::string& out) {
    size_t lines = 0;
    size_t at = 0;
    while (lines < at_a_time_) {
      const void* const found = std::memchr(held_.data() + begin_ + at, '\n', held_.size() - begin_ - at);
      if (found != nullptr) {
        at = static_cast<size_t>(static_cast<const char*>(found) - held_.data()) - begin_ + 1;
        ++lines;
      } else if (!read_more()) {
        at = held_.size() - begin_;
        break;
      }
    }
    out.assign(held_, begin_, at);
    begin_ += at;
    return !out.empty();
  }

 private:
  static constexpr size_t kPiece = 1 << 20;

  bool read_more() {
    held_.erase(0, begin_);
    begin_ = 0;
    const size_t before = held_.size();
    held_.resize(before + kPiece);
    const ssize_t count = read(file_, held_.data() + before, kPiece);
    if (count < 0) end("cannot read on");
    held_.resize(before + static_cast<size_t>(count));
    return count > 0;
  }

  const int file_;
  const size_t at_a_time_;
  std::string held_;
  size_t begin_ = 0;
};

struct Request {
  CURL* handle = nullptr;
  std::string body;
};

size_t ignore(char*, size_t size, size_t count, void*) {
  return size * count;
}

bool post_next(CURLM* multi, Request& request, Lines& lines) {
  if (!lines.next(request.body)) return false;
  curl_easy_setopt(request.handle, CURLOPT_POSTFIELDS, request.body.data());
  curl_easy_setopt(request.handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_multi_add_handle(multi, request.handle);
  return true;
}

void check(const CURLMsg& message) {
  if (message.data.result != CURLE_OK) end(curl_easy_strerror(message.data.result));
  long status = 0;
  curl_easy_getinfo(message.easy_handle, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) end("answered with " + std::to_string(status));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: bare_curl FILE URL LINES_PER_REQUEST UNDER_WAY\n");
    return 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Lines lines(argv[1], std::strtoull(argv[3], nullptr, 10));
  curl_slist* const headers = curl_slist_append(nullptr, "Content-Type: application/x-ndjson");
  CURLM* const multi = curl_multi_init();
  std::vector<Request> requests(std::strtoull(argv[4], nullptr, 10));
  size_t under_way = 0;
  for (Request& request : requests) {
    request.handle = curl_easy_init();
    curl_easy_setopt(request.handle, CURLOPT_URL, argv[2]);
    curl_easy_setopt(request.handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(request.handle, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(request.handle, CURLOPT_PRIVATE, &request);
    if (post_next(multi, request, lines)) ++under_way;
  }
  while (under_way > 0) {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    bool ended = false;
    while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
      check(*message);
      ended = true;
      CURL* const handle = message->easy_handle;
      Request* request = nullptr;
      curl_easy_getinfo(handle, CURLINFO_PRIVATE, &request);
      curl_multi_remove_handle(multi, handle);
      if (!post_next(multi, *request, lines)) --under_way;
    }
    if (!ended && under_way > 0) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  for (Request& request : requests) curl_easy_cleanup(request.handle);
  curl_multi_cleanup(multi);
  curl_slist_free_all(headers);
  return 0;
}
