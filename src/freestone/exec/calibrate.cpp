#include "freestone/exec/calibrate.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/file.h"
#include "freestone/storage/temp_store.h"

namespace freestone {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::max(1e-9, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

/// Bytes a second of copying between two blocks of `bytes` each, by one thread.
double copy_rate(Index bytes) {
  const Buffer from(bytes), to(bytes);
  const View a = View::contiguous(from.data(), DType::kUint8, {bytes}), b = View::contiguous(to.data(), DType::kUint8, {bytes});
  copy(a, b);
  const Index rounds = std::max<Index>(1, (Index{1} << 29) / bytes);
  return 2 * static_cast<double>(bytes * rounds) / seconds_of([&] {
           for (Index i = 0; i < rounds; ++i) copy(a, b);
         });
}

/// Bytes a second that come out of zstd, by one thread: of waves with noise, as an instrument gives them, which it makes about half as large.
double decode_rate() {
  constexpr Index kCount = Index{1} << 20, kRounds = 8;
  const Buffer raw(kCount * 4);
  std::uint32_t noise = 1;
  for (Index i = 0; i < kCount; ++i) {
    noise = noise * 1664525 + 1013904223;
    const double wave = std::round(512 * std::sin(0.009 * static_cast<double>(i % 1000)) * std::cos(0.007 * static_cast<double>(i / 1000)));
    const auto value = static_cast<float>((wave + static_cast<double>(noise >> 24) - 128) / 64);
    std::memcpy(raw.data() + i * 4, &value, sizeof value);
  }
  const CodecRef codec = zstd_codec(3);
  const Buffer memory(codec->largest_made(raw.size()));
  const Bytes encoded = memory.bytes().first(static_cast<std::size_t>(codec->encode(raw.bytes(), memory.bytes())));
  codec->decode(encoded, raw.bytes());
  return static_cast<double>(kRounds * raw.size()) / seconds_of([&] {
           for (Index i = 0; i < kRounds; ++i) codec->decode(encoded, raw.bytes());
         });
}

/// Seconds of a dependent chain of square roots, which neither caches nor vector width change.
double arithmetic_seconds() {
  volatile double seed = 2;
  return seconds_of([&] {
    double x = seed;
    for (int i = 0; i < 20'000'000; ++i) x = std::sqrt(x + 1.5);
    seed = x;
  });
}

constexpr double kReferenceArithmeticSeconds = 0.175;  // on the 2.5 GHz core that the operations' nanoseconds were measured on

void on_lanes(int lanes, const std::function<void(int)>& work) {
  std::vector<std::jthread> threads;
  for (int lane = 0; lane < lanes; ++lane) threads.emplace_back(work, lane);
}

}  // namespace

Rates calibrate(const std::string& temp_dir, int threads, Index bytes) {
  Rates rates;
  rates.core_speed = kReferenceArithmeticSeconds / arithmetic_seconds();
  rates.decode_bytes_per_second = decode_rate();
  rates.shared_bytes_per_second = copy_rate(Index{4} << 20);
  rates.memory_bytes_per_second = copy_rate(Index{128} << 20);
  rates.fresh_bytes_per_second = static_cast<double>(Index{256} << 20) / seconds_of([] {
                                   const Buffer memory(Index{256} << 20);
                                   for (Index at = 0; at < memory.size(); at += 4096) memory.data()[at] = std::byte{1};
                                 });

  const Index part = Index{8} << 20, parts = std::max<Index>(threads, bytes / part);
  const Spec spec{{parts, part}, DType::kUint8};
  const TempStore store(temp_dir, spec, {1, part});
  Sink& sink = *store.sink();
  const Source& source = *store.source();
  sink.create();
  const Cancel cancel;
  const auto write_part = [&](Index p, const Buffer& data) {
    const Box box({p, 0}, {1, part});
    const Buffer memory(std::max<Index>(64, sink.scratch_bytes(box)));
    Scratch scratch(memory.bytes());
    sink.write(box, View::contiguous(data.data(), DType::kUint8, box.shape), scratch, cancel);
  };
  const auto read_part = [&](Index p, const Buffer& data) { source.fetch(Box({p, 0}, {1, part}), data.bytes(), cancel); };
  const auto over_all = [&](const std::function<void(Index, const Buffer&)>& work) {
    return seconds_of([&] {
      on_lanes(threads, [&](int lane) {
        const Buffer data(part);
        for (Index p = lane; p < parts; p += threads) work(p, data);
      });
    });
  };
  const auto all = static_cast<double>(parts * part);
  const double written = over_all(write_part);
  rates.write_bytes_per_second = all / written / threads;
  const double flushed = written + seconds_of([&] { sink.flush(); });
  rates.all_write_bytes_per_second = all / flushed;
  over_all(read_part);
  rates.read_bytes_per_second = all / over_all(read_part) / threads;
  store.forget();
  rates.again_bytes_per_second = all / over_all(read_part);
  store.forget();
  constexpr Index kSeeks = 64;
  rates.seek_seconds = seconds_of([&] {
                         std::byte small[1];
                         // Far apart, and not one behind the other: nothing is read ahead.
                         for (Index i = 0; i < kSeeks; ++i) source.fetch(Box({i * 7 % parts, (i * 5 % kSeeks) * (part / kSeeks)}, {1, 1}), {small, 1}, cancel);
                       }) /
                       kSeeks;
  // The second time what is asked for is in memory: the disk has a price of its own.
  for (int round = 0; round < 2; ++round)
    rates.request_seconds = seconds_of([&] {
                              std::byte small[1];
                              for (Index i = 0; i < 2000; ++i) source.fetch(Box({i % parts, i * 4096 % part}, {1, 1}), {small, 1}, cancel);
                            }) /
                            2000;
  return rates;
}

}  // namespace freestone
