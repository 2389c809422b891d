#pragma once

// The way from library.cpp, which knows torch, to the kernels, which do not.

#include <cuda_runtime_api.h>

#include "../floyd_steinberg.h"
#include "../linear_quantize.h"
#include "../sample.h"
#include "floyd_steinberg/plan.h"
#include "linear_quantize/plan.h"

namespace pyquant {

// Both return what cudaGetLastError says behind the launch.
// plan.scratch must have been set to ones on the same stream.
cudaError_t launch_floyd_steinberg(const FloydSteinbergPlan& plan, Variant variant,
                                   SampleFormat format, cudaStream_t stream);
cudaError_t launch_linear_quantize(const LinearQuantizePlan& plan, Rounding rounding,
                                   SampleFormat format, cudaStream_t stream);

}  // namespace pyquant
