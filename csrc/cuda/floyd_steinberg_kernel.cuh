#pragma once

// Floyd-Steinberg error diffusion, a row per lane.
//
// A warp holds 32 rows of a plane. Each lane walks along its row, three columns
// behind the lane above, so that the errors it needs from there are finished;
// one shuffle per step hands them down. Four steps, columns as digits:
//
//     step        t       t+1     t+2     t+3
//     lane 0      6       7       8       9
//     lane 1      3       4       5       6
//     lane 2      0       1       2       3      needs 0 1 2 3 4 of lane 1
//
// Behind the last column of a plane a lane begins the next plane of its stream at
// once, so the ramp of the skew is paid once per stream. Taller planes: the errors
// of lane 31 go to the warp that holds the next 32 rows, through shared memory,
// and from the last warp of a block to the next block through global memory.
//
// Samples pass through shared memory, where the diagonal is read. Row r has a
// buffer of a round of columns and one 32-byte chunk more, and in every round lane
// r walks over the same place in it, whatever the phase of its columns:
//
//     | chunk 0 | chunk 1 | ... | last chunk |     chunks as they lie in the image
//          ^ start                   ^ end         the lane's columns in this round
//
// Behind a round all but the last chunk are finished and stored, the last chunk
// becomes chunk 0, and the next columns are loaded behind it. Results take the
// place of the samples they come from.

#include <cstdint>
#include <type_traits>

#include "device.cuh"
#include "diffusion_steps.cuh"
#include "floyd_steinberg_work.h"
#include "plane_offset.cuh"
#include "samples.cuh"

namespace pyquant {

// ---- a lane's walk along its row buffer

// Samples narrower than a word are read and written a word at a time: lanes that
// are a byte apart in phase would meet in a bank. A lane's columns begin anywhere
// in a word, so each word it works on is cut out of two words of the buffer, and
// each word it writes is put together from two words of results.
template <typename Sample, bool is_narrow = (sizeof(Sample) < 4)>
class RowWalk {
 public:
  static constexpr int samples_per_word = 4 / sizeof(Sample);

  PYQUANT_DEVICE RowWalk(unsigned char* row, int start) {
    const int byte = start * static_cast<int>(sizeof(Sample));
    word_ = reinterpret_cast<std::uint32_t*>(row) + (byte + 3) / 4;
    shift_ = 8 * (byte - (byte + 3) / 4 * 4 + 4);
  }

  using Word = std::uint32_t;
  PYQUANT_DEVICE Word load(int index, bool active) const {
    return device::load_shared(word_ + index, active);
  }

  // Applies step(index, sample) -> result to the samples of word `index`, which
  // `next` is.
  template <typename Step>
  PYQUANT_DEVICE void visit(int index, Word next, Step&& step) {
    const std::uint32_t samples = device::shift_right(samples_, next, shift_);
    samples_ = next;
    std::uint32_t results;
    if constexpr (sizeof(Sample) == 1) {
      std::uint32_t result[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        result[i] = step(4 * index + i, PackedByte{samples, i});
      }
      results = device::select_bytes(device::select_bytes(result[0], result[1], 0x0040),
                                     device::select_bytes(result[2], result[3], 0x0040), 0x5410);
    } else {
      Sample first, second;
      first.bits = static_cast<std::uint16_t>(samples);
      second.bits = static_cast<std::uint16_t>(samples >> 16);
      first = step(2 * index, first);
      second = step(2 * index + 1, second);
      results = device::select_bytes(first.bits, second.bits, 0x5410);
    }
    device::store_shared(word_ + index - 1, device::shift_left(results_, results, shift_));
    results_ = results;
  }
  PYQUANT_DEVICE void advance(int words) { word_ += words; }

 private:
  std::uint32_t* word_;  // the first that ends behind the start of the columns
  int shift_;            // bits of the word before it that lie before the start
  std::uint32_t samples_ = 0;
  std::uint32_t results_ = 0;
};

template <typename Sample>
class RowWalk<Sample, false> {
 public:
  static constexpr int samples_per_word = 1;

  PYQUANT_DEVICE RowWalk(unsigned char* row, int start)
      : sample_(reinterpret_cast<Sample*>(row) + start) {}

  using Word = Sample;
  PYQUANT_DEVICE Word load(int index, bool active) const {
    return device::load_shared(sample_ + index, active);
  }

