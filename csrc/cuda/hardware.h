#pragma once

// Sizes that all CUDA devices have in common. Plain C++.

#include <cstdint>

namespace pyquant::device {

constexpr int warp_size = 32;     // lanes
constexpr int sector_bytes = 32;  // what global memory moves at a time
constexpr int piece_bytes = 16;   // the most that a thread loads or stores at a time

inline bool is_aligned_to_pieces(const void* data) {
  return reinterpret_cast<std::uintptr_t>(data) % piece_bytes == 0;
}

}  // namespace pyquant::device
