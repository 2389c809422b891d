// Switches AVX-512 on until ../target_end.inl.h. Included in place, as often as
// needed, so it has no include guard. Other headers are included before it: their
// inline functions must be compiled without AVX-512, since the linker keeps one copy
// of each for the whole library.
#define PYQUANT_INSTRUCTION_SET avx512
#ifdef __clang__
#pragma clang attribute push(                                                           \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni,bmi2"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni,bmi2")
// GCC 12 warns of the registers that its own intrinsics leave undefined on
// purpose, and of template arguments whose alignment it ignores.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif
