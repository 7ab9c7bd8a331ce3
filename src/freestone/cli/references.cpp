#include "freestone/cli/commands.h"
#include "freestone/cli/print.h"
#include "freestone/formats/kerchunk.h"
#include "freestone/storage/output_file.h"

namespace freestone::cli {

int run_references(std::span<const std::string> words, const CommandRow& row, const Process&) {
  std::vector<std::string> spelled(words.begin(), words.end());
  for (std::string& word : spelled) {
    if (word == "-o") word = "--output";
  }
  const Arguments arguments(spelled, row.options, "references: ");
  if (arguments.words().empty()) refuse("references takes one FILE or more.");
  if (!arguments.has("output")) refuse("references: -o FILE says where they are written.");
  std::vector<formats::Contents> files;
  for (const std::string& path : arguments.words()) files.push_back(formats::open_file(path));
  const formats::kerchunk::Listed listed = formats::kerchunk::references_of(files);
  OutputFile file(arguments.text("output"), arguments.has("overwrite"));
  file.create(static_cast<Index>(listed.json.size()));
  file.write_at(0, std::as_bytes(std::span(listed.json)));
  file.finish();
  for (const std::string& reason : listed.left_out) fmt::print(stderr, "left out: {}\n", reason);
  return 0;
}

}  // namespace freestone::cli
