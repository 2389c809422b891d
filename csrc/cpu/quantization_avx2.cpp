// Linear quantization in AVX2.

#include "instruction_set.h"
#include "quantization.h"

#if PYQUANT_X86

#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../error_diffusion.h"
#include "exact_quotient.h"
#include "../sample_format.h"

#include "avx2_begin.h"

#include "avx2.h"
#include "quantization_lanes.h"

namespace pyquant {

void quantize_avx2(const QuantizeCall& call, std::int64_t from_offset, std::int64_t to_offset,
                     std::int64_t count) {
  quantize_any(call, from_offset, to_offset, count);
}

}  // namespace pyquant

#include "target_end.h"

#endif  // PYQUANT_X86
