#include "freestone/storage/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <exception>
#include <random>
#include <set>
#include <thread>

#include "freestone/base/log.h"

namespace freestone {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLook = std::chrono::milliseconds(50);
constexpr double kFirstPause = 0.2, kLongestPause = 8, kLongestAskedPause = 30;  // seconds
constexpr std::size_t kLargestComplaint = std::size_t{64} << 10;                 // of a body that says what is wrong
constexpr std::size_t kLargestHead = std::size_t{64} << 10;
constexpr Index kProgress = Index{256} << 10;  // an attempt that brought so much does not count
constexpr long kMostRedirects = 10;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Index whole(std::string_view text) {
  Index value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? value : -1;
}

/// The certificates of authorities: what the environment names, else the system's; each distribution has its own place, and the client may have
/// been built on another one. Empty: where the client looks by itself.
std::string certificates() {
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    if (const char* file = std::getenv(name); file != nullptr && *file != '\0') return file;
  }
  static const std::string system = [] {
    for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                             "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
      if (access(file, R_OK) == 0) return std::string(file);
    }
    return std::string();
  }();
  return system;
}

/// It may be better next time.
bool passes(long status) { return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504; }

bool passes(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_WEIRD_SERVER_REPLY: return true;
    default: return false;
  }
}

/// What a server says is wrong, in a line: S3's <Message>, or the start of a plain text. Never more, it may repeat what was asked.
std::string complaint(const HttpHead& head, const std::string& body) {
  const std::string code = xml_text(body, "Code"), message = xml_text(body, "Message");
  if (!code.empty()) return fmt::format("{}{}{}", code, message.empty() ? "" : ": ", message.substr(0, 200));
  if (!head.field("content-type").starts_with("text/plain")) return "";
  std::string line(trimmed(body.substr(0, body.find('\n'))));
  return line.substr(0, 200);
}

}  // namespace

