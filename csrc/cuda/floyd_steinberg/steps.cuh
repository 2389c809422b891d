#pragma once

// What a step of a lane computes, for the two variants: the arithmetic of
// csrc/floyd_steinberg.h, written for a device on which a multiplication and addition
// of floats is the cheapest instruction. Selects, shifts, conversions and comparisons
// take twice its time.

#include <cstdint>
#include <type_traits>

#include "../../floyd_steinberg.h"
#include "../../levels.h"
#include "../../sample.h"
#include "../device.cuh"

namespace pyquant {

// The errors of the finished neighbours.
struct Neighbours {
  float up_left, up, up_right, left;
};

// Factors of 1, or 0 for a neighbour that lies in another plane: `keep_left`
// in the first column of a plane, where there is nothing to the left, `keep_right` in
// the last.
struct Edge {
  float keep_left = 1.0f;
  float keep_right = 1.0f;
};

// The bits of 2^23. From there on floats are the integers: a byte in the low byte of
// this word makes the float 2^23 + byte, and the low byte of such a float is its level.
constexpr std::uint32_t bits_of_2_to_23 = 0x4b000000;

// A byte of a word of four: as an integer, or as 2^23 + byte, in one instruction.
struct PackedByte {
  std::uint32_t word;
  int index;

  PYQUANT_DEVICE int value() const { return device::select_bytes(word, 0, 0x4440 + index); }
  PYQUANT_DEVICE float plus_2_to_23(std::uint32_t bits_of_2_to_23) const {
    return bits_to_float(device::select_bytes(word, bits_of_2_to_23, 0x7540 + index));
  }
};

// byte/255, correctly rounded, from 2^23 + byte: the byte times the reciprocal, rounded
// down once, since the reciprocal as a float is a little too large. (Tested for all
// bytes.)
PYQUANT_DEVICE float byte_to_unit(float byte_plus_2_to_23) {
  constexpr float reciprocal = 1.0f / 255.0f;
  return device::multiply_add_down(byte_plus_2_to_23, reciprocal, -0x1p23f * reciprocal);
}

// The result of a step: of bytes, a word whose low byte counts.
template <typename Sample>
using StepResult = std::conditional_t<std::is_same_v<Sample, std::uint8_t>, std::uint32_t, Sample>;

template <typename Sample>
class TextbookStep {
 public:
  // Without a row above, its errors have no weight.
  PYQUANT_DEVICE TextbookStep(int bits, bool has_row_above)
      : bits_(bits),
        sixteenth_(has_row_above ? 0.0625f : 0.0f),
        two_to_23_(float_bits(static_cast<float>(level_count(bits)) *
                              (0x1p23f / static_cast<float>(level_count(bits))))) {}

  template <typename Value>
  PYQUANT_DEVICE StepResult<Sample> operator()(Value sample, const Neighbours& errors,
                                               const Edge& edge, float& error) const {
    const float sum = textbook_sum_above(errors.up_left, errors.up, errors.up_right, edge.keep_left,
                                         edge.keep_right);
    const float top_code = static_cast<float>(level_count(bits_) - 1);
    float value;  // and what comes from above
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      // A sixteenth of the sum is exact unless it is less than 2^-126. That is too
      // little to change the value of a byte, which is 0 or at least 1/255.
      value =
          multiply_add(sum, sixteenth_, byte_to_unit(sample.plus_2_to_23(two_to_23_)) * top_code);
    } else {
      value = to_unit(sample) * top_code + sixteenth_ * sum;
    }
    const TextbookPixel pixel =
        textbook_pixel(multiply_add(textbook_from_left(errors.left), edge.keep_left, value), bits_);
    error = pixel.error;
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      return rounded_byte_level_bits(pixel.code, bits_);
    } else {
      return textbook_level<Sample>(pixel.code, bits_);
    }
  }

 private:
  int bits_;
  float sixteenth_;
  // bits_of_2_to_23, computed so that the compiler does not see that it is constant.
  // An instruction holds one constant; a second one would cost an instruction per step.
  std::uint32_t two_to_23_;
};

template <typename Sample>
class PublishedStep {
 public:
  PYQUANT_DEVICE PublishedStep(int bits, bool has_row_above)
      : above_(has_row_above ? 0.0625f : 0.0f),
        leading_bits_(1.0f / static_cast<float>(1 << (8 - bits))),
        ratio_(255.0f / static_cast<float>(level_count(bits) - 1) * (1.0f + 0x1p-20f)) {}

  template <typename Value>
  PYQUANT_DEVICE StepResult<Sample> operator()(Value sample, const Neighbours& errors,
                                               const Edge& edge, float& error) const {
    // Nothing comes from above right in the first column, see published_takes_up_right.
    const float weight_1 = edge.keep_left * above_;
    const float weight_3 = edge.keep_left * edge.keep_right * (3.0f * above_);
    const float weight_7 = edge.keep_left * (7.0f * 0.0625f);
    int value;
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      value = sample.value();
    } else {
      value = to_byte(sample);
    }
    value = device::add_and_clip<0>(value, published_share_bits(weight_1, errors.up_left));
    value = device::add_and_clip<0>(value, published_share_bits(5.0f * above_, errors.up));
    value = device::add_and_clip<0>(value, published_share_bits(weight_3, errors.up_right));
    const float adjusted = bits_to_float(
        device::add_and_clip<bits_of_2_to_23>(value, published_share_bits(weight_7, errors.left)));
    const float code = floor_of_product(adjusted, leading_bits_);
    const float level = floor_of_product(code, ratio_);
    error = adjusted - level;
    if constexpr (std::is_same_v<Sample, std::uint8_t>) {
      return static_cast<std::uint32_t>(float_bits(level));
    } else {
      return store_level<Sample>(unit_level(level - 0x1p23f, 8));
    }
  }

 private:
  // 2^23 + floor(number * factor) from 2^23 + number, rounded once, at the end.
  static PYQUANT_DEVICE float floor_of_product(float number_plus_2_to_23, float factor) {
    return device::multiply_add_down(number_plus_2_to_23, factor, 0x1p23f - 0x1p23f * factor);
  }

  float above_;
  float leading_bits_;  // times a byte: its code
  // 255/(n-1), a little too large: times a code it gives the level. So the product is
  // never below a whole number that it should reach. The exact product is at least
  // 1/(n-1) below the next whole number, and the excess is less than that. (All codes
  // are tested.)
  float ratio_;
};

template <typename Sample, Variant variant>
using Step =
    std::conditional_t<variant == Variant::textbook, TextbookStep<Sample>, PublishedStep<Sample>>;

}  // namespace pyquant
