#include "../dispatch.h"

#if PYQUANT_X86

#include <cpuid.h>

namespace {

// __builtin_cpu_supports does not know F16C in clang before 19.
bool has_f16c() {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
}

}  // namespace

bool pyquant::avx2::is_supported() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

#endif  // PYQUANT_X86
