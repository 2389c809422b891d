#pragma once

// Linear quantization of bytes, for each rounding and number of bits: as a table
// of 256 levels, and as arithmetic in 16 bits for machines without a fast table.

#include <cstdint>

#include "../../linear_quantize.h"

namespace pyquant {

// What is kept for each rounding and number of bits, made when first asked for.
template <typename Kept>
const Kept& kept_for(Rounding rounding, int bits) {
  struct All {
    Kept kept[2][maximum_bits + 1];
    All() {
      for (int b = minimum_bits; b <= maximum_bits; ++b) {
        kept[0][b] = Kept(Rounding::nearest, b);
        kept[1][b] = Kept(Rounding::floor, b);
      }
    }
  };
  static const All all;
  return all.kept[rounding == Rounding::floor][bits];
}

struct ByteLevels {
  alignas(64) std::uint8_t level[256];

  ByteLevels() = default;
  ByteLevels(Rounding rounding, int bits) {
    for (int value = 0; value < 256; ++value) {
      const auto sample = static_cast<std::uint8_t>(value);
      level[value] = rounding == Rounding::nearest
                         ? linear_quantize_sample<Rounding::nearest>(sample, bits)
                         : linear_quantize_sample<Rounding::floor>(sample, bits);
    }
  }
};

// With n = 2^bits, and every quantity below 2^16,
//
//     m = v to_code + code_offset
//     code = (m + (m >> 8)) >> 8
//     level = ((256 code + level_offset) to_level) >> 16.
//
// nearest: m = v(n-1) + 128, and this is the usual way to round v(n-1)/255.
// floor: m = v n, whose upper byte is the code; its lower byte is a multiple of n,
// at most 256 - n, so adding the code carries nothing into the upper byte.
// A level is about 255k/(n-1) + 1/2, or + 0 for floor. to_level is 256*255/(n-1),
// rounded, and level_offset the first number that makes the level of every code right.
struct ByteArithmetic {
  std::uint16_t to_code;
  std::uint16_t code_offset;
  std::uint16_t to_level;
  std::uint16_t level_offset;

  ByteArithmetic() = default;
  ByteArithmetic(Rounding rounding, int bits) {
    const bool nearest = rounding == Rounding::nearest;
    const int steps = level_count(bits) - 1;
    to_code = static_cast<std::uint16_t>(nearest ? steps : steps + 1);
    code_offset = nearest ? 128 : 0;
    to_level = static_cast<std::uint16_t>((2 * 256 * 255 + steps) / (2 * steps));
    const auto every_level_is_right = [&] {
      for (int code = 0; code <= steps; ++code) {
        const int level = nearest ? textbook_level<std::uint8_t>(code, bits)
                                  : published_level<std::uint8_t>(code, bits);
        if (((256 * code + level_offset) * to_level) >> 16 != level) return false;
      }
      return true;
    };
    for (level_offset = 0; level_offset < 256 && !every_level_is_right();) ++level_offset;
  }
};

}  // namespace pyquant
