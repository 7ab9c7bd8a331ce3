/// RemoteAddress: where a remote file is, in HTTP's words.
///
/// s3://bucket/key becomes a URL of the store's own (Amazon's, or an endpoint's) and requests that are signed by AWS Signature Version 4; http and https
/// stay as they are. Facts: "Signature Calculations for the Authorization Header" and "ListObjectsV2" of Amazon's S3 reference.
#pragma once

#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "freestone/storage/remote_options.h"

namespace freestone {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value"
};

class RemoteAddress {
 public:
  /// @param options resolved when the address is S3's and they are needed
  /// @throws Error kind user: not http, https or s3; a URL without host, bucket or key
  RemoteAddress(std::string url, RemoteOptionsRef options);

  /// @throws Error as the constructor, for what can be told from the URL alone
  static void check(const std::string& url);

  /// As it was given, and for people: without passwords and signatures.
  const std::string& url() const { return url_; }
  const std::string& shown() const { return shown_; }
  const RemoteOptionsRef& options() const { return options_; }
  bool is_s3() const { return !bucket_.empty(); }
  /// Requests carry a signature.
  bool is_signed() const { return is_s3() && !options_->anonymous && options_->credentials.has_value(); }

  /// What to ask at this time for the file itself. `headers` are added.
  HttpRequest request(std::vector<std::string> headers) const;
  /// The same for a part of the list of a bucket: keys that begin with this one as a folder, not those in folders below.
  /// @param token of the part before that ended early; "" for the first
  HttpRequest list_request(const std::string& token) const;

  /// The file at `relative` below this one as a folder.
  RemoteAddress below(const std::string& relative) const;
  /// The bucket is in another region, as the store says: later requests go there. False: that is where they went already.
  bool move_to_region(const std::string& region) const;

 private:
  HttpRequest s3_request(const std::string& key, const std::vector<std::pair<std::string, std::string>>& query, std::vector<std::string> headers) const;
  std::string url_, shown_, bucket_, key_;
  RemoteOptionsRef options_;
};

/// A part of the list of a bucket.
struct S3Listing {
  std::vector<std::string> folders, keys;  ///< whole keys; folders end with '/'
  std::string next;                        ///< the token of the next part; "" when this is the last
};
/// @throws Error kind data: it is no such list
S3Listing parse_s3_listing(const std::string& name, const std::string& xml);

/// The text between the first <tag> and </tag>, XML's entities resolved; "" when there is none.
std::string xml_text(const std::string& xml, const std::string& tag);

/// URL-encoded as S3 signs it: all but letters, digits and "-_.~", and "/" when `keeps_slashes`.
std::string percent_encoded(const std::string& text, bool keeps_slashes);

/// What is signed; all of it as it goes over the wire.
struct S3Signing {
  std::string method, host, path, query;  ///< path and query encoded, the query sorted
  std::vector<std::pair<std::string, std::string>> headers;  ///< lower-case names; those of amz, host excepted
  std::string payload_hash;
  std::string region;
  std::time_t time = 0;
};
/// The value of the header Authorization.
std::string s3_authorization(const S3Signing& what, const S3Credentials& credentials);

}  // namespace freestone
