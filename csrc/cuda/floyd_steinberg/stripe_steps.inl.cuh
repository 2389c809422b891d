// A part of stripe.cuh, which includes it: the steps of a round.

namespace pyquant {

template <typename Sample, typename Step, bool tall>
PYQUANT_DEVICE void Stripe<Sample, Step, tall>::walk(const float* line_in, float* line_out) {
  const std::int32_t to_last_column = width_ - 1 - here_.column;
  if (!device::any_lane(to_last_column < steps || here_.column == 0)) {
    walk<PlaneEnds::none>(to_last_column, line_in, line_out);
  } else if (width_ >= unrolled) {
    walk<PlaneEnds::one>(to_last_column, line_in, line_out);
  } else {
    walk<PlaneEnds::several>(to_last_column, line_in, line_out);
  }
  width_ < steps ? here_.move(steps, width_) : here_.forward(steps, width_);
}

template <typename Sample, typename Step, bool tall>
template <PlaneEnds ends>
PYQUANT_DEVICE void Stripe<Sample, Step, tall>::walk(std::int32_t steps_to_last_column,
                                                     const float* line_in, float* line_out) {
  constexpr int words = unrolled / RowWalk<Sample>::samples_per_word;
  struct alignas(16) Errors {
    float errors[4];
  };
  // Steps from here to the last column of a plane, as floats, since a comparison of
  // floats can give 0 or 1 as a number. A plane that ends far away does not end in this
  // round.
  constexpr std::int32_t far = 1 << 20;
  const float width = static_cast<float>(width_ < far ? width_ : far);
  float to_last_column =
      static_cast<float>(steps_to_last_column < far ? steps_to_last_column : far);
  float keep_left = here_.column == 0 ? 0.0f : 1.0f;

  typename RowWalk<Sample>::Word next[words];
#pragma unroll
  for (int word = 0; word < words; ++word) next[word] = walk_.load(word, true);
#pragma unroll 1
  for (int begin = 0; begin < steps; begin += unrolled) {
    // Loads what the next eight steps need; it arrives during these.
    typename RowWalk<Sample>::Word here[words];
#pragma unroll
    for (int word = 0; word < words; ++word) {
      here[word] = next[word];
      next[word] = walk_.load(words + word, begin + unrolled < steps);
    }
    Errors handed_on[2], to_hand_on[2];
    if constexpr (tall) {
      for (int i = 0; i < 2; ++i) {
        handed_on[i] = device::load_shared(reinterpret_cast<const Errors*>(line_in) + i);
      }
    }
#pragma unroll
    for (int word = 0; word < words; ++word) {
      walk_.visit(word, here[word], [&](int i, auto sample) {
        Edge edge;
        if constexpr (ends != PlaneEnds::none) {
          edge = {keep_left, device::differ(to_last_column, static_cast<float>(i))};
          // After the last column comes the first of the next plane.
          keep_left = edge.keep_right;
          if constexpr (ends == PlaneEnds::several) {
            to_last_column += edge.keep_right == 0.0f ? width : 0.0f;
          }
        }
        float error;
        const auto result = step_(sample, {above_[0], above_[1], above_[2], left_}, edge, error);
        left_ = error;
        for (int column = 0; column < skew; ++column) above_[column] = above_[column + 1];
        const float above = device::shuffle_up(error);
        if constexpr (tall) {
          above_[skew] = lane_ == 0 ? handed_on[i / 4].errors[i % 4] : above;
          to_hand_on[i / 4].errors[i % 4] = error;
        } else {
          above_[skew] = above;  // lane 0 has no row above
        }
        return result;
      });
    }
    walk_.advance(words);
    if constexpr (tall) {
      for (int i = 0; i < 2; ++i) {
        device::store_shared(reinterpret_cast<Errors*>(line_out) + i, to_hand_on[i],
                             lane_ == stripe_rows - 1);
      }
      line_in += unrolled;
      line_out += unrolled;
    }
    if constexpr (ends != PlaneEnds::none) {
      to_last_column -= unrolled;
      to_last_column += to_last_column < 0.0f ? width : 0.0f;
    }
  }
  walk_.advance(-steps / RowWalk<Sample>::samples_per_word);
}

}  // namespace pyquant
