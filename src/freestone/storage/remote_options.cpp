#include "freestone/storage/remote_options.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <map>

#include "freestone/base/settings.h"

namespace freestone {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The first of these that is set.
std::string environment(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = environment(name); !value.empty()) return value;
  }
  return "";
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::optional<bool> truth(const char* name) {
  const std::string value = lower(environment(name));
  if (value.empty()) return std::nullopt;
  if (value == "1" || value == "yes" || value == "true" || value == "on") return true;
  if (value == "0" || value == "no" || value == "false" || value == "off") return false;
  fail(ErrorKind::kUser, "{}='{}' is neither YES nor NO.", name, value);
}

double number_of(const char* key, double otherwise, double least, double most) {
  const std::string text = setting(key);
  if (text.empty()) return otherwise;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= least && value <= most)) {
    fail(ErrorKind::kUser, "{} = '{}' ({} or the config file) is not a number from {} to {}.", key, text, setting_variable(key), least, most);
  }
  return value;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

using Section = std::map<std::string, std::string>;

/// A section of one of the files that Amazon's tools read; nothing when it is not there.
std::optional<Section> section_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  std::optional<Section> out;
  bool is_inside = false;
  for (std::string line; std::getline(file, line);) {
    const std::string text = trimmed(line);
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    if (text.front() == '[') {
      is_inside = text.back() == ']' && trimmed(text.substr(1, text.size() - 2)) == name;
      if (is_inside && !out) out.emplace();
      continue;
    }
    const auto equals = text.find('=');
    // What is indented belongs to a setting of several lines.
    if (!is_inside || equals == std::string::npos || line[0] == ' ' || line[0] == '\t') continue;
    (*out)[lower(trimmed(text.substr(0, equals)))] = trimmed(text.substr(equals + 1));
  }
  return out;
}

Section profile_of(const std::string& wanted) {
  const std::string name = wanted.empty() ? "default" : wanted, home = environment("HOME");
  std::string credentials = environment("AWS_SHARED_CREDENTIALS_FILE"), config = environment("AWS_CONFIG_FILE");
  if (credentials.empty()) credentials = home + "/.aws/credentials";
  if (config.empty()) config = home + "/.aws/config";
  const auto from_config = section_of(config, name == "default" ? name : "profile " + name);
  const auto from_credentials = section_of(credentials, name);
  if (!from_config && !from_credentials && !wanted.empty()) {
    fail(ErrorKind::kUser, "The profile '{}' is neither in {} nor in {}.", wanted, credentials, config);
  }
  Section out = from_config.value_or(Section());
  for (const auto& [key, value] : from_credentials.value_or(Section())) out[key] = value;
  return out;
}

thread_local RemoteScope::State t_state;

}  // namespace

int remote_connections() { return static_cast<int>(number_of("remote_connections", 16, 1, 256)); }

Index remote_whole_bytes() {
  const std::string text = setting("remote_whole");
  if (text.empty()) return Index{256} << 20;
  try {
    return parse_bytes(text);
  } catch (const Error& error) {
    fail(ErrorKind::kUser, "remote_whole = '{}' ({} or the config file): {}", text, setting_variable("remote_whole"), error.message());
  }
}

RemoteOptions default_remote_options() {
  RemoteOptions out;
  out.retries = static_cast<int>(number_of("remote_retries", 5, 0, 100));
  out.timeout_seconds = number_of("remote_timeout", 30, 0.1, 3600);
  out.connect_seconds = std::min(out.connect_seconds, out.timeout_seconds);
  out.anonymous = truth("AWS_NO_SIGN_REQUEST").value_or(false);
  if (const auto hosts = truth("AWS_VIRTUAL_HOSTING")) out.path_style = !*hosts;
  out.requester_pays = lower(environment("AWS_REQUEST_PAYER")) == "requester";
  return out;
}

RemoteOptions resolved(RemoteOptions options) {
  if (options.profile.empty() && !options.credentials) {
    // Keys in the environment come before profiles, a profile that the caller names before both.
    const S3Credentials found{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"), environment("AWS_SESSION_TOKEN")};
    if (!found.empty() && !found.secret.empty()) options.credentials = found;
  }
  if (options.endpoint.empty()) options.endpoint = environment({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  if (options.region.empty()) options.region = environment({"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (options.profile.empty()) options.profile = environment("AWS_PROFILE");
  if (!options.anonymous || !options.profile.empty()) {
    const Section profile = profile_of(options.profile);
    const auto value = [&](const char* key) {
      const auto found = profile.find(key);
      return found == profile.end() ? std::string() : found->second;
    };
    if (!options.credentials && !value("aws_access_key_id").empty()) {
      options.credentials = {value("aws_access_key_id"), value("aws_secret_access_key"), value("aws_session_token")};
    }
    if (options.region.empty()) options.region = value("region");
    if (options.endpoint.empty()) options.endpoint = value("endpoint_url");
  }
  if (options.region.empty()) options.region = "us-east-1";
  while (!options.endpoint.empty() && options.endpoint.back() == '/') options.endpoint.pop_back();
  return options;
}

RemoteOptionsRef remote_options() { return t_state.options ? t_state.options : std::make_shared<const RemoteOptions>(default_remote_options()); }

RemoteScope::RemoteScope(RemoteOptionsRef options, std::function<void()> look) : before_(t_state) {
  if (options) t_state.options = std::move(options);
  if (look) t_state.look = std::move(look);
}

RemoteScope::RemoteScope(const Cancel& cancel) : RemoteScope(nullptr, [&cancel] { cancel.check(); }) {}

RemoteScope::~RemoteScope() { t_state = std::move(before_); }

RemoteScope::State RemoteScope::now() { return t_state; }

void RemoteScope::look() {
  if (t_state.look) t_state.look();
}

}  // namespace freestone