std::string HttpHead::field(const std::string& name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

Index HttpHead::number(const std::string& name) const { return whole(field(name)); }

HttpHead::Range HttpHead::range() const {
  // "bytes 0-99/1000", "bytes */1000", "bytes 0-99/*"
  const std::string text = field("content-range");
  Range out;
  if (!lower(text).starts_with("bytes")) return out;
  const std::string_view what = trimmed(std::string_view(text).substr(5));
  const auto slash = what.find('/');
  if (slash == std::string_view::npos) return out;
  out.total = whole(trimmed(what.substr(slash + 1)));
  const auto dash = what.find('-');
  if (dash < slash) {
    out.first = whole(trimmed(what.substr(0, dash)));
    out.last = whole(trimmed(what.substr(dash + 1, slash - dash - 1)));
  }
  return out;
}

void HttpExchange::refused(const HttpHead& head, const std::string& body) {
  const std::string said = complaint(head, body), tail = said.empty() ? "" : fmt::format(" It says: {}.", said);
  const std::string& name = address_.shown();
  std::string text;
  switch (head.status) {
    case 401:
    case 403:
      if (address_.is_s3() && !address_.is_signed()) {
        text = fmt::format(
            "{}: the store does not give it to everybody (HTTP {}).{} The request was not signed: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "AWS_PROFILE.",
            name, head.status, tail);
        break;
      }
      text = fmt::format("{}: no permission to read it (HTTP {}).{}{}", name, head.status, tail,
                         address_.is_s3() ? " If it is open to everybody, ask without credentials (AWS_NO_SIGN_REQUEST=YES)." : "");
      break;
    case 404:
    case 410: text = fmt::format("{}: there is no such file (HTTP {}).{}", name, head.status, tail); break;
    default: text = fmt::format("{}: the server refused (HTTP {}).{}", name, head.status, tail);
  }
  throw HttpRefusal(head.status, text);
}

/// What the waiting side and the client's thread share.
struct HttpClient::Pending::State {
  explicit State(std::shared_ptr<HttpExchange> what) : exchange(std::move(what)) {}
  std::shared_ptr<HttpExchange> exchange;

  std::mutex mutex;
  std::condition_variable changed;
  bool has_ended = false;     // nothing of it goes on
  std::exception_ptr error;
  std::atomic<bool> is_unwanted{false};

  // Of the client's thread:
  CURL* handle = nullptr;
  curl_slist* headers = nullptr;
  HttpHead head;
  std::size_t head_bytes = 0;
  std::string body;
  bool body_has_begun = false;
  std::exception_ptr body_error;
  int failures = 0;
  Index received_before = 0;
  char text[CURL_ERROR_SIZE] = {};
  Clock::time_point due;
};

/// The client's thread and what it works on.
struct HttpClient::Loop {
  using State = Pending::State;
  using StateRef = std::shared_ptr<State>;

  Loop() : limit(static_cast<std::size_t>(remote_connections())) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(limit));
    // Signals go to the threads that the host made.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { run(); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void add(StateRef state) {
    {
      const std::lock_guard lock(mutex);
      arriving.push_back(std::move(state));
    }
    curl_multi_wakeup(multi);
  }
  void look_again() { curl_multi_wakeup(multi); }

  // The loop lives as long as the process: there is nothing to join.
  [[noreturn]] void run() {
    while (true) {
      {
        const std::lock_guard lock(mutex);
        for (StateRef& state : arriving) waiting.push_back(std::move(state));
        arriving.clear();
      }
      drop_unwanted();
      const auto now = Clock::now();
      while (!pausing.empty() && (*pausing.begin())->due <= now) {
        waiting.push_front(*pausing.begin());
        pausing.erase(pausing.begin());
      }
      while (active.size() < limit && !waiting.empty()) {
        const StateRef state = waiting.front();
        waiting.pop_front();
        begin(state);
      }
      int running = 0;
      curl_multi_perform(multi, &running);
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
      }
      int patience = 1000;
      if (!pausing.empty()) {
        const auto until = std::chrono::duration_cast<std::chrono::milliseconds>((*pausing.begin())->due - Clock::now()).count();
        patience = static_cast<int>(std::clamp<std::int64_t>(until + 1, 0, patience));
      }
      if (active.size() < limit && !waiting.empty()) patience = 0;
      if (active.empty() && waiting.empty() && pausing.empty()) patience = 3'600'000;
      curl_multi_poll(multi, nullptr, 0, patience, nullptr);
    }
  }

  void drop_unwanted() {
    const auto unwanted = [&](const StateRef& state) {
      if (!state->is_unwanted) return false;
      finish(*state, nullptr);
      return true;
    };
    std::erase_if(waiting, unwanted);
    std::erase_if(pausing, unwanted);
    std::erase_if(active, [&](const auto& pair) {
      if (!pair.second->is_unwanted) return false;
      detach(*pair.second);
      finish(*pair.second, nullptr);
      return true;
    });
  }

  void begin(const StateRef& state) {
    HttpRequest request;
    try {
      request = state->exchange->ask();
    } catch (...) {
      return finish(*state, std::current_exception());
    }
    CURL* handle = nullptr;
    if (spare.empty()) {
      handle = curl_easy_init();
    } else {
      handle = spare.back();
      spare.pop_back();
      curl_easy_reset(handle);
    }
    State& s = *state;
    s.handle = handle;
    s.head = {};
    s.head_bytes = 0;
    s.body.clear();
    s.body_has_begun = false;
    s.body_error = nullptr;
    s.received_before = s.exchange->received();
    s.text[0] = '\0';
    const RemoteOptions& options = *s.exchange->address().options();
    for (const std::string& header : request.headers) s.headers = curl_slist_append(s.headers, header.c_str());
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(handle, option, value); };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_HTTPHEADER, s.headers);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    // A signature is for one host: the store says in its answer where to go.
    set(CURLOPT_FOLLOWLOCATION, s.exchange->address().is_signed() ? 0L : 1L);
    set(CURLOPT_MAXREDIRS, kMostRedirects);
    set(CURLOPT_USERAGENT, "freestone");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_PIPEWAIT, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_BUFFERSIZE, 256L << 10);
    set(CURLOPT_CONNECTTIMEOUT_MS, std::lround(options.connect_seconds * 1000));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, std::max(1L, std::lround(options.timeout_seconds)));
    // Archives that log people in by cookies and .netrc (Earthdata).
    set(CURLOPT_COOKIEFILE, "");
    set(CURLOPT_NETRC, static_cast<long>(s.exchange->address().is_s3() ? CURL_NETRC_IGNORED : CURL_NETRC_OPTIONAL));
    if (const std::string file = certificates(); !file.empty()) set(CURLOPT_CAINFO, file.c_str());
    set(CURLOPT_ERRORBUFFER, s.text);
    set(CURLOPT_HEADERFUNCTION, &Loop::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&s));
    set(CURLOPT_WRITEFUNCTION, &Loop::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&s));
    active.emplace(handle, state);
    log(LogLevel::kDebug, "GET {}", s.exchange->address().shown());
    if (curl_multi_add_handle(multi, handle) != CURLM_OK) end(handle, CURLE_FAILED_INIT);
  }

  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* data) {
    State& s = *static_cast<State*>(data);
    const std::string_view line(bytes, size * count);
    if ((s.head_bytes += line.size()) > kLargestHead) return 0;
    if (line.starts_with("HTTP/")) {
      // Of a redirect the last answer counts.
      s.head = {};
      const auto space = line.find(' ');
      if (space != std::string_view::npos) s.head.status = static_cast<long>(whole(line.substr(space + 1, 3)));
      return line.size();
    }
    const auto colon = line.find(':');
    if (colon != std::string_view::npos) s.head.fields[lower(std::string(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
    return line.size();
  }

  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* data) {
    State& s = *static_cast<State*>(data);
    const std::size_t n = size * count;
    if (s.is_unwanted) return 0;
    try {
      if (!s.exchange->takes(s.head)) {
        if (s.body.size() < kLargestComplaint) s.body.append(bytes, std::min(n, kLargestComplaint - s.body.size()));
        return n;
      }
      begin_body(s);
      s.exchange->receive(std::as_bytes(std::span(bytes, n)));
      return n;
    } catch (...) {
      s.body_error = std::current_exception();
      return 0;
    }
  }

  static void begin_body(State& s) {
    if (s.body_has_begun) return;
    if (const std::string coding = lower(s.head.field("content-encoding")); !coding.empty() && coding != "identity") {
      fail(ErrorKind::kIo, "{}: the server sends it compressed on the way ({}), so that parts of it have no place.", s.exchange->address().shown(), coding);
    }
    s.exchange->begin_body(s.head);
    s.body_has_begun = true;
  }

  void detach(State& s) {
    curl_multi_remove_handle(multi, s.handle);
    curl_slist_free_all(std::exchange(s.headers, nullptr));
    spare.push_back(std::exchange(s.handle, nullptr));
  }

  static void finish(State& s, std::exception_ptr error) {
    const std::lock_guard lock(s.mutex);
    s.error = std::move(error);
    s.has_ended = true;
    s.changed.notify_all();
  }

  void end(CURL* handle, CURLcode code) {
    const auto found = active.find(handle);
    if (found == active.end()) return;
    const StateRef state = found->second;
    State& s = *state;
    active.erase(found);
    detach(s);
    std::exception_ptr error = s.body_error;
    std::string why;
    double asked = -1;
    try {
      if (error) return finish(s, error);
      const std::string& name = s.exchange->address().shown();
      if (code == CURLE_OK && s.exchange->takes(s.head)) {
        begin_body(s);
        if (s.exchange->end_body()) return finish(s, nullptr);
        why = "the answer was shorter than what was asked for";
      } else if (code == CURLE_OK) {
        const std::string region = s.head.field("x-amz-bucket-region");
        if ((s.head.status == 301 || s.head.status == 307 || s.head.status == 400) && s.exchange->address().move_to_region(region)) {
          waiting.push_front(state);
          return;
        }
        if (!passes(s.head.status)) {
          s.exchange->refused(s.head, s.body);
          return finish(s, nullptr);
        }
        why = fmt::format("HTTP {}", s.head.status);
        if (const std::string said = complaint(s.head, s.body); !said.empty()) why += ", " + said;
        asked = static_cast<double>(s.head.number("retry-after"));
      } else if (!passes(code)) {
        fail(ErrorKind::kIo, "{}: {}.", name, described(code, s));
      } else {
        why = described(code, s);
      }
      if (s.exchange->received() - s.received_before < kProgress) ++s.failures;
      const RemoteOptions& options = *s.exchange->address().options();
      if (s.failures > options.retries) {
        fail(ErrorKind::kIo, "{}: no whole answer after {} attempts: {}. FREESTONE_REMOTE_RETRIES and FREESTONE_REMOTE_TIMEOUT say how long to try.", name,
             s.failures, why);
      }
    } catch (...) {
      return finish(s, std::current_exception());
    }
    const double doubled = std::min(kLongestPause, kFirstPause * static_cast<double>(1 << std::clamp(s.failures - 1, 0, 10)));
    double pause = doubled * std::uniform_real_distribution<double>(0.5, 1.0)(lots);
    if (asked >= 0) pause = std::max(pause, std::min(asked, kLongestAskedPause));
    log(LogLevel::kInfo, "{}: {}; again in {:.1f} s", s.exchange->address().shown(), why, pause);
    s.due = Clock::now() + std::chrono::milliseconds(std::lround(pause * 1000));
    pausing.insert(state);
  }

  static std::string described(CURLcode code, const State& s) {
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST: return "the host's name is not known";
      case CURLE_COULDNT_CONNECT: return "no connection to the server";
      case CURLE_OPERATION_TIMEDOUT: return "the server did not answer in time";
      case CURLE_PARTIAL_FILE: return "the connection ended before the answer did";
      case CURLE_GOT_NOTHING: return "the server closed the connection without an answer";
      case CURLE_TOO_MANY_REDIRECTS: return "the server leads from one address to another without end";
      // libcurl's own words about those may name what was asked with all that is in it.
      case CURLE_URL_MALFORMAT: return "it is no URL";
      case CURLE_UNSUPPORTED_PROTOCOL: return "the server leads to an address that is neither http nor https";
      default: return s.text[0] != '\0' && std::string_view(s.text).find("://") == std::string_view::npos ? s.text : curl_easy_strerror(code);
    }
  }

  struct Sooner {
    bool operator()(const StateRef& a, const StateRef& b) const { return a->due != b->due ? a->due < b->due : a < b; }
  };

  const std::size_t limit;
  CURLM* multi = nullptr;
  std::mutex mutex;
  std::vector<StateRef> arriving;
  // Of the loop's thread:
  std::deque<StateRef> waiting;
  std::set<StateRef, Sooner> pausing;
  std::map<CURL*, StateRef> active;
  std::vector<CURL*> spare;
  std::minstd_rand lots{std::random_device{}()};
};

