// URLs: what is asked of which host, with which signature, and what people see of it. What goes over the wire is in tests/cli/test_remote.py.
#include "freestone/storage/remote_address.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "freestone/storage/http_client.h"
#include "freestone/storage/location.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;

// The example requests of "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk" in Amazon's S3 reference.
const S3Credentials kExample{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
const std::string kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(RemoteAddress, SignsAsTheExamplesOfTheReference) {
  S3Signing what{"GET", "examplebucket.s3.amazonaws.com", "/test.txt", "", {{"range", "bytes=0-9"}, {"x-amz-content-sha256", kEmpty}, {"x-amz-date", "20130524T000000Z"}},
                 kEmpty, "us-east-1", 1369353600};
  EXPECT_EQ(s3_authorization(what, kExample),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  what.path = "/";
  what.query = "max-keys=2&prefix=J";
  what.headers.erase(what.headers.begin());
  EXPECT_TRUE(s3_authorization(what, kExample).ends_with("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

RemoteOptions options_of(const std::string& endpoint) {
  RemoteOptions options;
  options.credentials = kExample;
  options.endpoint = endpoint;
  options.region = "eu-north-1";
  return options;
}

RemoteAddress address_of(const std::string& url, RemoteOptions options) { return {url, std::make_shared<const RemoteOptions>(std::move(options))}; }

TEST(RemoteAddress, NamesTheHostOfABucket) {
  ::unsetenv("AWS_ENDPOINT_URL_S3");
  ::unsetenv("AWS_ENDPOINT_URL");
  EXPECT_EQ(address_of("s3://bucket/a b/c.nc", options_of("")).request({}).url, "https://bucket.s3.eu-north-1.amazonaws.com/a%20b/c.nc");
  EXPECT_EQ(address_of("s3://bucket.with.dots/c.nc", options_of("")).request({}).url, "https://s3.eu-north-1.amazonaws.com/bucket.with.dots/c.nc");
  EXPECT_EQ(address_of("s3://bucket/c.nc", options_of("http://127.0.0.1:9000/")).request({}).url, "http://127.0.0.1:9000/bucket/c.nc");
  RemoteOptions by_host = options_of("http://127.0.0.1:9000");
  by_host.path_style = false;
  EXPECT_EQ(address_of("s3://bucket/c.nc", by_host).request({}).url, "http://bucket.127.0.0.1:9000/c.nc");
  EXPECT_SAYS(error_of([] { address_of("s3://bucket/c.nc", options_of("not a URL")).request({}); }), "is no URL of a host");
}

TEST(RemoteAddress, GoesToTheRegionThatTheStoreNames) {
  const RemoteAddress address = address_of("s3://moving-bucket/c.nc", options_of(""));
  EXPECT_FALSE(address.move_to_region("eu-north-1"));
  EXPECT_FALSE(address.move_to_region("not a region/"));
  EXPECT_FALSE(address.move_to_region(""));
  EXPECT_TRUE(address.move_to_region("ap-south-1"));
  EXPECT_FALSE(address.move_to_region("ap-south-1"));
  EXPECT_EQ(address.request({}).url, "https://moving-bucket.s3.ap-south-1.amazonaws.com/c.nc");
  EXPECT_TRUE(address.move_to_region("eu-north-1"));
}

TEST(RemoteAddress, SignsOnlyForWhoHasCredentials) {
  const auto has = [](const HttpRequest& request, const std::string& start) {
    return std::ranges::any_of(request.headers, [&](const std::string& header) { return header.starts_with(start); });
  };
  RemoteOptions options = options_of("http://127.0.0.1:9000");
  options.credentials->token = "abc";
  EXPECT_TRUE(has(address_of("s3://b/c", options).request({}), "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"));
  EXPECT_TRUE(has(address_of("s3://b/c", options).request({}), "x-amz-security-token: abc"));
  options.requester_pays = true;
  EXPECT_TRUE(has(address_of("s3://b/c", options).request({}), "x-amz-request-payer: requester"));
  options.anonymous = true;
  EXPECT_FALSE(has(address_of("s3://b/c", options).request({}), "Authorization"));
  options.headers = {"Authorization: Bearer abc"};
  EXPECT_FALSE(has(address_of("s3://b/c", options).request({}), "Authorization"));
  EXPECT_TRUE(has(address_of("https://host/c", options).request({}), "Authorization: Bearer abc"));
}

TEST(RemoteAddress, ShowsNoSecrets) {
  const auto shown = [](const std::string& url) { return address_of(url, {}).shown(); };
  EXPECT_EQ(shown("https://me:pass@host:80/a@b/c.nc?x=1&Signature=abc&X-Amz-Security-Token=d&y=2"), "https://host:80/a@b/c.nc?x=1&Signature=...&X-Amz-Security-Token=...&y=2");
  EXPECT_EQ(shown("https://host/a.nc?sig=abc"), "https://host/a.nc?sig=...");
  EXPECT_EQ(shown("https://host/a.nc"), "https://host/a.nc");
  EXPECT_EQ(shown("https://host?token=abc"), "https://host?token=...");
}

TEST(RemoteAddress, LeadsBelowAFolder) {
  EXPECT_EQ(address_of("https://host/a.zarr/?token=x", {}).below("x/c/0").url(), "https://host/a.zarr/x/c/0?token=x");
  EXPECT_EQ(address_of("s3://b/a.zarr", options_of("http://h")).below("x/c 0").request({}).url, "http://h/b/a.zarr/x/c%200");
  EXPECT_EQ(address_of("s3://b", options_of("http://h")).below("x").request({}).url, "http://h/b/x");
}

TEST(S3Listing, ReadsNamesAndWhereItGoesOn) {
  const S3Listing listing = parse_s3_listing("b",
                                             "<?xml version='1.0'?><ListBucketResult xmlns='x'><IsTruncated>true</IsTruncated><Contents><Key>a/&amp;&#x26;b</Key></Contents>"
                                             "<NextContinuationToken>1==</NextContinuationToken><CommonPrefixes><Prefix>a/c/</Prefix></CommonPrefixes></ListBucketResult>");
  EXPECT_EQ(listing.keys, std::vector<std::string>{"a/&&b"});
  EXPECT_EQ(listing.folders, std::vector<std::string>{"a/c/"});
  EXPECT_EQ(listing.next, "1==");
  EXPECT_SAYS(error_of([] { parse_s3_listing("b", "<html>sign in</html>"); }), "no list of a bucket");
  EXPECT_SAYS(error_of([] { parse_s3_listing("b", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"); }), "does not say where");
}

TEST(HttpHead, ReadsRanges) {
  const auto range = [](const std::string& text) {
    HttpHead head;
    head.fields["content-range"] = text;
    const HttpHead::Range r = head.range();
    return std::array{r.first, r.last, r.total};
  };
  EXPECT_EQ(range("bytes 5-99/1000"), (std::array<Index, 3>{5, 99, 1000}));
  EXPECT_EQ(range("bytes */1000"), (std::array<Index, 3>{-1, -1, 1000}));
  EXPECT_EQ(range("bytes 5-99/*"), (std::array<Index, 3>{5, 99, -1}));
  for (const char* wrong : {"", "bytes", "bytes 5", "items 5-99/1000", "bytes -5-99/x", "bytes 99999999999999999999-5/7"}) EXPECT_EQ(range(wrong)[0], -1) << wrong;
}

TEST(Locations, ArePathsAndUrls) {
  EXPECT_TRUE(is_url("s3://bucket/key") && is_url("https://host") && is_url("file:///x"));
  EXPECT_FALSE(is_url("a/b") || is_url("://x") || is_url("a b://x") || is_url("/data/http://x"));
  EXPECT_EQ(location_below("https://host/a/b", "../c.nc"), "https://host/a/c.nc");
  EXPECT_EQ(location_below("https://host", "../../c.nc"), "https://host/c.nc");
  EXPECT_EQ(location_below("https://host/a", "s3://b/c"), "s3://b/c");
  EXPECT_EQ(location_below("/data/a", "../c.nc"), "/data/c.nc");
  EXPECT_EQ(parent_location("https://host/a/b.json?x=1/2"), "https://host/a");
  EXPECT_EQ(leaf_of("https://host/a/b.json?x=1/2"), "b.json");
  EXPECT_EQ(stem_of("https://host/a/b.json?x=1/2"), "b");
  EXPECT_EQ(stem_of("/data/b.nc"), "b");
}

}  // namespace
}  // namespace freestone
