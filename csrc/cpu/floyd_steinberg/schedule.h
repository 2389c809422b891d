#pragma once

// How the work of one call is divided: planes or stripes, and on which threads.
// No torch in here.

#include "../threads.h"
#include "kernels.h"

namespace pyquant {

void dither(const FloydSteinbergCall& call, const FloydSteinbergKernels& kernels,
            const Threads& threads);

}  // namespace pyquant
