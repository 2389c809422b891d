#pragma once

// Primitives are a few instructions each. They are always inlined, so that vectors
// stay in registers.
#define PYQUANT_INLINE inline __attribute__((always_inline))
