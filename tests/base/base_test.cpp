#include <gtest/gtest.h>

#include <cstdlib>

#include "freestone/base/base64.h"
#include "freestone/base/error.h"
#include "freestone/base/log.h"
#include "freestone/base/quantity.h"
#include "freestone/base/settings.h"

namespace freestone {
namespace {

TEST(Bytes, AreReadInEveryUnit) {
  EXPECT_EQ(parse_bytes("512MiB"), Index{512} << 20);
  EXPECT_EQ(parse_bytes("2 GiB"), Index{2} << 30);
  EXPECT_EQ(parse_bytes("1.5GB"), 1500000000);
  EXPECT_EQ(parse_bytes("300k"), 300000);
  EXPECT_EQ(parse_bytes("4096"), 4096);
  for (const char* wrong : {"", "MiB", "-1GiB", "12 parsecs", "1e30", "nan", "GiB 2", "1GiBs"})
    EXPECT_THROW(parse_bytes(wrong), Error) << wrong;
}

TEST(Bytes, ArePrintedShort) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(873), "873 B");
  EXPECT_EQ(format_bytes(Index{512} << 20), "512 MiB");
  EXPECT_EQ(format_bytes(1207959552), "1.13 GiB");
}

TEST(Numbers, ReadBackTheSame) {
  for (const double v : {0.1, 1e300, -5e-324, 152691889.23, 1.0 / 3}) EXPECT_EQ(std::strtod(format_number(v).c_str(), nullptr), v);
  EXPECT_EQ(format_count(-1234567), "-1,234,567");
  EXPECT_EQ(format_seconds(0.34), "340 ms");
  EXPECT_EQ(format_seconds(125), "2 min 5 s");
}

TEST(Names, NearestIsWhatWasMeant) {
  const std::vector<std::string> names{"moment", "median", "mean", "sigma-clip", "statistics"};
  EXPECT_EQ(nearest_name("momnet", names), "moment");
  EXPECT_EQ(nearest_name("sigmaclip", names), "sigma-clip");
  EXPECT_EQ(nearest_name("stat", names), "statistics");
  EXPECT_EQ(nearest_name("reproject", names), "");
}

TEST(Errors, CollectTheirWay) {
  Error error(ErrorKind::kData, "The file ends early.");
  error.within("reading region [0:4]").within("stage 1");
  EXPECT_STREQ(error.what(), "The file ends early. (in reading region [0:4]; in stage 1)");
  EXPECT_EQ(error.message(), "The file ends early.");
}

TEST(Settings, ComeFromTheEnvironmentAndAreChecked) {
  setenv("FREESTONE_MEMORY", "123MiB", 1);
  setenv("FREESTONE_THREADS", "3", 1);
  EXPECT_EQ(default_settings().memory_bytes, Index{123} << 20);
  EXPECT_EQ(resolved({Index{1} << 20, 0, ""}).memory_bytes, Index{1} << 20) << "what the caller sets goes first";
  EXPECT_EQ(resolved({}).threads, 3);
  setenv("FREESTONE_THREADS", "many", 1);
  EXPECT_THROW(default_settings(), Error);
  unsetenv("FREESTONE_THREADS");
  unsetenv("FREESTONE_MEMORY");
  EXPECT_GT(memory_limit_bytes(), 0);
  // The kernel brings both counters up to date in steps of some pages.
  EXPECT_LE(resident_bytes(), peak_resident_bytes() + (Index{1} << 20));
}

TEST(Base64, GoesThereAndBack) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};  // RFC 4648, 10
  for (const auto& [plain, text] : cases) {
    EXPECT_EQ(base64_encoded(std::as_bytes(std::span(plain.data(), plain.size()))), text);
    for (const std::string& read : {text, text.substr(0, text.find('='))}) {
      const auto bytes = base64_decoded(read);
      ASSERT_TRUE(bytes.has_value()) << read;
      EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()), plain);
    }
  }
  std::vector<std::byte> all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(base64_decoded(base64_encoded(all)), all);
  for (const char* damaged : {"Zm9*", "Zm 9v", "=Zm9"}) EXPECT_EQ(base64_decoded(damaged), std::nullopt) << damaged;
}

}  // namespace
}  // namespace freestone