  template <typename Step>
  PYQUANT_DEVICE void visit(int index, Word sample, Step&& step) {
    device::store_shared(sample_ + index, step(index, sample));
  }
  PYQUANT_DEVICE void advance(int words) { sample_ += words; }

 private:
  Sample* sample_;
};

// ---- a place in a stream of planes

struct StreamColumn {
  std::int32_t plane;
  std::int32_t column;  // 0..width-1

  // Any number of columns further on, or back.
  PYQUANT_DEVICE void move(std::int32_t columns, std::int32_t width) {
    column += columns;
    while (column < 0) {
      column += width;
      --plane;
    }
    while (column >= width) {
      column -= width;
      ++plane;
    }
  }
  // At most `width` columns.
  PYQUANT_DEVICE void forward(std::int32_t columns, std::int32_t width) {
    column += columns;
    const bool is_next = column >= width;
    column -= is_next ? width : 0;
    plane += is_next ? 1 : 0;
  }
};

// A place in a stream that moves on by rounds, where a plane is at least a round wide.
struct StreamPiece {
  std::int64_t offset;     // in samples, of memory
  std::int32_t column;     // in its plane
  std::uint32_t position;  // in the stream; before the stream, more than any

  // `jump` is from behind the end of a row to where it begins in the next plane.
  PYQUANT_DEVICE void forward(std::int32_t columns, std::int32_t width, std::int64_t jump) {
    column += columns;
    const bool is_next = column >= width;
    column -= is_next ? width : 0;
    offset += is_next ? columns + jump : columns;
    position += columns;
  }
};

// ---- a warp and its 32 rows

struct alignas(16) Piece {  // the unit of global and shared memory accesses
  std::uint32_t words[4];
};

template <typename Sample, template <typename> typename Steps, bool tall>
class Stripe {
 public:
  static constexpr int size = sizeof(Sample);
  static constexpr int chunk = chunk_columns(size);
  static constexpr int steps = round_steps(size);
  static constexpr int piece_columns = 16 / size;
  // Pieces that a lane moves per round, which is also pieces per row and round.
  static constexpr int pieces = steps * size / 16;
  static constexpr int rows_per_request = stripe_rows / pieces;

  PYQUANT_DEVICE Stripe(const FloydSteinbergWork& work, unsigned char* buffer, std::int64_t stream,
                        std::int64_t stripe)
      : work_(work),
        diffuse_(work.bits, tall || device::lane() > 0),
        buffer_(buffer),
        lane_(device::lane()),
        width_(static_cast<std::int32_t>(work.from.width)),
        first_plane_(stream * work.planes_per_stream),
        first_row_(stripe * stripe_rows),
        walk_(buffer + row_offset(lane_, size), start_of(lane_)) {
    const std::int64_t planes = work.from.count - first_plane_;
    planes_ = static_cast<std::int32_t>(planes < work.planes_per_stream ? planes
                                                                        : work.planes_per_stream);
    const std::int64_t rows = work.from.height - first_row_;
    rows_ = static_cast<int>(rows < stripe_rows ? rows : stripe_rows);
    here_.move(-(skew * lane_ + first_delay), width_);
    for (int i = 0; i < pieces; ++i) {
      const int row = piece_row(i);
      const std::int32_t column = piece_index() * piece_columns - delayed_chunks(row) * chunk;
      loads_[i] = piece_at(work.from, column, row);
      stores_[i] = piece_at(work.to, column - chunk, row);
    }
    next_element_.move(lane_ % steps - delayed_chunks(lane_ / steps) * chunk, width_);
  }

  // Zeros everywhere: columns before the stream count as black.
  PYQUANT_DEVICE void clear() {
    for (int i = lane_; i - lane_ < stripe_bytes(size) / 16; i += device::warp_size) {
      device::store_shared(reinterpret_cast<Piece*>(buffer_) + i, Piece{},
                           i < stripe_bytes(size) / 16);
    }
    // The zeros of a row come from other lanes than its samples.
    device::synchronize_warp();
  }

