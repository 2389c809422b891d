#pragma once

// The types that samples are stored as, for kernels that know nothing of torch.

#include <cstdint>

namespace pyquant {

enum class SampleFormat { uint8, float16, bfloat16, float32, float64 };

// Storage only: the kernels convert a register of them at a time.
struct Float16 {
  std::uint16_t bits;
};
struct BFloat16 {
  std::uint16_t bits;
};

}  // namespace pyquant
