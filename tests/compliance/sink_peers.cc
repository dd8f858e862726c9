#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>
#include <utility>

#include "base/assert.h"
#include "io/file_system.h"
#include "tests/compliance/component_peers.h"

namespace colloquium::compliance {
namespace {

std::string content_of(const std::string& path) {
  const auto text = io::read_file(io::posix_file_system(), path, 1 << 24);
  return text ? *text : std::string();
}

class FilePeer : public SinkPeer {
 public:
  explicit FilePeer(World& world) : path_(world.folder() + "/out.ndjson") {}
  std::string settings() const override { return "{path: " + path_ + "}"; }
  std::vector<int64_t> delivered() override { return numbers_in(content_of(path_)); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// Standard output is the file while it lives.
class StdoutPeer final : public FilePeer {
 public:
  explicit StdoutPeer(World& world) : FilePeer(world) {
    std::cout.flush();
    std::fflush(stdout);
    before_ = ::dup(1);
    const int fd = ::open(path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT(before_ >= 0 && fd >= 0 && ::dup2(fd, 1) == 1);
    ::close(fd);
  }
  ~StdoutPeer() override {
    ASSERT(::dup2(before_, 1) == 1);
    ::close(before_);
  }
  std::string settings() const override { return "{}"; }

 private:
  int before_ = -1;
};

// Files that are finished one after the other, five events each; what counts has its name.
class RotatedPeer final : public SinkPeer {
 public:
  explicit RotatedPeer(World& world) : folder_(world.folder() + "/rotated") {}
  std::string settings() const override { return "{path: " + folder_ + "/out.ndjson, rotate: {count: 5}}"; }
  std::vector<int64_t> delivered() override {
    std::vector<int64_t> numbers;
    // One that gets its name meanwhile would be missed under both: then it is looked at again.
    for (auto names = listed(), before = decltype(names)(); names != before;
         before = std::exchange(names, listed())) {
      numbers.clear();
      for (const std::string& name : names) {
        const std::vector<int64_t> more = numbers_in(content_of(folder_ + "/" + name));
        numbers.insert(numbers.end(), more.begin(), more.end());
      }
    }
    return numbers;
  }

 private:
  // out.ndjson, out-0001.ndjson …: in the order they were made in, which byte order is not.
  std::vector<std::string> listed() const {
    auto names = io::posix_file_system().list(folder_).value_or(std::vector<std::string>());
    std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return std::pair(a.size(), a) < std::pair(b.size(), b);
    });
    return names;
  }

  const std::string folder_;
};

// A program that keeps each line and answers it; it ends where a file `refuse` is, and waits where `hold` is.
class ProgramPeer final : public SinkPeer {
 public:
  explicit ProgramPeer(World& world) : folder_(world.folder()) {
    const Status written = io::write_file_atomically(io::posix_file_system(), folder_ + "/keep.sh",
                                                     "cd \"$1\"\nwhile read -r line; do\n"
                                                     "  [ -e refuse ] && exit 3\n"
                                                     "  while [ -e hold ]; do : > holding; sleep 0.01; done\n"
                                                     "  printf '%s\\n' \"$line\" >> out\n  echo done\ndone\n");
    ASSERT(written);
  }
  std::string settings() const override {
    return "{command: [sh, " + folder_ + "/keep.sh, " + folder_ +
           "], acknowledge: line, restart: {initial: 10ms, max: 10ms}, stop_timeout: 100ms}";
  }
  std::vector<int64_t> delivered() override { return numbers_in(content_of(folder_ + "/out")); }
  bool refuse(bool on) override { return set("/refuse", on); }
  bool hold(bool on) override { return set("/hold", on); }
  bool is_holding() override { return io::posix_file_system().info(folder_ + "/holding").has_value(); }

 private:
  bool set(const std::string& name, bool on) {
    io::FileSystem& files = io::posix_file_system();
    const Status done = on ? io::write_file_atomically(files, folder_ + name, "") : files.remove(folder_ + name);
    return done || !on;
  }
  const std::string folder_;
};

class StreamPeer final : public SinkPeer {
 public:
  explicit StreamPeer(World& world) : log_(world.log()) {
    const auto opened = log_.open_stream({.name = "filled"});
    ASSERT(opened);
    stream_ = *opened;
  }
  std::string settings() const override { return "{name: filled}"; }
  std::vector<int64_t> delivered() override {
    std::vector<int64_t> numbers;
    auto reader = log_.read(stream_, 0, 0, false);
    ASSERT(reader);
    while (true) {
      const auto batch = (*reader)->next();
      if (!batch || *batch == nullptr) return numbers;
      for (size_t i = 0; i < (*batch)->size(); ++i) {
        for (const int64_t number : numbers_in((*batch)->value(i))) numbers.push_back(number);
      }
    }
  }

 private:
  log::FakeLog& log_;
  log::StreamId stream_ = 0;
};

class ReceiverPeer final : public SinkPeer {
 public:
  ReceiverPeer(World& world, std::string more) : server_(world.server()), more_(std::move(more)) {
    const Status added =
        server_.add_route({.path = "/receive",
                           .methods = {net::Method::kPost},
                           .handle = [this](const net::Request& request, net::Responder responder) {
                             take(*request.body, std::move(responder));
                           }});
    ASSERT(added);
  }
  ~ReceiverPeer() override { server_.remove_route("/receive"); }
  std::string settings() const override {
    return "{url: \"http://127.0.0.1:" + std::to_string(server_.port()) + "/receive\"" + more_ + "}";
  }
  std::vector<int64_t> delivered() override { return delivered_; }
  bool refuse(bool on) override {
    refuses_ = on;
    return true;
  }
  bool hold(bool on) override {
    holds_ = on;
    if (on) return true;
    for (auto& [body, responder] : std::exchange(held_, {})) take(body, std::move(responder));
    return true;
  }
  bool is_holding() override { return !held_.empty(); }

 private:
  void take(const std::string& body, net::Responder responder) {
    if (holds_) {
      held_.emplace_back(body, std::move(responder));
      return;
    }
    if (refuses_) return responder.send({.status = 503});
    for (const int64_t number : numbers_in(body)) delivered_.push_back(number);
    responder.send({.status = 204});
  }

  net::HttpServer& server_;
  const std::string more_;
  bool refuses_ = false;
  bool holds_ = false;
  std::vector<int64_t> delivered_;
  std::vector<std::pair<std::string, net::Responder>> held_;
};

}  // namespace

std::unique_ptr<SinkPeer> standard_output(World& world) {
  return std::make_unique<StdoutPeer>(world);
}
std::unique_ptr<SinkPeer> file_to_write(World& world) {
  return std::make_unique<FilePeer>(world);
}
std::unique_ptr<SinkPeer> rotated_files(World& world) {
  return std::make_unique<RotatedPeer>(world);
}
std::unique_ptr<SinkPeer> program_that_reads(World& world) {
  return std::make_unique<ProgramPeer>(world);
}
std::unique_ptr<SinkPeer> stream_to_fill(World& world) {
  return std::make_unique<StreamPeer>(world);
}
std::unique_ptr<SinkPeer> http_receiver(World& world) {
  return std::make_unique<ReceiverPeer>(world, "");
}
std::unique_ptr<SinkPeer> http_batch_receiver(World& world) {
  return std::make_unique<ReceiverPeer>(world, ", batch: {events: 3}");
}

}  // namespace colloquium::compliance