  // Walks a round, stores what is finished and loads the next round; round -1 only
  // loads. `line_in` and `line_out` are the errors of the row above the stripe and
  // of its last row, an element per step; they are used by tall planes only.
  PYQUANT_DEVICE void round(bool walks, const float* line_in, float* line_out) {
    Piece fetched[pieces];
    if (work_.wide_loads) fetch(fetched);  // on their way during the steps
    if (walks) {
      walk(line_in, line_out);
      // The results of a row are stored by other lanes than the one that wrote them.
      device::synchronize_warp();
      work_.wide_stores ? collect() : collect_elements();
      Piece carried[2];
      for (int i = 0; i < 2; ++i) carried[i] = device::load_shared(carried_piece(i, steps));
      // Every finished chunk, and the last one, has been read.
      device::synchronize_warp();
      for (int i = 0; i < 2; ++i) device::store_shared(carried_piece(i, 0), carried[i]);
    }
    work_.wide_loads ? deposit(fetched) : load_elements();
    if (!work_.wide_loads || !work_.wide_stores) next_element_.move(steps, width_);
    // Lanes load rows together but walk along them alone.
    device::synchronize_warp();
  }

  // The error of the row above at the column that lane 0 is about to reach.
  PYQUANT_DEVICE void receive(const float* error) {
    const float received = device::load_shared(error, lane_ == 0);
    above_[skew] = lane_ == 0 ? received : above_[skew];
  }

 private:
  // Whole chunks before the delay of a row, and where its columns begin in the
  // row buffer: behind at least one column of chunk 0.
  static PYQUANT_DEVICE int delayed_chunks(int row) { return (skew * row + first_delay) / chunk; }
  static PYQUANT_DEVICE int start_of(int row) {
    return chunk - (skew * row + first_delay) % chunk;
  }

  PYQUANT_DEVICE bool is_inside(StreamColumn place, int row) const {
    return place.plane >= 0 && place.plane < planes_ && row < rows_;
  }
  PYQUANT_DEVICE Sample* row_buffer(int row) const {
    return reinterpret_cast<Sample*>(buffer_ + row_offset(row, size));
  }

  // ---- rows made of aligned 16-byte pieces, planes at equal distances

  // Lanes side by side move the pieces of a row; the order of the rows keeps the
  // eight lanes that shared memory serves at a time in different banks.
  PYQUANT_DEVICE int piece_index() const { return lane_ % pieces; }
  PYQUANT_DEVICE int piece_row(int i) const {
    const int row = lane_ / pieces;
    return (row & ~3) + (row << 1 & 2) + (row >> 1 & 1) + i * rows_per_request;
  }
  PYQUANT_DEVICE Piece* piece(int row, int column) const {
    return reinterpret_cast<Piece*>(row_buffer(row) + column);
  }
  // A chunk is two pieces: 64 of them in the 32 rows.
  PYQUANT_DEVICE Piece* carried_piece(int i, int column) const {
    return piece(lane_ / 2 + 16 * i, column + lane_ % 2 * piece_columns);
  }
  PYQUANT_DEVICE StreamPiece piece_at(const Planes& planes, std::int32_t column, int row) const {
    StreamColumn place = {0, 0};
    place.move(column, width_);
    return {(first_plane_ + place.plane) * planes.leading_stride[0] +
                (first_row_ + row) * planes.row_stride + place.column,
            place.column, static_cast<std::uint32_t>(column)};
  }
  PYQUANT_DEVICE bool is_inside(const StreamPiece& place, int row) const {
    return place.position < static_cast<std::uint32_t>(planes_ * width_) && row < rows_;
  }

  // Global memory to registers: the pieces of the next round.
  PYQUANT_DEVICE void fetch(Piece (&fetched)[pieces]) {
    const std::int64_t jump = work_.from.leading_stride[0] - width_;
#pragma unroll
    for (int i = 0; i < pieces; ++i) {
      const Sample* source = static_cast<const Sample*>(work_.image) + loads_[i].offset;
      fetched[i] = device::load_global(reinterpret_cast<const Piece*>(source),
                                       is_inside(loads_[i], piece_row(i)));
      loads_[i].forward(steps, width_, jump);
    }
  }
  // Registers to shared memory, behind chunk 0.
  PYQUANT_DEVICE void deposit(const Piece (&fetched)[pieces]) const {
#pragma unroll
    for (int i = 0; i < pieces; ++i) {
      device::store_shared(piece(piece_row(i), chunk + piece_index() * piece_columns), fetched[i]);
    }
  }
  // Shared memory to global memory: all chunks but the last.
  PYQUANT_DEVICE void collect() {
    const std::int64_t jump = work_.to.leading_stride[0] - width_;
#pragma unroll
    for (int i = 0; i < pieces; ++i) {
      const int row = piece_row(i);
      Sample* target = static_cast<Sample*>(work_.result) + stores_[i].offset;
      device::store_global(reinterpret_cast<Piece*>(target),
                           device::load_shared(piece(row, piece_index() * piece_columns)),
                           is_inside(stores_[i], row));
      stores_[i].forward(steps, width_, jump);
    }
  }

