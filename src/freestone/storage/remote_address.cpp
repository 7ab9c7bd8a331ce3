#include "freestone/storage/remote_address.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <mutex>

#include "freestone/base/sha256.h"
#include "freestone/storage/location.h"

namespace freestone {
namespace {

// SHA-256 of nothing: what a GET carries.
constexpr std::string_view kNoPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_secret(const std::string& name) {
  const std::string key = lower(name);
  return std::ranges::any_of(std::vector<std::string>{"sig", "signature", "token", "key", "credential", "secret", "password", "auth"},
                             [&](const std::string& word) { return key == word || key.find(word) != std::string::npos; });
}

/// Without user and password, and without the values in the query that open doors.
std::string without_secrets(const std::string& url) {
  const auto host = url.find("://") + 3;
  const auto path = std::min(url.find_first_of("/?#", host), url.size());
  const auto at = url.substr(host, path - host).rfind('@');
  std::string out = url.substr(0, host) + url.substr(at == std::string::npos ? host : host + at + 1);
  const auto question = out.find('?');
  if (question == std::string::npos) return out;
  std::string shown = out.substr(0, question + 1);
  for (std::size_t from = question + 1; from <= out.size();) {
    const auto to = std::min(out.find('&', from), out.size());
    const std::string part = out.substr(from, to - from), name = part.substr(0, part.find('='));
    shown += part.size() > name.size() && is_secret(name) ? name + "=..." : part;
    if (to < out.size()) shown += '&';
    from = to + 1;
  }
  return shown;
}

/// Regions that stores have told, by bucket. Of the process: thousands of files lie in one bucket.
std::mutex& regions_mutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}
std::map<std::string, std::string>& told_regions() {
  static auto& regions = *new std::map<std::string, std::string>;
  return regions;
}

std::string format_time(std::time_t time, const char* format) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

std::string resolve_entities(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto end = text[i] == '&' ? text.find(';', i) : std::string::npos;
    if (end == std::string::npos || end - i > 10) {
      out += text[i];
      continue;
    }
    const std::string name = text.substr(i + 1, end - i - 1);
    long code = -1;
    if (name.size() > 1 && name[0] == '#') code = name[1] == 'x' ? std::strtol(name.c_str() + 2, nullptr, 16) : std::strtol(name.c_str() + 1, nullptr, 10);
    if (name == "amp") code = '&';
    if (name == "lt") code = '<';
    if (name == "gt") code = '>';
    if (name == "quot") code = '"';
    if (name == "apos") code = '\'';
    if (code <= 0 || code > 127) {
      out += text.substr(i, end - i + 1);
    } else {
      out += static_cast<char>(code);
    }
    i = end;
  }
  return out;
}

/// The next <tag>...</tag> from `at` on, which moves behind it; nothing when there is none.
std::optional<std::string> next_element(const std::string& xml, const std::string& tag, std::size_t& at) {
  const std::string open = "<" + tag + ">", close = "</" + tag + ">";
  const auto from = xml.find(open, at);
  if (from == std::string::npos) return std::nullopt;
  const auto to = xml.find(close, from);
  if (to == std::string::npos) return std::nullopt;
  at = to + close.size();
  return xml.substr(from + open.size(), to - from - open.size());
}

}  // namespace

std::string percent_encoded(const std::string& text, bool keeps_slashes) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = byte < 128 && (std::isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~' || (c == '/' && keeps_slashes));
    is_plain ? void(out += c) : void(out += fmt::format("%{:02X}", byte));
  }
  return out;
}

