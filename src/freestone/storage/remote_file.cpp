#include "freestone/storage/remote_file.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "freestone/base/settings.h"
#include "freestone/storage/anonymous_file.h"
#include "freestone/storage/http_client.h"
#include "freestone/storage/remote_blocks.h"

namespace freestone {
namespace {

constexpr Index kBlock = RemoteBlocks::kBlock;
constexpr Index kSmallRead = Index{64} << 10;      // goes through blocks
constexpr Index kMostAhead = 4;                    // blocks of one request when they are read in order
constexpr int kMostLists = 1000;

Index bytes_of(std::span<const iovec> pieces) {
  Index bytes = 0;
  for (const iovec& piece : pieces) bytes += static_cast<Index>(piece.iov_len);
  return bytes;
}

std::string range_header(Index first, Index last) { return fmt::format("Range: bytes={}-{}", first, last); }

[[noreturn]] void fail_changed(const std::string& name, const std::string& how) {
  fail(ErrorKind::kData, "{}: changed while it was being read{}. Run again when nothing writes to it.", name, how);
}

/// Nanoseconds since 1970; 0 when it is no date.
Index nanoseconds_of(const std::string& http_date) {
  const std::time_t time = http_date.empty() ? -1 : curl_getdate(http_date.c_str(), nullptr);
  return time < 0 ? 0 : Index{time} * 1'000'000'000;
}

RemoteVersion version_in(const HttpHead& head, Index bytes) { return {head.field("etag"), head.field("last-modified"), bytes}; }

/// A range of a file of which the version is known.
class RangeExchange final : public HttpExchange {
 public:
  RangeExchange(const RemoteAddress& address, std::shared_ptr<RemoteVersionCell> version, Index offset, std::vector<iovec> pieces, Index bytes)
      : HttpExchange(address), version_(std::move(version)), offset_(offset), bytes_(bytes), pieces_(std::move(pieces)) {}

 protected:
  HttpRequest ask() override {
    auto headers = version_->conditions();
    headers.push_back(range_header(offset_ + done_, offset_ + bytes_ - 1));
    return address().request(std::move(headers));
  }
  void begin_body(const HttpHead& head) override {
    const HttpHead::Range range = head.range();
    version_->check(address().shown(), head, head.status == 206 ? range.total : head.number("content-length"));
    if (head.status != 206) {
      fail(ErrorKind::kIo, "{}: a part of it was asked for, and the server answers with the whole (it ignores Range). Download the file first.",
           address().shown());
    }
    if (range.first != offset_ + done_ || range.last < range.first || range.last >= offset_ + bytes_) {
      fail(ErrorKind::kIo, "{}: bytes {} to {} were asked for, the server answers with '{}'.", address().shown(), offset_ + done_, offset_ + bytes_ - 1,
           head.field("content-range"));
    }
  }
  void receive(std::span<const std::byte> bytes) override {
    if (static_cast<Index>(bytes.size()) > bytes_ - done_) {
      fail(ErrorKind::kIo, "{}: the server sends more than the {} bytes that were asked for.", address().shown(), bytes_);
    }
    done_ += static_cast<Index>(bytes.size());
    while (!bytes.empty()) {
      iovec& piece = pieces_[at_];
      const std::size_t n = std::min(piece.iov_len, bytes.size());
      if (piece.iov_base != nullptr) {
        std::memcpy(piece.iov_base, bytes.data(), n);
        piece.iov_base = static_cast<std::byte*>(piece.iov_base) + n;
      }
      piece.iov_len -= n;
      bytes = bytes.subspan(n);
      if (piece.iov_len == 0) ++at_;
    }
  }
  bool end_body() override { return done_ == bytes_; }
  void refused(const HttpHead& head, const std::string& body) override {
    if (head.status == 412) fail_changed(address().shown(), " (the server has another version now)");
    if (head.status == 416) {
      fail(ErrorKind::kData, "{}: it ends before byte {}, which should be there. It changed, or was cut short.", address().shown(), offset_ + done_);
    }
    HttpExchange::refused(head, body);
  }
  Index received() const override { return done_; }

 private:
  const std::shared_ptr<RemoteVersionCell> version_;
  const Index offset_, bytes_;
  std::vector<iovec> pieces_;
  std::size_t at_ = 0;
  Index done_ = 0;
};

/// The first request for a file: its version, and some of its bytes. A server that answers with the whole is taken at its word.
class FirstExchange final : public HttpExchange {
 public:
  FirstExchange(const RemoteAddress& address, Index tail_bytes) : HttpExchange(address), tail_bytes_(tail_bytes) {}

