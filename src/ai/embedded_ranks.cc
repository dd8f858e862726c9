#include "ai/embedded_ranks.h"

// The assembler finds the files in the folder that CMakeLists.txt tells it. They are data, and nothing to a
// compiler: as an array of numbers they would take it seconds and be five times as long.
#define EMBED(name, file)                            \
  asm(".pushsection .rodata\n"                       \
      ".global colloquium_" #name                    \
      "_begin\n"                                     \
      ".global colloquium_" #name                    \
      "_end\n"                                       \
      "colloquium_" #name "_begin: .incbin \"" file  \
      "\"\n"                                         \
      "colloquium_" #name                            \
      "_end:\n"                                      \
      ".popsection\n");                              \
  extern "C" const char colloquium_##name##_begin[]; \
  extern "C" const char colloquium_##name##_end[]

EMBED(o200k_base, "o200k_base.ranks.zst");
EMBED(cl100k_base, "cl100k_base.ranks.zst");

namespace colloquium::ai {

std::string_view embedded_o200k_base() {
  return {colloquium_o200k_base_begin, colloquium_o200k_base_end};
}

std::string_view embedded_cl100k_base() {
  return {colloquium_cl100k_base_begin, colloquium_cl100k_base_end};
}

}  // namespace colloquium::ai
