// What the event log does at its own interface: events are encoded, compressed, summed and appended, as the door
// does it, and the time until they are acknowledged is taken. Prints one JSON object.
//
//   log_bench append DIR EVENTS [--codec none|lz4|zstd|gzip] [--ack durable|written] [--per-batch N] [--streams N]
//                               [--seconds S | --mb N] [--rate EVENTS_PER_SECOND] [--encrypt]
//   log_bench replay DIR [--tape] [--encrypt]      reads every stream to its end; an encrypted log needs --encrypt
//   log_bench open DIR                 how long opening takes
//
// EVENTS is a file with an event per line. With --rate batches are due at fixed times and their latency counts
// from then, so that a log that falls behind can't hide it. One thread encodes.
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "colloquium/batch.h"

#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "io/file_system.h"
#include "json/walk.h"
#include "log/segment_log.h"

namespace {

using namespace colloquium;
using log::AckLevel;
using log::Codec;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "log_bench: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().describe());
  return std::move(*result);
}

struct Options {
  std::string mode, directory, events;
  std::map<std::string, std::string> named;
  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = named.find(name);
    return found == named.end() ? otherwise : found->second;
  }
  double number(const std::string& name, double otherwise) const {
    const auto found = named.find(name);
    return found == named.end() ? otherwise : std::strtod(found->second.c_str(), nullptr);
  }
  bool has(const std::string& name) const { return named.contains(name); }
};

Options read_options(int argc, char** argv) {
  if (argc < 3) die("usage: log_bench append DIR EVENTS … | replay DIR | open DIR");
  Options options;
  options.mode = argv[1];
  options.directory = argv[2];
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) {
      options.events = word;
    } else if (i + 1 < argc && argv[i + 1][0] != '-') {
      options.named[word.substr(2)] = argv[++i];
    } else {
      options.named[word.substr(2)] = "";
    }
  }
  return options;
}

Codec codec_of(const std::string& name) {
  if (name == "none") return Codec::kNone;
  if (name == "lz4") return Codec::kLz4;
  if (name == "zstd") return Codec::kZstd;
  if (name == "gzip") return Codec::kGzip;
  die("no codec " + name);
}

// Batches of the file's events, made once: the door has walked them by the time it encodes them.
std::vector<std::shared_ptr<const Batch>> make_batches(const std::string& path, size_t per_batch) {
  std::ifstream in(path);
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "bench";
  origin->tag = "benchtag";
  std::vector<std::shared_ptr<const Batch>> batches;
  BatchBuilder builder;
  json::Walker walker;
  std::string line;
  while (std::getline(in, line)) {
    const size_t length = line.size();
    line.resize(length + kBatchPadding);
    std::vector<TapeToken> tape;
    json::WalkError error;
    if (!walker.walk({line.data(), length}, tape, error)) die("the events are not JSON");
    EventMeta meta;
    meta.timestamp_ms = 1'700'000'000'000;
    meta.offset_delta = static_cast<uint32_t>(builder.size());
    builder.add({line.data(), length}, tape, meta);
    if (builder.size() == per_batch) batches.push_back(builder.seal(origin, 0));
  }
  if (batches.empty()) die(path + " has fewer events than a batch");
  return batches;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

log::KeyRing::Keys bench_keys() {
  return {std::make_shared<const io::SecretKey>(std::string(io::kAeadKeyBytes, 'b'))};
}

// What a bench runs in; members in the order of their lives.
struct Bench {
  SystemClock clock;
  SystemRandom random;
  ThreadExecutor executor;
  std::unique_ptr<log::SegmentLog> log;

  void open(const std::string& directory, bool encrypt) {
    log::LogOptions options;
    options.directory = directory;
    options.files = &io::posix_file_system();
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
    if (encrypt) options.keys = std::make_shared<log::KeyRing>(bench_keys(), random, true);
    options.on_failure = [](const Error& error) { die(error.describe()); };
    log = must(log::SegmentLog::open(std::move(options)));
  }
};

// Acknowledgements, from the log's thread.
struct Acks {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<int64_t> latencies_ns;
  size_t under_way = 0;
};

double percentile_ms(std::vector<int64_t>& values, double share) {
  if (values.empty()) return 0;
  const size_t at = std::min(values.size() - 1, static_cast<size_t>(static_cast<double>(values.size()) * share));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return static_cast<double>(values[at]) / 1e6;
}

uint64_t bytes_of_segments(const std::string& directory) {
  uint64_t total = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory + "/streams"))
    if (entry.path().extension() == ".log") total += entry.file_size();
  return total;
}

class Appending {
 public:
  Appending(Bench& bench, const Options& options)
      : bench_(bench),
        batches_(make_batches(options.events, static_cast<size_t>(options.number("per-batch", 1000)))),
        codec_(codec_of(options.text("codec", "lz4"))),
        ack_(options.text("ack", "durable") == "written" ? AckLevel::kWritten : AckLevel::kDurable),
        rate_(options.number("rate", 0)),
        seconds_(options.number("seconds", options.has("mb") ? 1e9 : 5)),
        bytes_max_(options.number("mb", 1e9) * 1e6) {
    for (int i = 0; i < static_cast<int>(options.number("streams", 1)); ++i)
      streams_.push_back(must(bench_.log->open_stream({.name = "bench" + std::to_string(i)})));
  }

