#pragma once

#include "host_device.h"

namespace pyquant {

// value / divisor, rounded up, for integers value >= 0 and divisor > 0.
template <typename Value, typename Divisor>
constexpr PYQUANT_HOST_DEVICE auto divide_up(Value value, Divisor divisor) {
  return (value + divisor - 1) / divisor;
}

}  // namespace pyquant
