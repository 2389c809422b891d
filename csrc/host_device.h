#pragma once

// The arithmetic headers are compiled three times: by the host compiler for the
// CPU kernels, by nvcc for the CUDA kernels, and by the host compiler again for
// the tests that execute the CUDA kernels on the CPU. They include neither torch
// nor CUDA. Bits agree because every float operation is rounded on its own:
// -ffp-contract=off on the host, --fmad=false on the device.
#ifdef __CUDACC__
#define PYQUANT_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define PYQUANT_HOST_DEVICE inline
#endif
