/// Runs operations on arrays that another program made, so that NumPy and SciPy can say what is right (tests/cli/test_operations.py).
///
/// Reads requests from stdin, one JSON object a line: {"op": name, "arrays": [{"file", "dtype", "shape", "blocks"}], "p": {...}}, and
/// answers each by a line: {"results": [{"file", "dtype", "shape"}]} or {"error": text, "kind": kind}. Files are plain C-order bytes. Every
/// request runs by several plans and with the loops of every instruction set that this machine has, which must all give the same bytes.
/// `--list`: the names that it knows.
#include "oracle/operations.h"

#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "exec/several_plans.h"
#include "exec/stored_in_blocks.h"
#include "freestone/exec/boolean_index.h"
#include "freestone/exec/counted.h"
#include "freestone/kernels/dispatch.h"

namespace freestone::oracle {
namespace {

Tensor read_array(const Json& json) {
  const DType dtype = parse_dtype(json.at("dtype").get<std::string>());
  const Shape shape(json.at("shape").get<std::vector<Index>>());
  const Index bytes = element_count(shape) * size_of(dtype);
  auto memory = std::make_shared<Buffer>(std::max<Index>(64, bytes));
  std::ifstream file(json.at("file").get<std::string>(), std::ios::binary);
  file.read(reinterpret_cast<char*>(memory->data()), bytes);
  if (!file) fail(ErrorKind::kIo, "{} is shorter than its array.", json.at("file").get<std::string>());
  return {View::contiguous(memory->data(), dtype, shape), memory};
}

Array array_of(const Json& json) {
  const Tensor tensor = read_array(json);
  if (json.at("blocks").is_null()) return from_memory(tensor.view(), tensor.owner());
  return stored_in_blocks(tensor.view(), Shape(json.at("blocks").get<std::vector<Index>>()));
}

Json written(const Tensor& tensor, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(tensor.view().data), tensor.view().bytes());
  return {{"file", path}, {"dtype", name_of(tensor.dtype())}, {"shape", tensor.shape().to_vector()}};
}

/// `report` hears where `lazy` has other bytes when it is computed with the loops of older processors.
template <class Report>
void compare_targets(const std::vector<Array>& lazy, const std::vector<Tensor>& expected, Report&& report) {
  using kernels::Target;
  constexpr std::pair<Target, const char*> kTargets[] = {{Target::kBaseline, "x86-64"}, {Target::kAvx2, "AVX2"}};
  for (const auto& [target, name] : kTargets) {
    if (target >= kernels::best_target()) break;
    kernels::set_target(target);
    ComputeOptions options;
    options.settings = {Index{1} << 30, 1, "/var/tmp"};
    const auto got = compute_all(lazy, options);
    kernels::set_target(kernels::best_target());
    for (std::size_t i = 0; i < got.size(); ++i)
      if (std::memcmp(got[i].view().data, expected[i].view().data, static_cast<std::size_t>(got[i].view().bytes())) != 0)
        report(std::string("output ") + std::to_string(i) + " has other bytes with the loops for " + name);
  }
}

Json answer(const Json& request, const std::string& folder, int number) {
  const auto& operations = all_operations();
  const auto found = operations.find(request.at("op").get<std::string>());
  if (found == operations.end()) fail(ErrorKind::kUser, "No operation '{}' is known here.", request.at("op").get<std::string>());
  Call call{request.value("p", Json::object()), {}};
  for (const Json& json : request.at("arrays")) call.arrays.push_back(array_of(json));
  const std::vector<Array> lazy = found->second(call);
  Json results = Json::array(), troubles = Json::array();
  const auto report = [&](const std::string& trouble) { troubles.push_back(trouble); };
  const auto computed = compute_by_several_plans(lazy, report);
  compare_targets(lazy, computed, report);
  for (std::size_t i = 0; i < computed.size(); ++i)
    results.push_back(written(computed[i], folder + "/out_" + std::to_string(number) + "_" + std::to_string(i)));
  return {{"results", results}, {"troubles", troubles}};
}

int run(const std::string& folder) {
  std::string line;
  for (int number = 0; std::getline(std::cin, line); ++number) {
    Json reply;
    try {
      reply = answer(Json::parse(line), folder, number);
    } catch (const Error& error) {
      reply = {{"error", error.what()}, {"kind", static_cast<int>(error.kind())}};
    } catch (const std::exception& error) {
      reply = {{"error", std::string("not an Error: ") + error.what()}, {"kind", -1}};
    }
    std::cout << reply.dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace freestone::oracle

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: operations FOLDER < requests, or operations --list\n";
    return 2;
  }
  if (std::string(arguments[1]) == "--list") {
    for (const auto& [name, operation] : freestone::oracle::all_operations()) std::cout << name << '\n';
    return 0;
  }
  return freestone::oracle::run(arguments[1]);
}
