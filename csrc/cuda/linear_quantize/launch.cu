// The linear quantization kernels under plain names, and their launch.
#include "kernel.cuh"
#include "../launch.h"

namespace pyquant {

#define PYQUANT_KERNEL(rounding, dtype, Sample)                                         \
  extern "C" __global__ void __launch_bounds__(linear_quantize_threads)                 \
      pyquant_linear_quantize_##rounding##_##dtype##_dense(                             \
          const __grid_constant__ LinearQuantizePlan plan) {                            \
    linear_quantize_dense<Rounding::rounding, Sample>(plan);                            \
  }                                                                                     \
  extern "C" __global__ void __launch_bounds__(linear_quantize_threads)                 \
      pyquant_linear_quantize_##rounding##_##dtype##_strided(                           \
          const __grid_constant__ LinearQuantizePlan plan) {                            \
    linear_quantize_strided<Rounding::rounding, Sample>(plan);                          \
  }

#define PYQUANT_KERNELS(rounding)                                                       \
  PYQUANT_KERNEL(rounding, uint8, std::uint8_t)                                         \
  PYQUANT_KERNEL(rounding, float16, device::Float16)                                    \
  PYQUANT_KERNEL(rounding, bfloat16, device::BFloat16)                                  \
  PYQUANT_KERNEL(rounding, float32, float)                                              \
  PYQUANT_KERNEL(rounding, float64, double)

PYQUANT_KERNELS(nearest)
PYQUANT_KERNELS(floor)

#define PYQUANT_TABLE(rounding, path)                                                   \
  {pyquant_linear_quantize_##rounding##_uint8_##path,                                   \
   pyquant_linear_quantize_##rounding##_float16_##path,                                 \
   pyquant_linear_quantize_##rounding##_bfloat16_##path,                                \
   pyquant_linear_quantize_##rounding##_float32_##path,                                 \
   pyquant_linear_quantize_##rounding##_float64_##path}

cudaError_t launch_linear_quantize(const LinearQuantizePlan& plan, Rounding rounding,
                                   SampleFormat format, cudaStream_t stream) {
  using Kernel = void (*)(LinearQuantizePlan);
  static const Kernel kernels[2][2][5] = {  // [floor][dense][format]
      {PYQUANT_TABLE(nearest, strided), PYQUANT_TABLE(nearest, dense)},
      {PYQUANT_TABLE(floor, strided), PYQUANT_TABLE(floor, dense)}};
  const Kernel kernel =
      kernels[rounding == Rounding::floor][plan.dense][static_cast<int>(format)];
  kernel<<<static_cast<unsigned>(plan.blocks), linear_quantize_threads, 0, stream>>>(plan);
  return cudaGetLastError();
}

}  // namespace pyquant
