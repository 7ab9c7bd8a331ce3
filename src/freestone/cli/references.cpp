#include <fmt/ranges.h>

#include "freestone/cli/commands.h"
#include "freestone/cli/print.h"
#include "freestone/formats/kerchunk.h"
#include "freestone/label/combine.h"
#include "freestone/storage/output_file.h"
#include "freestone/storage/output_folder.h"

namespace freestone::cli {

int run_references(std::span<const std::string> words, const CommandRow& row, const Process&) {
  std::vector<std::string> spelled(words.begin(), words.end());
  for (std::string& word : spelled) {
    if (word == "-o") word = "--output";
  }
  const Arguments arguments(spelled, row.options, "references: ");
  set_url_options(arguments);
  if (arguments.words().empty()) refuse("references takes one FILE or more.");
  if (!arguments.has("output")) refuse("references: -o FILE says where they are written.");
  std::vector<std::string> paths;
  for (const std::string& pattern : arguments.words()) {
    for (std::string& path : expand_paths(pattern)) paths.push_back(std::move(path));
  }
  std::vector<formats::kerchunk::ReferenceSet> sets(paths.size());
  std::vector<std::string> left_out;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    sets[i] = formats::kerchunk::references_of(formats::open_file(paths[i]));
    left_out.insert(left_out.end(), sets[i].left_out.begin(), sets[i].left_out.end());
  }
  const bool are_joined = arguments.has("concat-dim");
  const formats::kerchunk::ReferenceSet set = are_joined         ? formats::kerchunk::joined(std::move(sets), arguments.text("concat-dim"))
                                              : sets.size() == 1 ? std::move(sets.front())
                                                                 : formats::kerchunk::as_groups(std::move(sets));
  if (set.arrays.empty() && !left_out.empty()) {
    fail(ErrorKind::kUser, "References would hold nothing: {}. 'freestone convert' makes a Zarr of such a file.", fmt::join(left_out, "; "));
  }
  const std::string output = arguments.text("output");
  if (output.ends_with(".parq") || output.ends_with(".parquet") || output.ends_with(".parq/") || output.ends_with(".parquet/")) {
    OutputFolder folder(output, arguments.has("overwrite"), {".zmetadata"});
    folder.create(0);
    formats::kerchunk::write_parquet(set, folder);
    folder.finish();
  } else {
    const std::string json = formats::kerchunk::json_of(set);
    OutputFile file(output, arguments.has("overwrite"));
    file.create(static_cast<Index>(json.size()));
    file.write_at(0, std::as_bytes(std::span(json)));
    file.finish();
  }
  for (const std::string& reason : left_out) fmt::print(stderr, "left out: {}\n", reason);
  if (paths.size() > 1 && !are_joined) fmt::print(stderr, "each of the {} files is a group; --concat-dim NAME joins them along a dimension\n", paths.size());
  return 0;
}

}  // namespace freestone::cli
