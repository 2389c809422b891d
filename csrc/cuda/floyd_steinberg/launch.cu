// The Floyd-Steinberg kernels under plain names, and their launch.
#include "kernel.cuh"
#include "../launch.h"

namespace pyquant {

// Blocks of four warps, four or three of them on a multiprocessor: what
// plan_floyd_steinberg counts on, and as many registers as no kernel exceeds.
#define PYQUANT_KERNEL(variant, Steps, dtype, Sample)                               \
  extern "C" __global__ void __launch_bounds__(128, 4)                                  \
      pyquant_floyd_steinberg_##variant##_##dtype##_short(                              \
          const __grid_constant__ FloydSteinbergPlan plan) {                            \
    floyd_steinberg_short<Sample, Steps>(plan);                                     \
  }                                                                                     \
  extern "C" __global__ void __launch_bounds__(128, 3)                                  \
      pyquant_floyd_steinberg_##variant##_##dtype##_tall(                               \
          const __grid_constant__ FloydSteinbergPlan plan) {                            \
    floyd_steinberg_tall<Sample, Steps>(plan);                                      \
  }

#define PYQUANT_KERNELS(variant, Steps)                                             \
  PYQUANT_KERNEL(variant, Steps, uint8, std::uint8_t)                               \
  PYQUANT_KERNEL(variant, Steps, float16, device::Float16)                          \
  PYQUANT_KERNEL(variant, Steps, bfloat16, device::BFloat16)                        \
  PYQUANT_KERNEL(variant, Steps, float32, float)                                    \
  PYQUANT_KERNEL(variant, Steps, float64, double)

PYQUANT_KERNELS(textbook, TextbookStep)
PYQUANT_KERNELS(published, PublishedStep)

#define PYQUANT_TABLE(variant, height)                                                  \
  {pyquant_floyd_steinberg_##variant##_uint8_##height,                                  \
   pyquant_floyd_steinberg_##variant##_float16_##height,                                \
   pyquant_floyd_steinberg_##variant##_bfloat16_##height,                               \
   pyquant_floyd_steinberg_##variant##_float32_##height,                                \
   pyquant_floyd_steinberg_##variant##_float64_##height}

cudaError_t launch_floyd_steinberg(const FloydSteinbergPlan& plan, Variant variant,
                                   SampleFormat format, cudaStream_t stream) {
  using Kernel = void (*)(FloydSteinbergPlan);
  static const Kernel kernels[2][2][5] = {  // [published][tall][format]
      {PYQUANT_TABLE(textbook, short), PYQUANT_TABLE(textbook, tall)},
      {PYQUANT_TABLE(published, short), PYQUANT_TABLE(published, tall)}};
  const Kernel kernel =
      kernels[variant == Variant::published][plan.tall][static_cast<int>(format)];
  kernel<<<static_cast<unsigned>(plan.blocks), plan.warps * 32, plan.shared_bytes, stream>>>(plan);
  return cudaGetLastError();
}

}  // namespace pyquant
