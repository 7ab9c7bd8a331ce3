#include "freestone/storage/held_changes.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;
using Random = std::mt19937_64;

std::string random_bytes(Random& random, std::size_t count) {
  std::string out(count, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

/// Writes at random places, in `expected` too; some of them behind the end.
void write_randomly(HeldChanges& changes, std::string& expected, Random& random) {
  for (int i = 0; i < 60; ++i) {
    const std::size_t at = random() % (expected.size() + (i % 3 == 0 ? 5000 : 0)), length = 1 + random() % (i % 4 == 0 ? 20000 : 50);
    const std::string bytes = random_bytes(random, length);
    if (at + length > expected.size()) expected.resize(at + length, '\0');
    expected.replace(at, length, bytes);
    changes.write(static_cast<Index>(at), std::as_bytes(std::span(bytes)));
    std::string back(1 + random() % 9000, 'x');
    const std::size_t from = random() % expected.size();
    changes.read(static_cast<Index>(from), std::as_writable_bytes(std::span(back)));
    std::string wanted = expected.substr(from, back.size());
    wanted.resize(back.size(), '\0');
    ASSERT_EQ(back, wanted);
  }
}

TEST(HeldChanges, AreMadeAllAtOnceOrNotAtAll) {
  const Folder folder;
  Random random(11);
  for (const std::size_t size : {0, 1, 4095, 4096, 4097, 70000}) {
    const std::string before = random_bytes(random, size);
    for (const bool applies : {true, false}) {
      put(folder / "x", before);
      std::string expected = before;
      HeldChanges changes;
      changes.open(folder / "x");
      EXPECT_EQ(changes.kept_bytes(), static_cast<Index>(size));
      if (!expected.empty()) write_randomly(changes, expected, random);
      EXPECT_EQ(get(folder / "x").substr(0, size), before);
      applies ? changes.apply(static_cast<Index>(expected.size())) : changes.give_up();
      EXPECT_EQ(get(folder / "x"), applies ? expected : before);
      EXPECT_EQ(folder.entries(), 1u);
    }
  }
}

TEST(HeldChanges, OfAKilledRunGoWithTheNext) {
  const Folder folder;
  Random random(12);
  const std::string before = random_bytes(random, 50000);
  put(folder / "x", before);
  const pid_t child = fork();
  if (child == 0) {
    HeldChanges changes;
    changes.open(folder / "x");
    std::string expected = before;
    write_randomly(changes, expected, random);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(folder.entries(), 2u);
  EXPECT_GT(get(folder / "x").size(), before.size());
  EXPECT_TRUE(recover_changes(folder / "x"));
  EXPECT_FALSE(recover_changes(folder / "x"));
  EXPECT_EQ(get(folder / "x").substr(0, before.size()), before);
  EXPECT_EQ(folder.entries(), 1u);
  HeldChanges next;
  next.open(folder / "x");
  next.end_at(static_cast<Index>(before.size()));
  next.write(static_cast<Index>(before.size()), std::as_bytes(std::span("more", 4)));
  next.apply(static_cast<Index>(before.size()) + 4);
  EXPECT_EQ(get(folder / "x"), before + "more");
}

TEST(HeldChanges, OfTwoRunsAtOnceAreRefused) {
  const Folder folder;
  put(folder / "x", "some bytes");
  HeldChanges first, second;
  first.open(folder / "x");
  EXPECT_EQ(error_of([&] { second.open(folder / "x"); }).kind(), ErrorKind::kUser);
  // Who only reads the file does not take the changes away.
  EXPECT_FALSE(recover_changes(folder / "x"));
  first.write(0, std::as_bytes(std::span("more", 4)));
  first.apply(10);
  EXPECT_EQ(get(folder / "x"), "more bytes");
  EXPECT_EQ(error_of([&] { second.open(folder / "none"); }).kind(), ErrorKind::kUser);
}

TEST(HeldChanges, LogsThatNobodyFinishedOrThatAreDamagedChangeNothing) {
  const Folder folder;
  Random random(13);
  for (int i = 0; i < 40; ++i) {
    const std::string before = random_bytes(random, 9000);
    put(folder / "x", before);
    std::string log = random_bytes(random, random() % 20000);
    if (i % 2 == 0 && log.size() > 40) log.replace(0, 8, "FAPPEND1");
    put(folder / ".x.freestone-append", log);
    try {
      recover_changes(folder / "x");
    } catch (const Error&) {
      // A length that no file can have.
    }
    EXPECT_EQ(get(folder / "x"), before);
    std::remove((folder / ".x.freestone-append").c_str());
  }
}

}  // namespace
}  // namespace freestone
