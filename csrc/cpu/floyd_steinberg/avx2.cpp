// Error diffusion in AVX2.

#include "kernels.h"
#include "../simd/dispatch.h"

#if PYQUANT_X86

#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../floyd_steinberg.h"
#include "../../sample.h"
#include "../aligned_buffer.h"
#include "../simd/exact_quotient.h"
#include "../huge_pages.h"

#include "../simd/avx2/target_begin.inl.h"

#include "../simd/avx2/floats.h"
#include "../simd/avx2/strided.h"
#include "avx2_steps.inl.h"

#include "kernels.inl.h"

namespace pyquant {

DiffusionKernels avx2_kernels(Variant variant) { return kernels_for(variant); }

}  // namespace pyquant

#include "../simd/target_end.inl.h"

#endif  // PYQUANT_X86
