// The launch of a Floyd-Steinberg kernel. No torch.

#include "launch.h"

#include "kernel.cuh"

namespace pyquant {

cudaError_t launch_floyd_steinberg(const FloydSteinbergPlan& plan, Variant variant,
                                   SampleFormat format, cudaStream_t stream) {
  const FloydSteinbergKernel kernel = floyd_steinberg_kernel(plan, format, variant);
  kernel<<<static_cast<unsigned>(plan.blocks), plan.warps * device::warp_size, plan.shared_bytes,
           stream>>>(plan);
  return cudaGetLastError();
}

}  // namespace pyquant
