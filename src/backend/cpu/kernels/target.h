// Opens a region whose functions are compiled for one instruction set. Opened after every include:
// a file-wide -mavx512 would put AVX-512 code into weak functions of the standard library, which
// then crash on older machines.
#pragma once

#define HANDMILL_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define HANDMILL_TARGET_BEGIN(isa) \
  HANDMILL_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define HANDMILL_TARGET_END HANDMILL_PRAGMA(clang attribute pop)
#else
#define HANDMILL_TARGET_BEGIN(isa) \
  HANDMILL_PRAGMA(GCC push_options) HANDMILL_PRAGMA(GCC target(isa))
#define HANDMILL_TARGET_END HANDMILL_PRAGMA(GCC pop_options)
#endif

#define HANDMILL_INLINE inline __attribute__((always_inline))