  RemoteVersion version;
  Index offset = 0;              ///< of `bytes`
  std::vector<std::byte> bytes;
  std::shared_ptr<const LocalFile> whole;  ///< the file, when it came whole
  bool is_there = true;

 protected:
  HttpRequest ask() override {
    bytes.clear();
    whole = nullptr;
    return address().request({tail_bytes_ > 0 ? fmt::format("Range: bytes=-{}", tail_bytes_) : range_header(0, kBlock - 1)});
  }
  void begin_body(const HttpHead& head) override {
    if (head.status == 206) {
      const HttpHead::Range range = head.range();
      if (range.total < 0 || range.first < 0 || range.last < range.first || range.last >= range.total || (tail_bytes_ == 0 && range.first != 0)) {
        fail(ErrorKind::kIo, "{}: the server does not say how long the file is, or which part it sends ('{}').", address().shown(),
             head.field("content-range"));
      }
      version = version_in(head, range.total);
      offset = range.first;
      expected_ = range.last - range.first + 1;
      if (expected_ > std::max(tail_bytes_, kBlock)) fail(ErrorKind::kIo, "{}: the server sends more than was asked for.", address().shown());
      return;
    }
    version = version_in(head, head.number("content-length"));
    expected_ = version.bytes;
    if (version.bytes > largest_whole_) fail_whole();
    // Once more, from the start, when it breaks off: it cannot be gone on with.
    whole = anonymous_file(default_settings().temp_dir, address().shown());
    whole_bytes_ = 0;
  }
  void receive(std::span<const std::byte> part) override {
    received_ += static_cast<Index>(part.size());
    if (!whole) {
      if (static_cast<Index>(bytes.size() + part.size()) > expected_) fail(ErrorKind::kIo, "{}: the server sends more than it says.", address().shown());
      bytes.insert(bytes.end(), part.begin(), part.end());
      return;
    }
    if (whole_bytes_ + static_cast<Index>(part.size()) > largest_whole_) fail_whole();
    write_exactly(whole->descriptor(), address().shown(), whole_bytes_, part);
    whole_bytes_ += static_cast<Index>(part.size());
  }
  bool end_body() override {
    if (!whole) return static_cast<Index>(bytes.size()) == expected_;
    if (expected_ >= 0 && whole_bytes_ != expected_) return false;
    version.bytes = whole_bytes_;
    return true;
  }
  void refused(const HttpHead& head, const std::string& body) override {
    if (head.status == 416 && head.range().total <= 0) {
      version = version_in(head, 0);
    } else if (head.status == 404 || head.status == 410) {
      is_there = false;
      try {
        HttpExchange::refused(head, body);
      } catch (const Error& error) {
        why = error.message();
      }
    } else {
      HttpExchange::refused(head, body);
    }
  }
  Index received() const override { return 0; }

 public:
  std::string why;  ///< it is not there

 private:
  [[noreturn]] void fail_whole() const {
    fail(ErrorKind::kUser, "{}: its server gives files only whole (it ignores Range), and this one has {}, more than is taken that way ({}). Download it first, or allow it with "
         "--remote-whole or FREESTONE_REMOTE_WHOLE: it is kept in the temporary folder while it is read.",
         address().shown(), version.bytes < 0 ? std::string("more bytes than it says") : format_bytes(version.bytes), format_bytes(largest_whole_));
  }
  const Index tail_bytes_, largest_whole_ = remote_whole_bytes();
  Index expected_ = -1, whole_bytes_ = 0, received_ = 0;
};

/// A whole file of unknown size into memory, or into a text.
class WholeExchange final : public HttpExchange {
 public:
  WholeExchange(const RemoteAddress& address, std::span<std::byte> room, Index* bytes, RemoteVersion* version)
      : HttpExchange(address), room_(room), bytes_(bytes), version_(version) {}