HttpClient::HttpClient() : loop_(std::make_unique<Loop>()) {}

HttpClient& HttpClient::of_process() {
  // Never destroyed: its thread has no end. That of the parent is not there in a child.
  static std::mutex& mutex = *new std::mutex;
  static HttpClient* client = nullptr;
  static pid_t owner = 0;
  const std::lock_guard lock(mutex);
  if (client == nullptr || owner != ::getpid()) {
    client = new HttpClient;
    owner = ::getpid();
  }
  return *client;
}

HttpClient::Pending::Pending(HttpClient& client, std::shared_ptr<HttpExchange> exchange)
    : client_(client), state_(std::make_shared<State>(std::move(exchange))) {
  client_.loop_->add(state_);
}

HttpClient::Pending::~Pending() {
  std::unique_lock lock(state_->mutex);
  if (state_->has_ended) return;
  state_->is_unwanted = true;
  client_.loop_->look_again();
  state_->changed.wait(lock, [&] { return state_->has_ended; });
}

void HttpClient::Pending::wait(const Cancel* cancel) {
  std::unique_lock lock(state_->mutex);
  while (!state_->has_ended) {
    if (cancel != nullptr) cancel->check();
    lock.unlock();
    RemoteScope::look();
    lock.lock();
    state_->changed.wait_for(lock, kLook, [&] { return state_->has_ended; });
  }
  if (state_->error) std::rethrow_exception(state_->error);
}

}  // namespace freestone
