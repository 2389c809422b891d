// Ends what avx512/begin.h or avx2/begin.h began.
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