 protected:
  HttpRequest ask() override {
    done_ = 0;
    return address().request(version_->bytes < 0 ? std::vector<std::string>{} : version_->conditions());
  }
  void begin_body(const HttpHead& head) override {
    length_ = head.number("content-length");
    if (head.status != 200) fail(ErrorKind::kIo, "{}: all of it was asked for, the server answers with a part.", address().shown());
    if (version_->bytes >= 0) version_->check(address().shown(), head, length_);
    if (length_ > static_cast<Index>(room_.size())) fail_large(length_);
    fresh_ = version_in(head, length_);
  }
  void receive(std::span<const std::byte> bytes) override {
    if (bytes.size() > room_.size() - static_cast<std::size_t>(done_)) fail_large(done_ + static_cast<Index>(bytes.size()));
    if (!bytes.empty()) std::memcpy(room_.data() + done_, bytes.data(), bytes.size());
    done_ += static_cast<Index>(bytes.size());
  }
  bool end_body() override {
    if (length_ >= 0 && done_ != length_) return false;
    fresh_.bytes = done_;
    *version_ = fresh_;
    *bytes_ = done_;
    return true;
  }
  void refused(const HttpHead& head, const std::string& body) override {
    if (head.status == 412) fail_changed(address().shown(), " (the server has another version now)");
    if (head.status != 404 && head.status != 410) return HttpExchange::refused(head, body);
    if (version_->bytes >= 0) fail_changed(address().shown(), ": it is gone");
    *bytes_ = -1;
  }
  Index received() const override { return 0; }

 private:
  [[noreturn]] void fail_large(Index bytes) const {
    fail(ErrorKind::kData, "{}: it has {} bytes or more, where at most {} can be. It is damaged.", address().shown(), bytes, room_.size());
  }
  std::span<std::byte> room_;
  Index* bytes_;
  RemoteVersion* version_;
  RemoteVersion fresh_;
  Index length_ = -1, done_ = 0;
};

/// A text that grows: documents and lists.
class TextExchange final : public HttpExchange {
 public:
  TextExchange(const RemoteAddress& address, std::function<HttpRequest()> request, Index most)
      : HttpExchange(address), request_(std::move(request)), most_(most) {}
  std::optional<std::string> text;
  RemoteVersion version;

 protected:
  HttpRequest ask() override {
    text.emplace();
    return request_();
  }
  void begin_body(const HttpHead& head) override { version = version_in(head, -1); }
  void receive(std::span<const std::byte> bytes) override {
    if (static_cast<Index>(text->size() + bytes.size()) > most_) {
      fail(ErrorKind::kData, "{}: it is larger than {}, more than such a file can be.", address().shown(), format_bytes(most_));
    }
    text->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  bool end_body() override {
    version.bytes = static_cast<Index>(text->size());
    return true;
  }
  void refused(const HttpHead& head, const std::string& body) override {
    if (head.status != 404 && head.status != 410) return HttpExchange::refused(head, body);
    text.reset();
  }
  Index received() const override { return 0; }

 private:
  std::function<HttpRequest()> request_;
  Index most_;
};

/// An exchange as a read.
class ExchangeInFlight final : public ReadInFlight {
 public:
  explicit ExchangeInFlight(std::shared_ptr<HttpExchange> exchange) : pending_(HttpClient::of_process(), std::move(exchange)) {}
  void wait(const Cancel& cancel) override { pending_.wait(&cancel); }