  // ---- any other rows, sample by sample: lanes side by side take columns side by
  // side, four requests at a time

  static constexpr int element_rows = device::warp_size / steps;  // of a request

  struct Element {
    Sample* buffer;
    std::int64_t offset;
    bool is_inside;
  };

  // Calls function(four elements) for all samples of a round, which begins
  // `columns` before the next one to be loaded. Rows whose delays differ by less than
  // a chunk are at the same column.
  template <typename Function>
  PYQUANT_DEVICE void each_element(const Planes& planes, int columns, Function&& function) const {
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
        row += element_rows;
      }
      function(elements);
    }
  }
  // In samples, of a place in the first row of the stripe.
  PYQUANT_DEVICE std::int64_t offset_of(const Planes& planes, StreamColumn place) const {
    return plane_offset(planes, static_cast<std::uint32_t>(first_plane_ + place.plane)) +
           first_row_ * planes.row_stride + place.column * planes.column_stride;
  }
  PYQUANT_DEVICE void load_elements() const {
    const Sample* image = static_cast<const Sample*>(work_.image);
    each_element(work_.from, 0, [image](const Element(&elements)[4]) {
      Sample samples[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        samples[j] = device::load_global(image + elements[j].offset, elements[j].is_inside);
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) device::store_shared(elements[j].buffer + chunk, samples[j]);
    });
  }
  PYQUANT_DEVICE void collect_elements() const {
    Sample* result = static_cast<Sample*>(work_.result);
    each_element(work_.to, steps + chunk, [result](const Element(&elements)[4]) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        device::store_global(result + elements[j].offset, device::load_shared(elements[j].buffer),
                             elements[j].is_inside);
      }
    });
  }

  // ---- the steps

  // Where planes end in eight steps of a warp: a lane may be there in none of them,
  // in one, or in several.
  enum class Ends { none, one, several };
  static constexpr int unrolled = 8;

  PYQUANT_DEVICE void walk(const float* line_in, float* line_out) {
    const std::int32_t to_last = width_ - 1 - here_.column;
    if (!device::any_lane(to_last < steps || here_.column == 0)) {
      walk<Ends::none>(to_last, line_in, line_out);
    } else if (width_ >= unrolled) {
      walk<Ends::one>(to_last, line_in, line_out);
    } else {
      walk<Ends::several>(to_last, line_in, line_out);
    }
    width_ < steps ? here_.move(steps, width_) : here_.forward(steps, width_);
  }

  template <Ends ends>
  PYQUANT_DEVICE void walk(std::int32_t steps_to_last, const float* line_in, float* line_out) {
    constexpr int words = unrolled / RowWalk<Sample>::samples_per_word;
    struct alignas(16) Errors {
      float errors[4];
    };
    // Steps from here to the last column of a plane. As floats, since those can be
    // compared to a number that is 0 or 1; what is far away is too far for a round.
    constexpr std::int32_t far = 1 << 20;
    const float width = static_cast<float>(width_ < far ? width_ : far);
    float to_last = static_cast<float>(steps_to_last < far ? steps_to_last : far);
    float first = here_.column == 0 ? 0.0f : 1.0f;

    typename RowWalk<Sample>::Word next[words];
#pragma unroll
    for (int word = 0; word < words; ++word) next[word] = walk_.load(word, true);
#pragma unroll 1
    for (int begin = 0; begin < steps; begin += unrolled) {
      // What the next eight steps need is on its way during these.
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
          if constexpr (ends != Ends::none) {
            edge = {first, device::differ(to_last, static_cast<float>(i))};
            // Behind the last column comes the first of the next plane.
            first = edge.last;
            if constexpr (ends == Ends::several) to_last += edge.last == 0.0f ? width : 0.0f;
          }
          float error;
          const auto result =
              diffuse_(sample, {above_[0], above_[1], above_[2], left_}, edge, error);
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
      if constexpr (ends != Ends::none) {
        to_last -= unrolled;
        to_last += to_last < 0.0f ? width : 0.0f;
      }
    }
    walk_.advance(-steps / RowWalk<Sample>::samples_per_word);
  }

  const FloydSteinbergWork& work_;
  const Steps<Sample> diffuse_;
  unsigned char* const buffer_;
  const int lane_;
  const std::int32_t width_;
  const std::int64_t first_plane_;
  const std::int64_t first_row_;
  std::int32_t planes_;
  int rows_;

  RowWalk<Sample> walk_;
  StreamColumn here_ = {};          // of the lane, at the beginning of the round
  StreamPiece loads_[pieces];       // the pieces to be loaded next,
  StreamPiece stores_[pieces];      // and to be stored
  StreamColumn next_element_ = {};  // the sample to be loaded next in the lane's first row

  // Errors of the row above from the column to the left on, as many as have arrived,
  // and the error of the pixel to the left.
  float above_[skew + 1] = {};
  float left_ = 0.0f;
};

