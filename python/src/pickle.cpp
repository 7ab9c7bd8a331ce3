// Graphs as plain data, for pickles.

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "freestone/label/open.h"
#include "freestone/ops/op_list.h"
#include "module.h"
#include "numpy_bridge.h"

namespace freestone::python {
namespace {

using Json = nlohmann::json;

/// (JSON of all nodes, inputs before users; the arrays in memory that they look at).
nb::tuple describe_graph(const Array& array) {
  std::unordered_map<const Node*, std::size_t> number;
  Json nodes = Json::array();
  nb::list memories;
  for (const auto& node : topological_order({array})) {
    const Op& op = *node->op;
    Json described;
    if (const auto& source = op.source()) {
      const std::string reference = source->reference();
      if (source->memory()) {
        described = {{"memory", nb::len(memories)}};
        memories.append(numpy_memory_of(Array(node, 0)));
      } else if (reference != "{}") {
        described = {{"source", reference}};
      } else {
        fail(ErrorKind::kUser, "An array that lies in a temporary file cannot be pickled. Write it to a file of its own, and open that.");
      }
    } else {
      if (op.name().substr(0, 5) == "user_") fail(ErrorKind::kUser, "An array made by a user function cannot be pickled. Pickle what goes into the function.");
      Json inputs = Json::array();
      for (const Array& input : node->inputs) inputs.push_back({number.at(input.node().get()), input.output()});
      described = {{"op", op.name()}, {"version", op.version()}, {"params", op.params()}, {"inputs", inputs}};
    }
    number[node.get()] = nodes.size();
    nodes.push_back(std::move(described));
  }
  return nb::make_tuple(nodes.dump(), memories, array.output());
}

Array build_graph(const std::string& text, const std::vector<NumpyArray>& memories, int output) {
  const Json nodes = Json::parse(text, nullptr, false);
  if (!nodes.is_array() || nodes.empty()) fail(ErrorKind::kData, "The pickle of an array is damaged.");
  std::vector<std::vector<Array>> made;
  try {
    for (const Json& node : nodes) {
      if (node.contains("memory")) {
        made.push_back({array_from_numpy(memories.at(node.at("memory").get<std::size_t>()))});
      } else if (node.contains("source")) {
        made.push_back({from_source(open_reference(node.at("source").get<std::string>()))});
      } else {
        std::vector<Array> inputs;
        std::vector<Spec> specs;
        for (const Json& input : node.at("inputs")) {
          inputs.push_back(made.at(input.at(0).get<std::size_t>()).at(input.at(1).get<std::size_t>()));
          specs.push_back(inputs.back().spec());
        }
        made.push_back(apply_op_all(make_op(node.at("op").get<std::string>(), node.at("version").get<int>(), node.at("params"), specs), inputs));
      }
    }
    return made.back().at(static_cast<std::size_t>(output));
  } catch (const Json::exception& error) {
    fail(ErrorKind::kData, "The pickle of an array is damaged: {}", error.what());
  } catch (const std::out_of_range&) {
    fail(ErrorKind::kData, "The pickle of an array is damaged: a node that is not there.");
  }
}

}  // namespace

void bind_pickle(nb::module_& module) {
  module.def("describe_graph", &describe_graph);
  module.def("build_graph", &build_graph);
}

}  // namespace freestone::python
