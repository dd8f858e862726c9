// The cases that pin the language, vectors.jsonl and deviations.jsonl, for tests that want their scripts.
//
// COMPUTO_VECTORS is the folder they are in. Thread safety: functions.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"

#include "io/file_system.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::computo {

// Calls `take` with every case, in the order of the files. What it is given lives as long as the call.
template <class Take>
void each_vector(Take take) {
  for (const char* file : {"vectors.jsonl", "deviations.jsonl"}) {
    const auto text = io::read_file(io::posix_file_system(), COMPUTO_VECTORS + std::string("/") + file, 1u << 28);
    REQUIRE(text);
    for (size_t begin = 0; begin < text->size();) {
      const size_t end = text->find('\n', begin);
      std::string line = text->substr(begin, end - begin);
      const size_t size = line.size();
      line.append(kBatchPadding, '\0');
      std::vector<TapeToken> tape;
      json::WalkError error;
      REQUIRE(json::Walker({4096}).walk({line.data(), size}, tape, error));
      take(json::ValueView(line.data(), tape.data(), 0));
      begin = end + 1;
    }
  }
}

}  // namespace colloquium::computo