 private:
  HttpClient::Pending pending_;
};

void run(const std::shared_ptr<HttpExchange>& exchange) { HttpClient::Pending(HttpClient::of_process(), exchange).wait(); }

}  // namespace

std::vector<std::string> RemoteVersion::conditions() const {
  // A weak tag says nothing of bytes.
  if (!etag.empty() && !etag.starts_with("W/")) return {"If-Match: " + etag};
  if (!modified.empty()) return {"If-Unmodified-Since: " + modified};
  return {};
}

void RemoteVersion::check(const std::string& name, const HttpHead& head, Index total) const {
  const std::string tag = head.field("etag"), date = head.field("last-modified");
  if (total >= 0 && total != bytes) fail_changed(name, fmt::format(": it had {} bytes when it was opened, and has {} now", bytes, total));
  if (!etag.empty() && !tag.empty() && tag != etag) fail_changed(name, " (the server has another version now)");
  if ((etag.empty() || tag.empty()) && !modified.empty() && !date.empty() && date != modified) fail_changed(name, fmt::format(" (on {})", date));
}

std::vector<std::string> RemoteVersionCell::conditions() const {
  const std::lock_guard lock(mutex_);
  return version_ ? version_->conditions() : std::vector<std::string>();
}

void RemoteVersionCell::check(const std::string& name, const HttpHead& head, Index total) {
  const std::lock_guard lock(mutex_);
  version_ ? version_->check(name, head, total) : void(version_ = version_in(head, total));
}

RemoteFile::RemoteFile(RemoteAddress address, std::optional<RemoteVersion> version, Identity identity)
    : File(std::move(identity)),
      address_(std::move(address)),
      version_(std::make_shared<RemoteVersionCell>(version)),
      is_known_(version.has_value()),
      number_(RemoteBlocks::of_process().next_number()) {}

RemoteFile::~RemoteFile() { RemoteBlocks::of_process().forget(number_); }

std::shared_ptr<const File> RemoteFile::open_later(const RemoteAddress& address) {
  constexpr Index kUnknown = Index{1} << 62;
  return std::shared_ptr<const File>(new RemoteFile(address, std::nullopt, Identity{address.shown(), kUnknown, 0, 1}));
}

std::shared_ptr<const File> RemoteFile::open(const RemoteAddress& address, Index tail_bytes) {
  auto file = open_if_there(address, tail_bytes);
  if (!file) fail(ErrorKind::kIo, "{}: there is no such file (HTTP 404).", address.shown());
  return file;
}

std::shared_ptr<const File> RemoteFile::open_if_there(const RemoteAddress& address, Index tail_bytes) {
  const auto first = std::make_shared<FirstExchange>(address, tail_bytes);
  run(first);
  if (!first->is_there) return nullptr;
  const std::string mark = first->version.etag + first->version.modified;
  const auto hash = static_cast<Index>(std::hash<std::string>()(mark) >> 2);
  const Identity identity{address.shown(), first->version.bytes, nanoseconds_of(first->version.modified), hash | 1};
  // A server that gives no parts: the whole lies in a file without a name.
  if (first->whole) return LocalFile::adopt(::dup(first->whole->descriptor()), address.shown(), first->version.bytes);
  std::shared_ptr<RemoteFile> file(new RemoteFile(address, first->version, identity));
  auto& blocks = RemoteBlocks::of_process();
  const Index end = first->offset + static_cast<Index>(first->bytes.size());
  for (Index at = (first->offset + kBlock - 1) / kBlock * kBlock; at < end; at += kBlock) {
    const Index n = std::min(kBlock, first->version.bytes - at);
    if (at + n > end) break;
    const auto* from = first->bytes.data() + (at - first->offset);
    blocks.keep(file->number_, at / kBlock, std::make_shared<const std::vector<std::byte>>(from, from + n));
  }
  if (first->offset > 0) file->tail_ = std::move(first->bytes);
  return file;
}

bool RemoteFile::fill_from_blocks(Index offset, std::span<iovec> pieces, Index bytes) const {
  if (const Index tail = size() - static_cast<Index>(tail_.size()); !tail_.empty() && offset >= tail) {
    const std::byte* from = tail_.data() + (offset - tail);
    for (const iovec& piece : pieces) {
      if (piece.iov_base != nullptr) std::memcpy(piece.iov_base, from, piece.iov_len);
      from += piece.iov_len;
    }
    return true;
  }
  std::vector<RemoteBlocks::Bytes> held;
  for (Index block = offset / kBlock; block * kBlock < offset + bytes; ++block) {
    held.push_back(RemoteBlocks::of_process().find(number_, block));
    if (!held.back()) return false;
  }
  const Index first = offset / kBlock;
  for (const iovec& piece : pieces) {
    auto* to = static_cast<std::byte*>(piece.iov_base);
    for (auto left = static_cast<Index>(piece.iov_len); left > 0;) {
      const auto& block = *held[static_cast<std::size_t>(offset / kBlock - first)];
      const Index inside = offset % kBlock, n = std::min(left, static_cast<Index>(block.size()) - inside);
      if (to != nullptr) {
        std::memcpy(to, block.data() + inside, static_cast<std::size_t>(n));
        to += n;
      }
      offset += n;
      left -= n;
    }
  }
  return true;
}

void RemoteFile::read_through_blocks(Index offset, std::span<iovec> pieces, Index bytes) const {
  auto& blocks = RemoteBlocks::of_process();
  if (fill_from_blocks(offset, pieces, bytes)) return;
  std::vector<std::pair<Index, std::vector<std::byte>>> fresh;
  std::vector<std::unique_ptr<ReadInFlight>> reads;  // go first: they fill what is before them
  const Index last = (offset + bytes - 1) / kBlock, blocks_of_file = (size() + kBlock - 1) / kBlock;
  for (Index block = offset / kBlock; block <= last;) {
    if (blocks.find(number_, block)) {
      ++block;
      continue;
    }
    // In order: more at a time, up to a MiB.
    ahead_ = block == next_block_ ? std::min(kMostAhead, 2 * ahead_.load()) : 1;
    const Index count = std::clamp<Index>(std::max(ahead_.load(), last - block + 1), 1, blocks_of_file - block);
    next_block_ = block + count;
    std::vector<std::byte> memory(static_cast<std::size_t>(std::min(count * kBlock, size() - block * kBlock)));
    reads.push_back(begin(block * kBlock, {{memory.data(), memory.size()}}, static_cast<Index>(memory.size())));
    fresh.emplace_back(block, std::move(memory));
    block += count;
  }
  const Cancel never;
  for (const auto& read : reads) read->wait(never);
  std::vector<iovec> left(pieces.begin(), pieces.end());
  for (const auto& [block, memory] : fresh) {
    for (std::size_t at = 0; at < memory.size(); at += kBlock) {
      const auto end = std::min(at + static_cast<std::size_t>(kBlock), memory.size());
      blocks.keep(number_, block + static_cast<Index>(at) / kBlock, std::make_shared<const std::vector<std::byte>>(memory.begin() + static_cast<std::ptrdiff_t>(at), memory.begin() + static_cast<std::ptrdiff_t>(end)));
    }
  }
  // Others may have pushed them out again.
  if (!fill_from_blocks(offset, left, bytes)) begin(offset, std::move(left), bytes)->wait(never);
}

std::unique_ptr<ReadInFlight> RemoteFile::begin(Index offset, std::vector<iovec> pieces, Index bytes) const {
  return std::make_unique<ExchangeInFlight>(std::make_shared<RangeExchange>(address_, version_, offset, std::move(pieces), bytes));
}

std::unique_ptr<ReadInFlight> RemoteFile::begin_pieces(Index offset, std::span<iovec> pieces) const {
  const Index bytes = bytes_of(pieces);
  if (bytes == 0) return nullptr;
  if (offset < 0 || offset > size() || bytes > size() - offset) {
    fail(ErrorKind::kData, "{}: {} bytes were expected at offset {}, but the file ends at {}. It was cut short.", name(), bytes, offset, size());
  }
  if (fill_from_blocks(offset, pieces, bytes)) return nullptr;
  return begin(offset, {pieces.begin(), pieces.end()}, bytes);
}

void RemoteFile::read_pieces(Index offset, std::span<iovec> pieces) const {
  const Index bytes = bytes_of(pieces);
  if (is_known_ && bytes > 0 && bytes <= kSmallRead && offset >= 0 && offset <= size() && bytes <= size() - offset) {
    return read_through_blocks(offset, pieces, bytes);
  }
  const Cancel never;
  if (const auto read = begin_pieces(offset, pieces)) read->wait(never);
}

std::unique_ptr<ReadInFlight> begin_whole(const RemoteAddress& address, std::span<std::byte> room, Index* bytes, RemoteVersion* version) {
  return std::make_unique<ExchangeInFlight>(std::make_shared<WholeExchange>(address, room, bytes, version));
}

void check_version(const RemoteAddress& address, const std::shared_ptr<RemoteVersionCell>& version) {
  std::byte byte{};
  run(std::make_shared<RangeExchange>(address, version, 0, std::vector<iovec>{{&byte, 1}}, 1));
}

std::optional<std::string> read_text(const RemoteAddress& address, Index most, RemoteVersion* version) {
  const auto exchange = std::make_shared<TextExchange>(address, [&] { return address.request({}); }, most);
  run(exchange);
  if (version != nullptr) *version = exchange->version;
  return std::move(exchange->text);
}

RemoteNames list_folder(const RemoteAddress& folder, std::size_t most) {
  RemoteNames out;
  std::string token;
  for (int part = 0; part < kMostLists; ++part) {
    const auto exchange = std::make_shared<TextExchange>(folder, [&] { return folder.list_request(token); }, Index{16} << 20);
    run(exchange);
    if (!exchange->text) fail(ErrorKind::kIo, "{}: there is no such bucket.", folder.shown());
    const S3Listing listing = parse_s3_listing(folder.shown(), *exchange->text);
    const auto leaf = [](std::string key) {
      while (!key.empty() && key.back() == '/') key.pop_back();
      return key.substr(key.rfind('/') + 1);
    };
    for (const std::string& key : listing.folders) out.folders.push_back(leaf(key));
    for (const std::string& key : listing.keys) {
      if (!key.ends_with('/')) out.files.push_back(leaf(key));
    }
    if (out.folders.size() + out.files.size() > most) fail(ErrorKind::kUser, "{}: it holds more than {} names.", folder.shown(), most);
    token = listing.next;
    if (token.empty()) return out;
  }
  fail(ErrorKind::kIo, "{}: the store's list of it does not end.", folder.shown());
}

}  // namespace freestone
