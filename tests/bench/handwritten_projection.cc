// The peer of the projection benchmark: what a program written by hand for this one job does.
//
//   handwritten_projection INPUT OUTPUT [none|raw|lz4] [LOG]
//
// Reads NDJSON, keeps the events with total > 50, writes five fields of each as one line. simdjson on demand:
// nothing but the fields is looked at, so bad JSON elsewhere goes unseen. With `raw` or `lz4` every event
// read is first framed, summed (CRC-32C) and appended to LOG, 1,000 a batch, synced once per MiB of input,
// and only synced events are written; the output is synced every 8 MiB.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <lz4.h>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

constexpr size_t kBlockBytes = 1 << 20;
constexpr size_t kOutputSyncBytes = 8 << 20;
constexpr size_t kBatchEvents = 1000;
constexpr double kTotalMin = 50;

enum class LogKind { kNone, kRaw, kLz4 };

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) die("write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// Batches of framed events, each behind a header of length, count and checksum.
class EventLog {
 public:
  EventLog(const char* path, LogKind kind) : kind_(kind) {
    if (kind == LogKind::kNone) return;
    fd_ = ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd_ < 0) die(path);
  }

  void add(std::string_view event) {
    uint64_t length = event.size();
    while (length >= 0x80) {
      frames_ += static_cast<char>(length | 0x80);
      length >>= 7;
    }
    frames_ += static_cast<char>(length);
    frames_ += event;
    if (++count_ == kBatchEvents) flush();
  }

  void sync() {
    flush();
    if (::fdatasync(fd_) != 0) die("fdatasync");
  }

 private:
  void flush() {
    if (count_ == 0) return;
    std::string_view payload = frames_;
    if (kind_ == LogKind::kLz4) {
      packed_.resize(static_cast<size_t>(LZ4_compressBound(static_cast<int>(frames_.size()))));
      int size = LZ4_compress_default(frames_.data(), packed_.data(), static_cast<int>(frames_.size()),
                                      static_cast<int>(packed_.size()));
      payload = std::string_view(packed_).substr(0, static_cast<size_t>(size));
    }
    uint32_t crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(payload.data())),
                               static_cast<int>(payload.size()), 0xffffffff);
    uint32_t header[3] = {static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(count_), crc};
    write_all(fd_, std::string_view(reinterpret_cast<const char*>(header), sizeof header));
    write_all(fd_, payload);
    frames_.clear();
    count_ = 0;
  }

  LogKind kind_;
  int fd_ = -1;
  size_t count_ = 0;
  std::string frames_;
  std::string packed_;
};

class Projection {
 public:
  // Appends the line for `event` to `out` if the event is to be kept. `capacity` bytes are readable behind it.
  bool run(std::string_view event, size_t capacity, std::string& out) {
    simdjson::ondemand::document document;
    if (parser_.iterate(simdjson::padded_string_view(event.data(), event.size(), capacity)).get(document))
      return false;
    simdjson::ondemand::object object, customer;
    if (document.get_object().get(object)) return false;
    std::string_view id, type, number, name, total;
    simdjson::ondemand::value value;
    if (object.find_field_unordered("id").get(value) || raw(value, id)) return false;
    if (object.find_field_unordered("type").get(value) || raw(value, type)) return false;
    if (object.find_field_unordered("customer").get_object().get(customer)) return false;
    if (customer.find_field_unordered("id").get(value) || raw(value, number)) return false;
    if (customer.find_field_unordered("name").get(value) || raw(value, name)) return false;
    double amount = 0;
    if (object.find_field_unordered("total").get(value) || raw(value, total) || value.get_double().get(amount))
      return false;
    if (amount <= kTotalMin) return true;
    out.append("{\"customer\":").append(number).append(",\"id\":").append(id).append(",\"name\":").append(name);
    out.append(",\"total\":").append(total).append(",\"type\":").append(type).append("}\n");
    return true;
  }

 private:
  static bool raw(simdjson::ondemand::value& value, std::string_view& out) {
    out = value.raw_json_token();
    while (!out.empty() && out.back() == ' ') out.remove_suffix(1);
    return out.empty();
  }

  simdjson::ondemand::parser parser_;
};

struct Job {
  int input, output;
  LogKind kind;
  EventLog log;
  Projection projection;
  std::string out;
  size_t unsynced_bytes = 0;

  // Everything up to the last line feed of [begin, end); returns where the rest begins.
  const char* lines(const char* begin, const char* end, const char* readable) {
    const char* rest = begin;
    for (const char* at = begin; at < end;) {
      const char* stop = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
      if (stop == nullptr) break;
      std::string_view event(at, static_cast<size_t>(stop - at));
      if (kind != LogKind::kNone) log.add(event);
      if (!event.empty() && !projection.run(event, static_cast<size_t>(readable - at), out)) std::exit(3);
      at = rest = stop + 1;
    }
    return rest;
  }

  void deliver(bool last) {
    if (kind != LogKind::kNone) log.sync();
    unsynced_bytes += out.size();
    write_all(output, out);
    out.clear();
    if (kind == LogKind::kNone || (unsynced_bytes < kOutputSyncBytes && !last)) return;
    if (::fdatasync(output) != 0) die("fdatasync");
    unsynced_bytes = 0;
  }

  void run() {
    std::string buffer(2 * kBlockBytes + simdjson::SIMDJSON_PADDING, '\0');
    size_t held = 0;
    for (;;) {
      ssize_t got = ::read(input, buffer.data() + held, kBlockBytes);
      if (got < 0) die("read");
      if (got == 0) break;
      const char* end = buffer.data() + held + got;
      const char* rest = lines(buffer.data(), end, buffer.data() + buffer.size());
      held = static_cast<size_t>(end - rest);
      std::memmove(buffer.data(), rest, held);
      deliver(false);
    }
    deliver(true);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: handwritten_projection INPUT OUTPUT [none|raw|lz4] [LOG]\n");
    return 2;
  }
  LogKind kind = LogKind::kNone;
  if (argc > 4 && std::strcmp(argv[3], "raw") == 0) kind = LogKind::kRaw;
  if (argc > 4 && std::strcmp(argv[3], "lz4") == 0) kind = LogKind::kLz4;
  int input = ::open(argv[1], O_RDONLY);
  if (input < 0) die(argv[1]);
  int output = ::open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (output < 0) die(argv[2]);
  Job job{input, output, kind, EventLog(argc > 4 ? argv[4] : "", kind), {}, {}};
  job.run();
  return 0;
}
