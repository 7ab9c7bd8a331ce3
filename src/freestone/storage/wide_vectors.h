/// FREESTONE_WIDE_VECTORS: one loop, compiled for machines with and without 32-byte vectors; the loader picks.
///
/// For plain loops that g++ vectorises by itself. Sanitizers and picking by the loader do not go together: they get one version.
#pragma once

#if defined(__x86_64__) && !defined(FREESTONE_SANITIZED)
#define FREESTONE_WIDE_VECTORS [[gnu::target_clones("arch=x86-64-v3", "default")]]
#else
#define FREESTONE_WIDE_VECTORS
#endif
