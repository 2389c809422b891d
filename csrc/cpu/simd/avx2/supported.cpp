#include "../dispatch.h"

#if PYQUANT_X86

bool pyquant::avx2::is_supported() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

#endif  // PYQUANT_X86
