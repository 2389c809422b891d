// A part of stripe.cuh, which includes it: the steps of a round.

namespace pyquant {

template <typename Sample, typename Step, Walk mode, Transfers transfers>
PYQUANT_DEVICE void Stripe<Sample, Step, mode, transfers>::walk(const float* line_in,
                                                                float* line_out) {
  const std::int32_t to_last_column =
      stream_.width() - 1 - stream_.column(begin_ - row_delay(lane_, planes_at_once));
  // From the column before the first one of lane 31 to the one after the last of lane 0, in each
  // plane.
  const int before = row_delay(stripe_rows - 1, planes_at_once) + planes_at_once;
  const int after = steps - 1 - row_delay(0, planes_at_once) + planes_at_once;
  if (stream_.are_in_one_pass(begin_ - before, begin_ + after)) {
    walk<PassEnds::none>(to_last_column, line_in, line_out);
  } else if (planes_at_once > 1 || stream_.width() >= unrolled) {
    walk<PassEnds::one>(to_last_column, line_in, line_out);
  } else {
    walk<PassEnds::several>(to_last_column, line_in, line_out);
  }
}

template <typename Sample, typename Step, Walk mode, Transfers transfers>
template <PassEnds ends>
PYQUANT_DEVICE void Stripe<Sample, Step, mode, transfers>::walk(std::int32_t steps_to_last_column,
                                                                const float* line_in,
                                                                float* line_out) {
  constexpr int words = unrolled / RowWalk<Sample>::samples_per_word;
  struct alignas(16) FourErrors {
    float errors[4];
  };
  // Steps from here to the last column of a pass, as floats, since a comparison of
  // floats can give 0 or 1 as a number. A pass that ends far away does not end in this
  // round.
  constexpr std::int32_t far = 1 << 20;
  const float width = static_cast<float>(stream_.width() < far ? stream_.width() : far);
  float to_last_column =
      static_cast<float>(steps_to_last_column < far ? steps_to_last_column : far);
  float keep_left[planes_at_once];
  for (int plane = 0; plane < planes_at_once; ++plane) {
    const std::int32_t column = stream_.width() - 1 - steps_to_last_column + plane;
    const bool is_in_next_pass = plane > 0 && column >= stream_.width();
    keep_left[plane] = column < planes_at_once || is_in_next_pass ? 0.0f : 1.0f;
  }

  // The first words of half a round are loaded during the half before. The others have time to
  // arrive.
  constexpr int loaded_ahead = 4;
  static_assert(loaded_ahead <= words);
  typename RowWalk<Sample>::Word next[loaded_ahead];
#pragma unroll
  for (int word = 0; word < loaded_ahead; ++word) next[word] = walk_.load(word, true);
#pragma unroll 1
  for (int begin = 0; begin < steps; begin += unrolled) {
    typename RowWalk<Sample>::Word here[words];
#pragma unroll
    for (int word = 0; word < loaded_ahead; ++word) {
      here[word] = next[word];
      next[word] = walk_.load(words + word, begin + unrolled < steps);
    }
#pragma unroll
    for (int word = loaded_ahead; word < words; ++word) here[word] = walk_.load(word, true);
    FourErrors handed_on[unrolled / 4], to_hand_on[unrolled / 4];
    if constexpr (has_lines) {
      for (int i = 0; i < unrolled / 4; ++i) {
        handed_on[i] = device::load_shared(reinterpret_cast<const FourErrors*>(line_in) + i);
      }
    }
#pragma unroll
    for (int word = 0; word < words; ++word) {
      walk_.visit(word, here[word], [&](int i, auto sample) {
        const int plane = i % planes_at_once;
        Errors& errors = errors_[plane];
        Edge edge;
        if constexpr (ends != PassEnds::none) {
          // The last columns of all planes lie side by side.
          constexpr int middle = planes_at_once / 2;
          edge.keep_left = keep_left[plane];
          edge.keep_right = middle == 0
                                ? device::differ(to_last_column, static_cast<float>(i))
                                : device::exceeds(to_last_column - static_cast<float>(i + middle),
                                                  static_cast<float>(middle));
          // After the last column comes the first of the next pass.
          keep_left[plane] = edge.keep_right;
          if constexpr (ends == PassEnds::several) {
            to_last_column += edge.keep_right == 0.0f ? width : 0.0f;
          }
        }
        float error;
        float (&from_above)[skew + 1] = errors.above;
        const auto result =
            step_(sample, {from_above[0], from_above[1], from_above[2], errors.left}, edge, error);
        errors.left = error;
        for (int column = 0; column < skew; ++column) from_above[column] = from_above[column + 1];
        const float above = device::shuffle_up(error);
        if constexpr (has_lines) {
          from_above[skew] = lane_ == 0 ? handed_on[i / 4].errors[i % 4] : above;
          to_hand_on[i / 4].errors[i % 4] = error;
        } else {
          from_above[skew] = above;  // lane 0 has no row above
        }
        return result;
      });
    }
    walk_.advance(words);
    if constexpr (planes_at_once > 1) {
      go_on_from<unrolled % planes_at_once>(errors_);
      go_on_from<unrolled % planes_at_once>(keep_left);
    }
    if constexpr (has_lines) {
      for (int i = 0; i < unrolled / 4; ++i) {
        device::store_shared(reinterpret_cast<FourErrors*>(line_out) + i, to_hand_on[i],
                             lane_ == stripe_rows - 1);
      }
      line_in += unrolled;
      line_out += unrolled;
    }
    if constexpr (ends != PassEnds::none) {
      to_last_column -= unrolled;
      to_last_column += to_last_column < 0.0f ? width : 0.0f;
    }
  }
  walk_.advance(-steps / RowWalk<Sample>::samples_per_word);
}

}  // namespace pyquant
