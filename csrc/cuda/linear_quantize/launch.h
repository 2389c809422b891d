#pragma once

// The way from op.cpp, which knows torch, to the kernels, which do not.

#include <cuda_runtime_api.h>

#include "../../linear_quantize.h"
#include "../../sample.h"
#include "plan.h"

namespace pyquant {

// Returns what cudaGetLastError says after the launch.
cudaError_t launch_linear_quantize(const LinearQuantizePlan& plan, Rounding rounding,
                                   SampleFormat format, cudaStream_t stream);

}  // namespace pyquant
