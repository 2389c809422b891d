#pragma once

// k/d for whole numbers 0 <= k <= 255 and 1 <= d <= 255, correctly rounded, with
// two fused operations in place of a division:
//
//     k/d = fma(k, high, fma(k, low, 0)),   high + low = 1/d.
//
// high is 1/d rounded to a float, low the rest, and so the sum is wrong by 2^-48
// of k/d at most. That cannot change how it rounds: a quotient that is not a
// float itself is at least 1/d of half a unit in the last place, 2^-33, away
// from the middle of two floats. The zero makes 0/d plus zero for a k of minus
// zero, too.

namespace pyquant {

struct ExactQuotient {
  float high;
  float low;

  explicit ExactQuotient(int divisor)
      : high(1.0f / static_cast<float>(divisor)),
        low(static_cast<float>(1.0 / divisor - static_cast<double>(high))) {}
};

}  // namespace pyquant
