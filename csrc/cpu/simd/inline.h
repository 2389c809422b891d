#pragma once

// Primitives are a few instructions each. They are inlined whatever the optimiser
// thinks of it, so that vectors stay in registers.
#define PYQUANT_INLINE inline __attribute__((always_inline))
