#pragma once

// k/d for whole numbers 0 <= k <= 255 and 1 <= d <= 255, correctly rounded, with
// two fused operations in place of a division:
//
//     k/d = fma(k, high, fma(k, low, 0)),   high + low = 1/d.
//
// high is 1/d rounded to a float and low the rest, so the sum is wrong by at most
// 2^-48 of k/d. This cannot change how it rounds: a quotient that is not itself a
// float is at least 1/d of half a unit in the last place, 2^-33, away from the middle
// of two floats. Adding zero makes 0/d positive zero even if k is minus zero.

namespace pyquant {

struct ExactQuotient {
  float high;
  float low;

  explicit ExactQuotient(int divisor)
      : high(1.0f / static_cast<float>(divisor)),
        low(static_cast<float>(1.0 / divisor - static_cast<double>(high))) {}
};

}  // namespace pyquant
