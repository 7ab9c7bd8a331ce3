#include "freestone/formats/fits.h"
#include "freestone/formats/fits_table.h"
#include "freestone/storage/raw_sink.h"

namespace freestone::formats::fits {
namespace {

/// How elements are stored, and the BZERO that says so.
struct Storage {
  int bitpix;
  DType stored;
  const char* zero = nullptr;
};

Storage storage_of(DType dtype) {
  switch (dtype) {
    case DType::kBool: case DType::kUint8: return {8, DType::kUint8};
    case DType::kInt8: return {8, DType::kUint8, "-128"};
    case DType::kInt16: return {16, DType::kInt16};
    case DType::kUint16: return {16, DType::kInt16, "32768"};
    case DType::kInt32: return {32, DType::kInt32};
    case DType::kUint32: return {32, DType::kInt32, "2147483648"};
    case DType::kInt64: return {64, DType::kInt64};
    case DType::kUint64: return {64, DType::kInt64, "9223372036854775808"};
    case DType::kFloat32: return {-32, DType::kFloat32};
    case DType::kFloat64: return {-64, DType::kFloat64};
    default: break;
  }
  fail(ErrorKind::kUser, "FITS images hold no {} numbers. Write real and imaginary part, or an .npy file.", name_of(dtype));
}

Index in_blocks(Index bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

}  // namespace

std::string format_header(const Spec& spec, const WriteRequest& request) {
  const Storage storage = storage_of(spec.dtype);
  const int rank = spec.shape.rank();
  std::string out;
  const auto card = [&](std::string key, decltype(Attribute::value) value, std::string comment) {
    out += format_cards({std::move(key), std::move(value), std::move(comment)});
  };
  card("SIMPLE", true, "conforms to FITS standard");
  card("BITPIX", std::int64_t{storage.bitpix}, "array data type");
  card("NAXIS", std::int64_t{rank}, "number of array dimensions");
  for (int k = 1; k <= rank; ++k) card(fmt::format("NAXIS{}", k), spec.shape[rank - k], "");
  if (!request.tables.empty()) card("EXTEND", true, "");
  if (storage.zero != nullptr) {
    card("BSCALE", std::int64_t{1}, "");
    // 2^63 has no int64: the number is put in as text.
    out += fmt::format("{:<80}", fmt::format("BZERO   = {:>20}", storage.zero));
  }
  std::string cards = sanitised_cards(request.header_cards), added;
  for (const Attribute& attribute : request.attributes) {
    if (!attribute.key.empty() && attribute.key != "COMMENT" && attribute.key != "HISTORY") cards = without_key(cards, attribute.key);
    added += sanitised_cards(format_cards(attribute));
  }
  out += cards + added + fmt::format("{:<80}", "END");
  out.resize(static_cast<std::size_t>(in_blocks(static_cast<Index>(out.size()))), ' ');
  return out;
}

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) {
  if (spec.shape.rank() == 0) fail(ErrorKind::kUser, "{}: a single number has no axes, and a FITS image needs one. Print it, or write an .npy file.", request.path);
  const Storage storage = storage_of(spec.dtype);
  RawLayout layout;
  layout.shape = spec.shape;
  layout.transform = {.stored = storage.stored, .order = ByteOrder::kBig, .dtype = spec.dtype, .flips_sign = storage.zero != nullptr};
  std::string header = format_header(spec, request);
  layout.data_offset = static_cast<Index>(header.size());
  Index end = layout.data_offset + in_blocks(spec.bytes());
  for (const Table& table : request.tables) {
    std::string bytes = format_table(table);
    const auto size = static_cast<Index>(bytes.size());
    layout.blocks.push_back({end, std::move(bytes)});
    end += size;
  }
  layout.file_bytes = end;
  layout.blocks.push_back({0, std::move(header)});
  return std::make_shared<RawSink>(request.path, request.overwrite, std::move(layout));
}

}  // namespace freestone::formats::fits
