// A part of stripe.cuh, which includes it: rows on their way between global memory and
// their buffers in shared memory.

namespace pyquant {

// ---- wide rows

template <typename Sample, typename Step, bool tall>
PYQUANT_DEVICE void Stripe<Sample, Step, tall>::fetch(Piece (&fetched)[pieces]) {
  const std::int64_t jump = plan_.from.leading_stride[0] - width_;
#pragma unroll
  for (int i = 0; i < pieces; ++i) {
    const Sample* source = static_cast<const Sample*>(plan_.image) + loads_[i].offset;
    fetched[i] = device::load_global(reinterpret_cast<const Piece*>(source),
                                     is_inside(loads_[i], piece_row(i)));
    loads_[i].forward(steps, width_, jump);
  }
}

template <typename Sample, typename Step, bool tall>
PYQUANT_DEVICE void Stripe<Sample, Step, tall>::deposit(const Piece (&fetched)[pieces]) const {
#pragma unroll
  for (int i = 0; i < pieces; ++i) {
    device::store_shared(piece(piece_row(i), chunk + piece_index() * piece_columns), fetched[i]);
  }
}

template <typename Sample, typename Step, bool tall>
PYQUANT_DEVICE void Stripe<Sample, Step, tall>::collect() {
  const std::int64_t jump = plan_.to.leading_stride[0] - width_;
#pragma unroll
  for (int i = 0; i < pieces; ++i) {
    const int row = piece_row(i);
    Sample* target = static_cast<Sample*>(plan_.result) + stores_[i].offset;
    device::store_global(reinterpret_cast<Piece*>(target),
                         device::load_shared(piece(row, piece_index() * piece_columns)),
                         is_inside(stores_[i], row));
    stores_[i].forward(steps, width_, jump);
  }
}

// ---- other rows: lanes side by side take columns side by side, four requests at a time

template <typename Sample, typename Step, bool tall>
PYQUANT_DEVICE std::int64_t Stripe<Sample, Step, tall>::offset_of(const Planes& planes,
                                                                  StreamColumn place) const {
  return plane_offset(planes, static_cast<std::uint32_t>(first_plane_ + place.plane)) +
         first_row_ * planes.row_stride + place.column * planes.column_stride;
}

// Rows whose delays differ by less than a chunk are at the same column.
template <typename Sample, typename Step, bool tall>
template <typename Function>
PYQUANT_DEVICE void Stripe<Sample, Step, tall>::each_four_elements(const Planes& planes,
                                                                   int columns,
                                                                   Function&& function) const {
  StreamColumn place = next_element_;
  place.move(-columns, width_);
  int row = lane_ / steps;
  int chunks = delayed_chunks(row);
  std::int64_t offset = offset_of(planes, place);
#pragma unroll 1
  for (int i = 0; i < steps; i += 4) {
    Element elements[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (delayed_chunks(row) != chunks) {
        place.move((chunks - delayed_chunks(row)) * chunk, width_);
        chunks = delayed_chunks(row);
        offset = offset_of(planes, place);
      }
      elements[j] = {row_buffer(row) + lane_ % steps, offset + row * planes.row_stride,
                     is_inside(place, row)};
      row += device::warp_size / steps;  // rows of a request
    }
    function(elements);
  }
}

template <typename Sample, typename Step, bool tall>
PYQUANT_DEVICE void Stripe<Sample, Step, tall>::load_elements() const {
  const Sample* image = static_cast<const Sample*>(plan_.image);
  each_four_elements(plan_.from, 0, [image](const Element(&elements)[4]) {
    Sample samples[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      samples[j] = device::load_global(image + elements[j].offset, elements[j].is_inside);
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) device::store_shared(elements[j].buffer + chunk, samples[j]);
  });
}

template <typename Sample, typename Step, bool tall>
PYQUANT_DEVICE void Stripe<Sample, Step, tall>::collect_elements() const {
  Sample* result = static_cast<Sample*>(plan_.result);
  each_four_elements(plan_.to, steps + chunk, [result](const Element(&elements)[4]) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      device::store_global(result + elements[j].offset, device::load_shared(elements[j].buffer),
                           elements[j].is_inside);
    }
  });
}

}  // namespace pyquant
