/// RemoteOptions: how files behind URLs are reached: limits, patience, and who asks.
///
/// They come from the environment and the config file, and may be set for the files that a thread opens (RemoteScope): whatever opens more files later
/// (chunks of a Zarr array, targets of references) keeps those that it was opened with. Secrets go into requests and nowhere else.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "freestone/base/quantity.h"
#include "freestone/core/cancel.h"

namespace freestone {

struct S3Credentials {
  std::string key, secret, token;
  bool empty() const { return key.empty(); }
};

struct RemoteOptions {
  int retries = 5;               ///< of a request that got no answer, a broken one, or one that says "later"
  double timeout_seconds = 30;   ///< without a single byte
  double connect_seconds = 10;
  std::vector<std::string> headers;  ///< "Name: value", sent with every request over http(s), not to S3

  bool anonymous = false;        ///< requests to S3 are not signed
  std::optional<S3Credentials> credentials;  ///< none: those of the environment, then those of the profile
  std::string profile;           ///< of the credentials and config files; "" = AWS_PROFILE, else "default"
  std::string endpoint;          ///< URL of a store that speaks S3; "" = Amazon's
  std::string region;            ///< "" = that of the environment or the profile, else us-east-1 until the store says otherwise
  std::optional<bool> path_style;  ///< the bucket is the first part of the path, not of the host; none: with an endpoint of one's own, yes
  bool requester_pays = false;
};
using RemoteOptionsRef = std::shared_ptr<const RemoteOptions>;

/// Requests at a time in this process: FREESTONE_REMOTE_CONNECTIONS, else `remote_connections` of the config file, else 16.
/// @throws Error kind user: not a number from 1 to 256
int remote_connections();

/// Bytes of the largest file that is taken whole from a server that gives no parts: FREESTONE_REMOTE_WHOLE, else `remote_whole` of the config file,
/// else 256 MiB. @throws Error kind user: not an amount of bytes
Index remote_whole_bytes();

/// Options as the environment and files have them: FREESTONE_REMOTE_RETRIES, _TIMEOUT; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
/// AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE; and, by the names
/// that GDAL gave them, AWS_NO_SIGN_REQUEST, AWS_VIRTUAL_HOSTING, AWS_REQUEST_PAYER.
/// @throws Error kind user: a value that does not parse, by name
RemoteOptions default_remote_options();
/// `options` with credentials, endpoint and region filled in from environment and profile where they are empty.
/// @throws Error kind user: a profile that was named is in no file
RemoteOptions resolved(RemoteOptions options);

/// What is in force on this thread: the innermost RemoteScope's, else those of the environment as they are now.
RemoteOptionsRef remote_options();

/// While it lives, remote files that this thread opens are reached by `options` (null: as before), and while it waits for them `look` is called every
/// 50 ms, which may throw.
class RemoteScope {
 public:
  explicit RemoteScope(RemoteOptionsRef options, std::function<void()> look = {});
  /// Waits end when `cancel` is requested.
  explicit RemoteScope(const Cancel& cancel);
  ~RemoteScope();
  RemoteScope(const RemoteScope&) = delete;
  RemoteScope& operator=(const RemoteScope&) = delete;

  /// The options and the look of this thread, for other threads that work for it.
  struct State {
    RemoteOptionsRef options;
    std::function<void()> look;
  };
  static State now();
  /// Calls the look of this thread.
  static void look();

 private:
  State before_;
};

}  // namespace freestone