std::string s3_authorization(const S3Signing& what, const S3Credentials& credentials) {
  auto headers = what.headers;
  headers.emplace_back("host", what.host);
  std::sort(headers.begin(), headers.end());
  std::string canonical_headers, names;
  for (const auto& [name, value] : headers) {
    canonical_headers += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", what.method, what.path, what.query, canonical_headers, names, what.payload_hash);
  const std::string day = format_time(what.time, "%Y%m%d"), scope = fmt::format("{}/{}/s3/aws4_request", day, what.region);
  const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", format_time(what.time, "%Y%m%dT%H%M%SZ"), scope, hexadecimal(sha256(canonical)));
  Sha256 key = hmac_sha256("AWS4" + credentials.secret, day);
  for (const std::string& part : {what.region, std::string("s3"), std::string("aws4_request")}) key = hmac_sha256(bytes_of(key), part);
  return fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", credentials.key, scope, names,
                     hexadecimal(hmac_sha256(bytes_of(key), to_sign)));
}

void RemoteAddress::check(const std::string& url) {
  const auto host = url.find("://") + 3;
  const std::string scheme = lower(url.substr(0, host - 3));
  if (scheme != "http" && scheme != "https" && scheme != "s3") {
    fail(ErrorKind::kUser, "{}: Freestone reads URLs of http, https and s3, not of {}.", without_secrets(url), scheme);
  }
  const auto slash = std::min(url.find('/', host), url.size());
  if (slash == host) fail(ErrorKind::kUser, "{}: the URL names no {}.", without_secrets(url), scheme == "s3" ? "bucket" : "host");
  if (scheme != "s3") return;
  const std::string bucket = url.substr(host, slash - host);
  for (const char c : bucket) {
    const bool is_name = std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
    if (!is_name) fail(ErrorKind::kUser, "{}: '{}' is no name of a bucket.", without_secrets(url), bucket);
  }
}

RemoteAddress::RemoteAddress(std::string url, RemoteOptionsRef options)
    : url_(std::move(url)), shown_(without_secrets(url_)), options_(std::move(options)) {
  check(url_);
  if (lower(url_.substr(0, url_.find("://"))) != "s3") return;
  const auto host = url_.find("://") + 3, slash = std::min(url_.find('/', host), url_.size());
  bucket_ = url_.substr(host, slash - host);
  key_ = url_.substr(std::min(slash + 1, url_.size()));
  options_ = std::make_shared<const RemoteOptions>(resolved(*options_));
}

bool RemoteAddress::move_to_region(const std::string& region) const {
  const bool is_name = !region.empty() && region.size() < 64 && std::ranges::all_of(region, [](unsigned char c) { return std::isalnum(c) || c == '-'; });
  if (!is_s3() || !is_name) return false;
  const std::lock_guard lock(regions_mutex());
  auto& told = told_regions()[options_->endpoint + "/" + bucket_];
  if (told == region || (told.empty() && options_->region == region)) return false;
  told = region;
  return true;
}

RemoteAddress RemoteAddress::below(const std::string& relative) const {
  RemoteAddress out = *this;
  // A query is the server's own business: it stays behind the path.
  const auto query = is_s3() ? url_.size() : std::min(url_.find_first_of("?#"), url_.size());
  std::string path = url_.substr(0, query);
  while (!path.empty() && path.back() == '/') path.pop_back();
  out.url_ = path + "/" + (is_s3() ? relative : percent_encoded(relative, true)) + url_.substr(query);
  out.shown_ = without_secrets(out.url_);
  if (is_s3()) {
    while (!out.key_.empty() && out.key_.back() == '/') out.key_.pop_back();
    out.key_ += (out.key_.empty() ? "" : "/") + relative;
  }
  return out;
}

HttpRequest RemoteAddress::request(std::vector<std::string> headers) const {
  if (is_s3()) return s3_request(key_, {}, std::move(headers));
  headers.insert(headers.end(), options_->headers.begin(), options_->headers.end());
  return {url_.substr(0, url_.find('#')), std::move(headers)};
}

HttpRequest RemoteAddress::list_request(const std::string& token) const {
  ensure(is_s3(), "only buckets are listed");
  std::string prefix = key_;
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  if (!prefix.empty()) prefix += '/';
  std::vector<std::pair<std::string, std::string>> query{{"delimiter", "/"}, {"list-type", "2"}, {"prefix", prefix}};
  if (!token.empty()) query.insert(query.begin(), {"continuation-token", token});
  return s3_request("", query, {});
}

