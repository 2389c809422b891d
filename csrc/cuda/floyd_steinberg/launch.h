#pragma once

// The way from op.cpp, which knows torch, to the kernels, which do not.

#include <cuda_runtime_api.h>

#include "../../floyd_steinberg.h"
#include "../../sample.h"
#include "plan.h"

namespace pyquant {

// Returns what cudaGetLastError says after the launch. plan.scratch must have been set
// to ones on the same stream.
cudaError_t launch_floyd_steinberg(const FloydSteinbergPlan& plan, Variant variant,
                                   SampleFormat format, cudaStream_t stream);

}  // namespace pyquant
