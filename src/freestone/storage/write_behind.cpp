#include "freestone/storage/write_behind.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "freestone/storage/file.h"

namespace freestone {
namespace {

constexpr int kThreads = 2;
constexpr auto kLook = std::chrono::milliseconds(20);  // how long whoever waits goes without looking at the cancel flag

}  // namespace

std::unique_ptr<WriteBehind> WriteBehind::open(int descriptor, std::string name) {
  const int direct = ::open(fmt::format("/proc/self/fd/{}", descriptor).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC);
  if (direct < 0) return nullptr;
  return std::unique_ptr<WriteBehind>(new WriteBehind(direct, std::move(name)));
}

WriteBehind::WriteBehind(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {
  for (int t = 0; t < kThreads; ++t) threads_.emplace_back([this](std::stop_token stop) { run(std::move(stop)); });
}

WriteBehind::~WriteBehind() {
  threads_.clear();
  ::close(descriptor_);
}

std::byte* WriteBehind::take(const Cancel& cancel) {
  std::unique_lock lock(mutex_);
  if (memory_.size() == 0) {
    // Whole pages, wherever the memory begins.
    memory_ = Buffer(kPieces * kPieceBytes + kPage);
    const auto at = reinterpret_cast<std::uintptr_t>(memory_.data());
    std::byte* first = memory_.data() + (kPage - static_cast<Index>(at % kPage)) % kPage;
    for (Index p = 0; p < kPieces; ++p) free_.push_back(first + p * kPieceBytes);
  }
  while (free_.empty() && !error_) {
    cancel.check();
    changed_.wait_for(lock, kLook);
  }
  if (error_) std::rethrow_exception(error_);
  std::byte* const piece = free_.back();
  free_.pop_back();
  return piece;
}

void WriteBehind::put(std::byte* piece, Index offset, Index bytes) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({piece, offset, (bytes + kPage - 1) / kPage * kPage});
  changed_.notify_all();
}

void WriteBehind::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.empty() && writing_ == 0; });
  free_.clear();
  memory_ = Buffer();
  if (error_) std::rethrow_exception(error_);
}

void WriteBehind::run(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) {
    if (stop.stop_requested()) return;
    const Write write = waiting_.front();
    waiting_.pop_front();
    ++writing_;
    const bool go_on = !error_;
    lock.unlock();
    std::exception_ptr error;
    try {
      if (go_on) write_exactly(descriptor_, name_, write.offset, {write.piece, static_cast<std::size_t>(write.bytes)});
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && !error_) error_ = error;
    --writing_;
    free_.push_back(write.piece);
    changed_.notify_all();
  }
}

}  // namespace freestone
