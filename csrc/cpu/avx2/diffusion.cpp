// Error diffusion in AVX2.

#include "../diffusion.h"
#include "../instruction_set.h"

#if PYQUANT_X86

#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../error_diffusion.h"
#include "../../sample_format.h"
#include "../aligned_buffer.h"
#include "../exact_quotient.h"
#include "../huge_pages.h"

#include "begin.h"

#include "floats.h"
#include "strided.h"
#include "steps.h"

#include "../diffusion_lanes.h"

namespace pyquant {

DiffusionKernels avx2_kernels(Variant variant) { return kernels_for(variant); }

}  // namespace pyquant

#include "../target_end.h"

#endif  // PYQUANT_X86
