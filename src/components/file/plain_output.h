// PlainOutput: every event to one file, which is appended to in place.
//
// Thread safety: as FileOutput's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/file/file_output.h"
#include "components/file/file_writer.h"

namespace colloquium::components {

class PlainOutput final : public FileOutput {
 public:
  PlainOutput(std::unique_ptr<FileWriter> writer, std::unique_ptr<formats::BatchText> text)
      : writer_(std::move(writer)), text_(std::move(text)) {}

  Status write(const Batches& batches) override;
  const std::vector<formats::RefusedEvent>& refused() const override { return text_->refused(); }
  Result<std::string> sync() override;
  std::vector<std::string> take_warnings() override;

 private:
  const std::unique_ptr<FileWriter> writer_;
  const std::unique_ptr<formats::BatchText> text_;
  std::string told_aside_;  // what was told of FileWriter::aside_path()
};

}  // namespace colloquium::components
