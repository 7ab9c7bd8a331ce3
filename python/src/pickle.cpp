// Graphs as plain data, for pickles.

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "freestone/label/open.h"
#include "freestone/ops/op_list.h"
#include "freestone/ops/user_function.h"
#include "module.h"
#include "numpy_bridge.h"
#include "python_source.h"

namespace freestone::python {
namespace {

using Json = nlohmann::json;

/// What says that a file is still the one that was opened; a pickle reads it as it is then, a token of Dask must differ.
Json described(const Identity& file) { return {{"bytes", file.bytes}, {"modified", file.modified_ns}}; }

/// (JSON of all nodes, inputs before users; the arrays in memory that they look at; number of the output; Python objects: of a user
/// function what makes it again from its inputs, of a source in Python the arguments of `python_source`).
nb::tuple describe_graph(const Array& array) {
  std::unordered_map<const Node*, std::size_t> number;
  Json nodes = Json::array();
  nb::list memories, objects;
  for (const auto& node : topological_order({array})) {
    const Op& op = *node->op;
    Json described;
    if (const auto& source = op.source()) {
      const std::string reference = source->reference();
      if (source->memory()) {
        described = {{"memory", nb::len(memories)}};
        memories.append(numpy_memory_of(Array(node, 0)));
      } else if (const auto* in_python = dynamic_cast<const PythonSource*>(source.get())) {
        described = {{"python", nb::len(objects)}, {"name", in_python->name()}};
        const ChunkGrid& grid = in_python->chunks();
        objects.append(nb::make_tuple(in_python->read(), in_python->spec().shape.to_vector(), std::string(name_of(in_python->spec().dtype)),
                                      grid.is_contiguous() ? std::vector<Index>() : grid.chunk().to_vector(), in_python->name()));
      } else if (reference != "{}") {
        described = {{"source", reference}, {"file", python::described(source->identity())}};
      } else {
        fail(ErrorKind::kUser, "An array that lies in a temporary file cannot be pickled. Write it to a file of its own, and open that.");
      }
    } else {
      Json inputs = Json::array();
      for (const Array& input : node->inputs) inputs.push_back({number.at(input.node().get()), input.output()});
      if (const auto* user = dynamic_cast<const UserFunctionOp*>(&op)) {
        described = {{"user", nb::len(objects)}, {"params", op.params()}, {"inputs", inputs}};
        objects.append(nb::borrow(static_cast<PyObject*>(const_cast<void*>(user->function().origin.get()))));
      } else {
        described = {{"op", op.name()}, {"version", op.version()}, {"params", op.params()}, {"inputs", inputs}};
      }
    }
    number[node.get()] = nodes.size();
    nodes.push_back(std::move(described));
  }
  return nb::make_tuple(nodes.dump(), memories, array.output(), objects);
}

nb::object object_at(const nb::list& objects, std::size_t number) {
  if (number >= nb::len(objects)) fail(ErrorKind::kData, "The pickle of an array is damaged: an object that is not there.");
  return nb::borrow(objects[number]);
}

Array build_graph(const std::string& text, const std::vector<NumpyArray>& memories, int output, const nb::list& objects) {
  const Json nodes = Json::parse(text, nullptr, false);
  if (!nodes.is_array() || nodes.empty()) fail(ErrorKind::kData, "The pickle of an array is damaged.");
  std::vector<std::vector<Array>> made;
  try {
    for (const Json& node : nodes) {
      if (node.contains("memory")) {
        made.push_back({array_from_numpy(memories.at(node.at("memory").get<std::size_t>()))});
      } else if (node.contains("source")) {
        made.push_back({from_source(open_reference(node.at("source").get<std::string>()))});
      } else if (node.contains("python")) {
        const nb::tuple facts = nb::cast<nb::tuple>(object_at(objects, node.at("python").get<std::size_t>()));
        made.push_back({nb::cast<Array>(nb::module_::import_("freestone._core").attr("python_source")(*facts))});
      } else {
        std::vector<Array> inputs;
        std::vector<Spec> specs;
        for (const Json& input : node.at("inputs")) {
          inputs.push_back(made.at(input.at(0).get<std::size_t>()).at(input.at(1).get<std::size_t>()));
          specs.push_back(inputs.back().spec());
        }
        if (node.contains("user")) {
          made.push_back(nb::cast<std::vector<Array>>(object_at(objects, node.at("user").get<std::size_t>())(inputs)));
          continue;
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
