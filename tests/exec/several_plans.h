/// One computation by several plans: what must not differ.
#pragma once

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/ops/op_list.h"

namespace freestone {

/// Which operations below `arrays` cannot be made again from their name and parameters, as a saved plan does.
inline std::vector<std::string> not_remade(const std::vector<Array>& arrays) {
  std::vector<std::string> troubles;
  for (const auto& node : topological_order(arrays)) {
    const Op& op = *node->op;
    if (op.source()) continue;
    std::vector<Spec> inputs;
    for (const Array& input : node->inputs) inputs.push_back(input.spec());
    const auto made = make_op(op.name(), op.version(), nlohmann::json::parse(op.params().dump()), inputs);
    if (made->params() != op.params() || made->outputs() != op.outputs() || made->domain() != op.domain())
      troubles.push_back(std::string(op.name()) + " is not what it was when it is made again from its parameters");
  }
  return troubles;
}

/// Results computed with plenty of memory, after some tighter plans; `report` hears where these gave other bytes.
template <class Report>
std::vector<Tensor> compute_by_several_plans(const std::vector<Array>& arrays, Report&& report) {
  ComputeOptions plenty;
  plenty.settings = {Index{1} << 30, 1, "/var/tmp"};
  const auto expected = compute_all(arrays, plenty);
  for (const std::string& trouble : not_remade(arrays)) report(trouble);
  Index memory = Index{24} << 10;
  for (const Array& array : arrays) memory += array.bytes();
  for (int tried = 0; tried < 3; memory *= 3) {
    ComputeOptions tight;
    tight.settings = {memory, 1 + tried, "/var/tmp"};
    try {
      const auto got = compute_all(arrays, tight);
      for (std::size_t i = 0; i < arrays.size(); ++i)
        if (std::memcmp(got[i].view().data, expected[i].view().data, static_cast<std::size_t>(got[i].view().bytes())) != 0)
          report("output " + std::to_string(i) + " has other bytes with " + std::to_string(memory) + " bytes of memory");
      ++tried;
    } catch (const Error& error) {
      const bool too_little = error.kind() == ErrorKind::kMemory;
      if (!too_little || memory > (Index{1} << 30)) {
        report(error.what());
        return expected;
      }
    }
  }
  return expected;
}

}  // namespace freestone
