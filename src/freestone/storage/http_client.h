/// HttpClient: requests over HTTP, many at a time, on one thread of the process.
///
/// Connections are kept and used again, up to a limit of requests at a time; the rest waits its turn. A request that fails in a way that may pass (no
/// answer, a broken one, "too many requests", "service unavailable") is made again after a pause that doubles and is drawn by lot, a bounded number
/// of times. An exchange lives until it has ended, or until whoever wanted it lets it go: then nothing of it goes on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "freestone/storage/remote_address.h"

namespace freestone {

/// What a server said before the body.
struct HttpHead {
  long status = 0;
  std::map<std::string, std::string> fields;  ///< lower-case names
  /// "" when there is none.
  std::string field(const std::string& name) const;
  /// A whole number; -1 when there is none.
  Index number(const std::string& name) const;
  /// First and last byte and the size of the whole, of a Content-Range; -1 where it does not say.
  struct Range {
    Index first = -1, last = -1, total = -1;
  };
  Range range() const;
};

/// A server that answers, and does not give what was asked for.
class HttpRefusal final : public Error {
 public:
  HttpRefusal(long status, std::string message) : Error(ErrorKind::kIo, std::move(message)), status_(status) {}
  long status() const { return status_; }

 private:
  long status_;
};

/// One request and what becomes of it. All but `wait` is called by the client's thread.
class HttpExchange {
 public:
  explicit HttpExchange(RemoteAddress address) : address_(std::move(address)) {}
  virtual ~HttpExchange() = default;
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  const RemoteAddress& address() const { return address_; }

 protected:
  /// The request, at each attempt.
  virtual HttpRequest ask() = 0;
  /// The body that follows `head`, which has one of these statuses, is wanted.
  virtual bool takes(const HttpHead& head) const { return head.status == 200 || head.status == 206; }
  /// @throws Error  the exchange ends with it; a body follows otherwise
  virtual void begin_body(const HttpHead& head) = 0;
  /// @throws Error  the exchange ends with it
  virtual void receive(std::span<const std::byte> bytes) = 0;
  /// The body is whole. False: more is wanted, by another attempt that asks for what is missing.
  virtual bool end_body() = 0;
  /// A status that is not taken, and will not be better next time. The default throws HttpRefusal.
  virtual void refused(const HttpHead& head, const std::string& body);
  /// Bytes of the body so far, of all attempts.
  virtual Index received() const = 0;

 private:
  friend class HttpClient;
  RemoteAddress address_;
};

class HttpClient {
 public:
  /// That of this process. A child that was forked gets its own.
  static HttpClient& of_process();

  /// An exchange on its way. Lets it go when it is destroyed.
  class Pending {
   public:
    Pending(HttpClient& client, std::shared_ptr<HttpExchange> exchange);
    ~Pending();
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    /// Until it has ended; RemoteScope::look is called every 50 ms.
    /// @throws Error kind io: refused, or no answer after all attempts; kind data; what `look` throws; kind cancelled
    void wait(const Cancel* cancel = nullptr);

   private:
    struct State;
    friend class HttpClient;
    HttpClient& client_;
    std::shared_ptr<State> state_;
  };

 private:
  struct Loop;
  HttpClient();
  std::unique_ptr<Loop> loop_;
};

}  // namespace freestone
