// What every fuzzer's target asks of a parser.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "freestone/base/error.h"

namespace freestone::fuzzing {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// @param also looks at an error that is clear by its kind
template <class F, class Also>
void expect_answer_or_clear_error(F&& f, Also&& also) {
  try {
    f();
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kData || error.kind() == ErrorKind::kUser, error.what());
    also(error);
  }
}

template <class F>
void expect_answer_or_clear_error(F&& f) {
  expect_answer_or_clear_error(f, [](const Error&) {});
}

}  // namespace freestone::fuzzing
