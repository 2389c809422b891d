// Switches AVX2 on until ../target_end.h, or the end of the file. No include guard.
// Headers from outside come before this, so that their inline functions are
// compiled as everywhere else.
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#pragma GCC diagnostic ignored "-Wignored-attributes"  // alignment of a template argument
#endif
