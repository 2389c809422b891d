// Switches AVX2, FMA and F16C on until ../target_end.inl.h. See
// ../avx512/target_begin.inl.h.
#define PYQUANT_INSTRUCTION_SET avx2
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#pragma GCC diagnostic ignored "-Wignored-attributes"  // alignment of a template argument
#endif
