#pragma once

// One step of each variant in all lanes: ../../floyd_steinberg.h, for registers.
// Included in place, where an instruction set is switched on (kernels.inl.h says why),
// after its primitives, PublishedTables, PublishedTuning and TextbookTuning.

#include <concepts>

#include "../../floyd_steinberg.h"

namespace pyquant::PYQUANT_INSTRUCTION_SET {
namespace {

// How much work is interleaved, so that one dependent chain computes while another
// waits for its result; as much as there are registers for.
template <typename Tuning>
concept StepTuning = requires {
  { Tuning::chains } -> std::convertible_to<int>;            // groups of planes
  { Tuning::stripe_registers } -> std::convertible_to<int>;  // registers of rows in a stripe
  { Tuning::stripe_planes } -> std::convertible_to<int>;     // planes with the same stripe
};

// ---- published

// Values are kept with the top bit flipped, that is minus 128 as signed bytes, so that
// a saturated signed addition clips them to 0..255. An error, value minus level, then
// comes out 128 too large (modulo 256) and is kept so.
//
// PublishedTables<bits> are functions of such values and errors:
//   share<i>  what the neighbour with this error gives, for i = 0 to 3 up-left, up,
//             up-right and left
//   level     of a value, as an ordinary byte
// and Level, the type in which levels are written to the rows of lanes.
template <typename Tables>
concept PublishedTablesOfStep = requires(const Tables& tables, ByteLanes::Vector vector) {
  typename Tables::Level;
  { tables.template share<0>(vector) } -> std::same_as<ByteLanes::Vector>;
  { tables.level(vector) } -> std::same_as<ByteLanes::Vector>;
};

template <int bits>
class PublishedStep : private PublishedTables<bits>, public PublishedTuning {
  using Tables = PublishedTables<bits>;
  static_assert(PublishedTablesOfStep<Tables> && StepTuning<PublishedTuning>);

 public:
  using Lanes = ByteLanes;
  using Vector = Lanes::Vector;
  using Level = typename Tables::Level;
  static constexpr bool first_column_takes_up_right = false;

  static PYQUANT_INLINE Vector no_error() { return Lanes::broadcast(128); }

  PYQUANT_INLINE void operator()(Vector sample, Vector up_left, Vector up, Vector up_right,
                                 Vector left, Vector& level, Vector& error) const {
    Vector value = Lanes::flip_top_bit(sample);
    value = Lanes::add_saturated(value, Tables::template share<0>(up_left));
    value = Lanes::add_saturated(value, Tables::template share<1>(up));
    value = Lanes::add_saturated(value, Tables::template share<2>(up_right));
    value = Lanes::add_saturated(value, Tables::template share<3>(left));
    level = Tables::level(value);
    error = Lanes::subtract(value, level);
  }
};

// ---- textbook

class TextbookStep : public TextbookTuning {
  static_assert(StepTuning<TextbookTuning>);

 public:
  using Lanes = FloatLanes;
  using Vector = Lanes::Vector;
  static constexpr bool first_column_takes_up_right = true;

  explicit TextbookStep(int bits)
      : top_(Floats::broadcast(static_cast<float>(level_count(bits) - 1))) {}

  static PYQUANT_INLINE Vector no_error() { return Floats::zero(); }

  // textbook_pixel, with the clamp to the unit interval moved after the product.
  // Truncation is floor where the clamp at 0 does not take over.
  PYQUANT_INLINE void operator()(Vector sample, Vector up_left, Vector up, Vector up_right,
                                 Vector left, Vector& code, Vector& error) const {
    const Vector value =
        Floats::minimum_with_positive(Floats::positive_part(Floats::multiply(sample, top_)), top_);
    const Vector above = Floats::multiply(
        Floats::broadcast(0.0625f),
        Floats::add(Floats::add(up_left, Floats::multiply(Floats::broadcast(5.0f), up)),
                    Floats::multiply(Floats::broadcast(3.0f), up_right)));
    const Vector adjusted =
        Floats::add(Floats::add(value, above), Floats::multiply(Floats::broadcast(0.4375f), left));
    code = Floats::minimum_with_positive(
        Floats::truncate(Floats::add(adjusted, Floats::broadcast(0.5f))), top_);
    error = Floats::subtract(adjusted, code);
  }

 private:
  Vector top_;
};

}  // namespace
}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
