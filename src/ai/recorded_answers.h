// RecordedAnswers: what models have answered, out of the records in a data directory, for whoever asks the same
// about the same event again. Whoever writes to the directory meanwhile is not disturbed.
//
// Memory: 24 bytes for each answer. Blocks. Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/result.h"

#include "ai/event_answers.h"
#include "io/file_system.h"
#include "log/data_directory.h"

namespace colloquium::ai {

class RecordedAnswers {
 public:
  // `records`: whose, as CallSettings has them; who has none has answered nothing. `keys` may be null. kPermission
  // where they are encrypted and no key opens them, kCorrupt for records that can't be read.
  static Result<std::unique_ptr<RecordedAnswers>> read(io::FileSystem& fs, const std::string& directory,
                                                       const std::vector<std::string>& records,
                                                       std::shared_ptr<const log::KeyRing> keys);

  // The answer to the question, which is redacted as it was; nothing if there is none.
  Result<std::optional<AiAnswer>> find(const AiQuestion& question);
  size_t size() const;

 private:
  struct Source {
    std::string stream;
    AnswerIndex index;
    std::unique_ptr<log::Reader> reader;  // null: none is open
    std::shared_ptr<const Batch> batch;   // that it has given last
  };

  RecordedAnswers(io::FileSystem& fs, std::string directory, std::shared_ptr<const log::KeyRing> keys);
  Result<std::unique_ptr<log::Reader>> open(const Source& source, int64_t offset) const;
  Status index(Source& source) const;
  Result<std::optional<AiAnswer>> at(Source& source, int64_t offset) const;

  io::FileSystem& fs_;
  const std::string directory_;
  const std::shared_ptr<const log::KeyRing> keys_;
  std::vector<Source> sources_;
};

}  // namespace colloquium::ai
