// Switches AVX-512 on until ../target_end.h, or the end of the file. No include
// guard. Headers from outside come before this, so that their inline functions
// are compiled as everywhere else.
#ifdef __clang__
#pragma clang attribute push(                                                    \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni,bmi2"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni,bmi2")
// GCC 12 warns of the registers that its own intrinsics leave undefined on
// purpose, and of alignment being no part of a template argument.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif
