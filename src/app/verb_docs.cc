// `docs`: the generated reference pages.

#include <ostream>
#include <utility>

#include "app/command_line.h"
#include "app/pipeline_files.h"
#include "app/verb.h"
#include "computo/program.h"
#include "config/reference.h"
#include "io/file_system.h"
#include "io/path.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string out = "docs/reference";
};

struct Page {
  std::string name;
  std::string text;
};

// All in one folder, because the pipeline page links to the components beside it.
std::vector<Page> all_pages() {
  const config::ComponentRegistry registry = component_registry();
  std::vector<Page> pages;
  pages.push_back({"command-line.md", command_line_page(root_verb())});
  pages.push_back({"computo-operators.md", computo::operator_reference_markdown()});
  pages.push_back({"pipeline.md", config::pipeline_reference_markdown(registry)});
  pages.push_back({"settings.md", config::settings_reference_markdown()});
  for (ComponentKind kind : {ComponentKind::kSource, ComponentKind::kStage, ComponentKind::kSink,
                             ComponentKind::kProvider}) {
    for (const std::string& name : registry.names(kind)) {
      pages.push_back({std::string(config::to_string(kind)) + "-" + name + ".md",
                       config::component_reference_markdown(*registry.find(kind, name))});
    }
  }
  return pages;
}

Exit run(const Options& options, Console& console) {
  io::FileSystem& files = io::posix_file_system();
  // Before the first page: a folder that cannot be made is a wrong argument, not a failure half way.
  if (Status made = files.make_directories(options.out); !made) return refuse(console, made.error());
  for (const Page& page : all_pages()) {
    const std::string path = io::join(options.out, page.name);
    if (Status written = io::write_file_atomically(files, path, page.text); !written) {
      return fail_running(console, written.error());
    }
    console.out << path << "\n";
  }
  return Exit::kDone;
}

}  // namespace

Verb docs_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "docs";
  verb.summary = "Write the reference pages";
  verb.description =
      "Writes a Markdown page for the pipeline file, the settings, the command line, the operators of\n"
      "Computo, and each component, and prints their names.";
  verb.example = "colloquium docs --out docs/reference";
  verb.options = {{"--out", "DIR", "the folder to write to; default docs/reference", &options->out}};
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
