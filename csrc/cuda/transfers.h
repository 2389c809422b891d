#pragma once

// How samples are moved between global memory and a thread. There are kernels for each.
// Plain C++.

#include "../host_device.h"
#include "hardware.h"

namespace pyquant {

enum class Transfers {
  pieces,   // of 16 bytes, aligned; rows are made of them
  words,    // of 4 bytes, likewise
  samples,  // one by one: rows of any alignment and column stride
};

PYQUANT_HOST_DEVICE constexpr int bytes_of(Transfers transfers, int sample_size) {
  switch (transfers) {
    case Transfers::pieces: return device::piece_bytes;
    case Transfers::words: return 4;
    default: return sample_size;
  }
}

}  // namespace pyquant