// ---- planes of at most 32 rows: every warp runs through a stream of its own

template <typename Sample, template <typename> typename Steps>
PYQUANT_DEVICE void floyd_steinberg_short(const FloydSteinbergWork& work) {
  const std::int64_t stream = device::block() * device::warps() + device::warp();
  if (stream >= work.streams) return;
  unsigned char* buffer = device::shared_memory() + device::warp() * stripe_bytes(sizeof(Sample));
  Stripe<Sample, Steps, false> stripe(work, buffer, stream, 0);
  stripe.clear();
  for (std::int64_t round = -1; round < work.rounds; ++round) {
    stripe.round(round >= 0, nullptr, nullptr);
  }
}

// ---- taller planes: a block runs through a stream, each of its warps with one
// stripe of the band
//
// Warp w is `lag` rounds behind warp w-1: what a warp reads of the line above it
// in one round, the warp above has written the round before, and a barrier of the
// block lies between. In rounds of 32 steps, the numbers being rounds of a stripe:
//
//     warp 0    0   1   2   3   4   5   ...
//     warp 1                    0   1          line 1, in four slots: warp 0 writes
//                                              slot 4, warp 1 reads slot 3
//
// Bands are handed out by a counter, all streams' first bands before the second
// ones. So the band above is always a block that has begun before and waits only
// for blocks that began before itself: however few blocks the device runs at a
// time, the one that began first can go on.
//
// Between blocks the errors go through global memory, 16 or 32 columns at a time, a
// word per step. The word is its own flag: all its bits are ones, which no error is,
// until the error is there. This is enough, by the memory model of PTX:
//
//   - The only store to a word is relaxed, of gpu scope, aligned and of 32 bits, and
//     so are all loads: they are morally strong, hence no race, and a load returns
//     either the ones or the error, never a part of it. The ones come before, from
//     an earlier operation of the stream, and a word is not used again.
//   - Who has seen the error reads nothing else that the other block wrote. A
//     release orders what was written before a flag, an acquire what is read behind
//     it: there is nothing for them to order.
//   - A strong store becomes visible to the loads of a waiting block in finite time.
//
// It is also less work. Compiled for 9.0, a release is a MEMBAR.ALL.GPU and two
// error barriers before the store: the warp would wait until all it has stored,
// results included, has reached the second-level cache. An acquire is a CCTL.IVALL
// behind the load, which throws away the first-level cache of the multiprocessor;
// and only then could the errors be loaded, a second trip through the cache. The
// words need none of this, and are under way during the steps of a round.

constexpr std::uint32_t not_yet = 0xffffffff;

// One side of a hand-over between blocks: the words of a stream's band. `rounds` are
// handed over together, and `round` and `slot` are those of the first of them.
template <int steps, int rounds>
class Handover {
 public:
  PYQUANT_DEVICE Handover(const FloydSteinbergWork& work, std::int64_t band, std::int64_t stream)
      : words_(work.scratch + 1 + (band * work.streams + stream) * work.rounds * steps),
        count_(work.rounds * steps),
        lane_(device::lane()) {}

  PYQUANT_DEVICE void send(std::int64_t round, const float* slot) const {
    const float error = device::load_shared(slot + lane_, lane_ < steps * rounds);
    device::store_relaxed(words_ + round * steps + lane_,
                          static_cast<std::uint32_t>(float_bits(error)), has_word(round));
  }

  // A first look, so that the words are on their way during the steps.
  PYQUANT_DEVICE void expect(std::int64_t round) { word_ = look(round); }
  PYQUANT_DEVICE void receive(std::int64_t round, float* slot) {
    while (!device::all_lanes(word_ != not_yet)) {
      device::pause();
      word_ = look(round);
    }
    device::store_shared(slot + lane_, bits_to_float(word_), lane_ < steps * rounds);
  }