  void run() {
    const int64_t began_ns = bench_.clock.monotonic_ns();
    const auto end_ns = seconds_ > 1e8 ? INT64_MAX : began_ns + static_cast<int64_t>(seconds_ * 1e9);
    for (size_t turn = 0; bench_.clock.monotonic_ns() < end_ns && raw_bytes_ < bytes_max_; ++turn) {
      const auto& batch = batches_[turn % batches_.size()];
      append(batch, streams_[turn % streams_.size()], due(batch->size(), began_ns));
    }
    {
      std::unique_lock lock(acks_.mutex);
      acks_.changed.wait(lock, [this] { return acks_.under_way == 0; });
    }
    elapsed_s_ = static_cast<double>(bench_.clock.monotonic_ns() - began_ns) / 1e9;
  }

  void print(const std::string& directory, double cpu) {
    const log::LogStats stats = bench_.log->stats();
    if (Status closed = bench_.log->close(); !closed) die(closed.error().describe());
    const double stored = static_cast<double>(bytes_of_segments(directory));
    std::printf(
        "{\"events\":%.0f,\"seconds\":%.3f,\"events_s\":%.0f,\"raw_mb_s\":%.1f,\"stored_mb_s\":%.1f,\"ratio\":%."
        "2f,"
        "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"groups\":%llu,\"stored_bytes_per_group\":%.0f,"
        "\"cpu_s\":%.2f}\n",
        events_, elapsed_s_, events_ / elapsed_s_, raw_bytes_ / elapsed_s_ / 1e6, stored / elapsed_s_ / 1e6,
        raw_bytes_ / stored, percentile_ms(acks_.latencies_ns, 0.5), percentile_ms(acks_.latencies_ns, 0.99),
        percentile_ms(acks_.latencies_ns, 1), static_cast<unsigned long long>(stats.groups),
        stored / static_cast<double>(std::max<uint64_t>(stats.groups, 1)), cpu);
  }

 private:
  // When the next batch counts as having arrived; waits until then.
  int64_t due(size_t events, int64_t began_ns) {
    if (rate_ <= 0) return bench_.clock.monotonic_ns();
    const int64_t at = began_ns + static_cast<int64_t>(due_events_ / rate_ * 1e9);
    due_events_ += static_cast<double>(events);
    const int64_t ahead_ns = at - bench_.clock.monotonic_ns();
    if (ahead_ns > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(ahead_ns));
    return at;
  }

  void append(const std::shared_ptr<const Batch>& batch, log::StreamId stream, int64_t arrived_ns) {
    while (bench_.log->full()) {
      const auto room = bench_.executor.make_signal();
      bench_.log->when_not_full([room] { room->set(); });
      room->wait();
    }
    log::EncodedBatch encoded = must(log::encode(batch, codec_, nullptr));
    events_ += static_cast<double>(batch->size());
    raw_bytes_ += static_cast<double>(batch->payload_bytes());
    {
      const std::lock_guard lock(acks_.mutex);
      ++acks_.under_way;
    }
    bench_.log->append(stream, 0, std::move(encoded), ack_, [this, arrived_ns](Result<log::AppendResult> result) {
      if (!result) die(result.error().describe());
      const int64_t now_ns = bench_.clock.monotonic_ns();
      const std::lock_guard lock(acks_.mutex);
      acks_.latencies_ns.push_back(now_ns - arrived_ns);
      if (--acks_.under_way == 0) acks_.changed.notify_all();
    });
  }

  Bench& bench_;
  const std::vector<std::shared_ptr<const Batch>> batches_;
  const Codec codec_;
  const AckLevel ack_;
  const double rate_, seconds_, bytes_max_;
  std::vector<log::StreamId> streams_;
  Acks acks_;
  double due_events_ = 0, events_ = 0, raw_bytes_ = 0, elapsed_s_ = 0;
};

void replay(Bench& bench, const Options& options) {
  const int64_t began_ns = bench.clock.monotonic_ns();
  uint64_t events = 0, bytes = 0;
  for (const log::StreamInfo& info : bench.log->streams()) {
    const auto stream = must(
        bench.log->open_stream({.name = info.name, .partitions = static_cast<int32_t>(info.partitions.size())}));
    for (size_t p = 0; p < info.partitions.size(); ++p) {
      const auto reader = must(
          bench.log->read(stream, static_cast<int32_t>(p), info.partitions[p].oldest_offset, options.has("tape")));
      while (const auto batch = must(reader->next())) {
        events += batch->size();
        bytes += batch->payload_bytes();
      }
    }
  }
  const double seconds = static_cast<double>(bench.clock.monotonic_ns() - began_ns) / 1e9;
  std::printf("{\"events\":%llu,\"seconds\":%.3f,\"events_s\":%.0f,\"raw_mb_s\":%.1f}\n",
              static_cast<unsigned long long>(events), seconds, static_cast<double>(events) / seconds,
              static_cast<double>(bytes) / seconds / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  Bench bench;
  const int64_t began_ns = bench.clock.monotonic_ns();
  bench.open(options.directory, options.has("encrypt"));
  const double opened_ms = static_cast<double>(bench.clock.monotonic_ns() - began_ns) / 1e6;
  if (options.mode == "open") {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("{\"open_ms\":%.1f,\"clean\":%s,\"rss_mb\":%.1f}\n", opened_ms,
                bench.log->recovery().clean ? "true" : "false", static_cast<double>(usage.ru_maxrss) / 1024);
  } else if (options.mode == "replay") {
    replay(bench, options);
  } else if (options.mode == "append") {
    Appending appending(bench, options);
    const double cpu_before = cpu_seconds();
    appending.run();
    appending.print(options.directory, cpu_seconds() - cpu_before);
    return 0;
  } else {
    die("no mode " + options.mode);
  }
  if (Status closed = bench.log->close(); !closed) die(closed.error().describe());
  return 0;
}