HttpRequest RemoteAddress::s3_request(const std::string& key, const std::vector<std::pair<std::string, std::string>>& query,
                                      std::vector<std::string> headers) const {
  std::string region = options_->region;
  {
    const std::lock_guard lock(regions_mutex());
    if (const auto told = told_regions().find(options_->endpoint + "/" + bucket_); told != told_regions().end()) region = told->second;
  }
  const bool is_own = !options_->endpoint.empty();
  const std::string endpoint = is_own ? options_->endpoint : fmt::format("https://s3.{}.amazonaws.com", region);
  const auto start = endpoint.find("://");
  if (start == std::string::npos || endpoint.find('/', start + 3) != std::string::npos) {
    fail(ErrorKind::kUser, "The endpoint '{}' is no URL of a host, such as https://storage.example.org:9000.", without_secrets(endpoint));
  }
  const std::string scheme = endpoint.substr(0, start);
  std::string host = endpoint.substr(start + 3);
  // A name with dots is no single label of a host, and certificates do not fit it.
  const bool by_path = options_->path_style.value_or(is_own) || bucket_.find('.') != std::string::npos;
  if (!by_path) host = bucket_ + "." + host;
  const std::string path = (by_path ? "/" + percent_encoded(bucket_, false) : "") + "/" + percent_encoded(key, true);
  std::string text;
  for (const auto& [name, value] : query) text += fmt::format("{}{}={}", text.empty() ? "" : "&", percent_encoded(name, false), percent_encoded(value, false));

  std::vector<std::pair<std::string, std::string>> amz;
  if (options_->requester_pays) amz.emplace_back("x-amz-request-payer", "requester");
  if (is_signed()) {
    const std::time_t now = std::time(nullptr);
    amz.emplace_back("x-amz-content-sha256", kNoPayload);
    amz.emplace_back("x-amz-date", format_time(now, "%Y%m%dT%H%M%SZ"));
    if (!options_->credentials->token.empty()) amz.emplace_back("x-amz-security-token", options_->credentials->token);
    // Ports that a scheme has anyway are not in the header.
    std::string signed_host = lower(host);
    for (const std::string_view usual : {scheme == "http" ? ":80" : ":443"}) {
      if (signed_host.ends_with(usual)) signed_host.resize(signed_host.size() - usual.size());
    }
    const S3Signing what{"GET", signed_host, path, text, amz, std::string(kNoPayload), region, now};
    headers.push_back("Authorization: " + s3_authorization(what, *options_->credentials));
  }
  for (const auto& [name, value] : amz) headers.push_back(name + ": " + value);
  return {fmt::format("{}://{}{}{}{}", scheme, host, path, text.empty() ? "" : "?", text), std::move(headers)};
}

std::string xml_text(const std::string& xml, const std::string& tag) {
  std::size_t at = 0;
  return resolve_entities(next_element(xml, tag, at).value_or(""));
}

S3Listing parse_s3_listing(const std::string& name, const std::string& xml) {
  if (xml.find("<ListBucketResult") == std::string::npos || xml.find("</ListBucketResult>") == std::string::npos) {
    fail(ErrorKind::kData, "{}: the store's answer is no list of a bucket.", name);
  }
  S3Listing out;
  std::size_t at = 0;
  while (const auto element = next_element(xml, "CommonPrefixes", at)) out.folders.push_back(xml_text(*element, "Prefix"));
  at = 0;
  while (const auto element = next_element(xml, "Contents", at)) out.keys.push_back(xml_text(*element, "Key"));
  if (xml_text(xml, "IsTruncated") == "true") {
    out.next = xml_text(xml, "NextContinuationToken");
    if (out.next.empty()) fail(ErrorKind::kData, "{}: the store's list goes on, and does not say where.", name);
  }
  return out;
}

}  // namespace freestone
