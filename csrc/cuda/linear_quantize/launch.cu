// The launch of a linear quantization kernel. No torch.

#include "launch.h"

#include "kernel.cuh"

namespace pyquant {

cudaError_t launch_linear_quantize(const LinearQuantizePlan& plan, Rounding rounding,
                                   SampleFormat format, cudaStream_t stream) {
  const LinearQuantizeKernel kernel = linear_quantize_kernel(format, rounding, plan.transfers);
  kernel<<<static_cast<unsigned>(plan.blocks), linear_quantize_threads, 0, stream>>>(plan);
  return cudaGetLastError();
}

}  // namespace pyquant