 private:
  PYQUANT_DEVICE bool has_word(std::int64_t round) const {
    return lane_ < steps * rounds && round * steps + lane_ < count_;
  }
  PYQUANT_DEVICE std::uint32_t look(std::int64_t round) const {
    return device::load_relaxed(words_ + round * steps + lane_, has_word(round));
  }

  std::uint32_t* words_;
  std::int64_t count_;
  int lane_;
  std::uint32_t word_ = 0;
};

template <typename Sample, template <typename> typename Steps>
PYQUANT_DEVICE void floyd_steinberg_tall(const FloydSteinbergWork& work) {
  constexpr int size = sizeof(Sample);
  constexpr int steps = round_steps(size);
  constexpr int ahead = stripe_delay / steps;  // rounds between a column's two stripes
  constexpr int lag = ahead + 1;
  constexpr int together = steps < 16 ? 16 / steps : 1;  // rounds of a hand-over
  static_assert(stripe_delay % steps == 0 && ahead % together == 0 && 2 * together <= line_slots);
  const int warp = device::warp();
  const int lane = device::lane();

  unsigned char* shared = device::shared_memory();
  float* lines = reinterpret_cast<float*>(shared + device::warps() * stripe_bytes(size));
  // Line w is the input of warp w and the output of warp w-1.
  const auto slot = [&](int line, std::int64_t round) {
    return lines + (line * line_slots + static_cast<int>(round & (line_slots - 1))) * steps;
  };

  std::uint32_t ticket = static_cast<std::uint32_t>(device::block());
  if (work.bands > 1) {
    std::uint32_t* shared_ticket = reinterpret_cast<std::uint32_t*>(lines);
    const bool is_first = device::thread() == 0;
    const std::uint32_t drawn = is_first ? device::fetch_add(work.scratch, 1) + 1 : 0;
    device::store_shared(shared_ticket, drawn, is_first);
    // All threads have the ticket of thread 0.
    device::synchronize_block();
    ticket = device::load_shared(shared_ticket);
    // All threads have read it before the line is filled.
    device::synchronize_block();
  }
  const std::int64_t band = ticket / static_cast<std::uint32_t>(work.streams);
  const std::int64_t stream = ticket % static_cast<std::uint32_t>(work.streams);
  const std::int64_t first_stripe = band * device::warps();
  const std::int64_t stripes_below = work.stripes - first_stripe;
  const int stripes =
      static_cast<int>(stripes_below < device::warps() ? stripes_below : device::warps());
  const bool is_fed = warp == 0 && band > 0;
  const bool feeds = warp == device::warps() - 1 && band + 1 < work.bands;

  for (int i = lane; i < line_slots * steps; i += device::warp_size) {
    device::store_shared(slot(warp, 0) + i, 0.0f);
    device::store_shared(slot(device::warps(), 0) + i, 0.0f, warp == 0);
  }

  Stripe<Sample, Steps, true> stripe(
      work, shared + warp * stripe_bytes(size), stream, first_stripe + warp);
  // Its barrier is also between these zeros and what is received in their place.
  if (warp < stripes) stripe.clear();
  Handover<steps, together> above(work, band - 1, stream);
  Handover<steps, together> below(work, band, stream);
  if (is_fed) {
    // What lane 0 needs before its first column; the rest is received a round ahead.
    above.expect(ahead - together);
    above.receive(ahead - together, slot(0, ahead - together));
  }

  const std::int64_t block_rounds = work.rounds + (stripes - 1) * lag;
  for (std::int64_t block_round = -1; block_round < block_rounds; ++block_round) {
    const std::int64_t round = block_round - warp * lag;
    if (warp < stripes && round >= -1 && round < work.rounds) {
      const std::int64_t next = round + ahead + 1;
      const bool receives = is_fed && next % together == 0;
      if (receives) above.expect(next);
      if (round == 0) stripe.receive(slot(warp, ahead - 1) + steps - 1);
      stripe.round(round >= 0, slot(warp, round + ahead), slot(warp + 1, round));
      if (receives) above.receive(next, slot(0, next));
      if (feeds && round >= 0 && ((round + 1) % together == 0 || round + 1 == work.rounds)) {
        const std::int64_t first = round / together * together;
        below.send(first, slot(warp + 1, first));
      }
    }
    // What the warp above has written to a line is complete; and a slot is not
    // written again before the warp below has read it.
    device::synchronize_block();
  }
}

}  // namespace pyquant
