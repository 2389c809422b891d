#include "schedule.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "../../divide_up.h"
#include "../aligned_buffer.h"

namespace pyquant {
namespace {

// The buffer of stripes should stay in the second level of the cache.
constexpr std::int64_t most_buffer_bytes = 1 << 19;

// How many threads are worth their wake-up; small calls do not even ask for them.
std::int64_t useful_threads(const Planes& planes, const Threads& threads) {
  const std::int64_t most = planes.count * planes.height * planes.width / samples_per_thread;
  return most <= 1 ? 1 : std::min(most, threads.available());
}

void dither_by_planes(const FloydSteinbergCall& call, const FloydSteinbergKernels& kernels,
                      const Threads& threads, std::int64_t thread_count) {
  const std::int64_t planes = call.image_planes.count;
  if (thread_count == 1) return kernels.dither_planes(call, 0, planes);
  const std::int64_t groups = divide_up(planes, kernels.planes_at_once);
  const std::int64_t share = divide_up(groups, thread_count) * kernels.planes_at_once;
  threads.run(divide_up(planes, share), [&](std::int64_t i) {
    kernels.dither_planes(call, i * share, std::min((i + 1) * share, planes));
  });
}

// Each stripe is handed out after the one above it. So a thread waits only for a stripe
// that some thread has already begun, and this ends with any number of threads. Groups
// of planes take turns, so the next stripe of a group does not have to wait long.
void dither_by_stripes(const FloydSteinbergCall& call, const FloydSteinbergKernels& kernels,
                       const Threads& threads, std::int64_t thread_count) {
  const std::int64_t planes = call.image_planes.count;
  const std::int64_t row_bytes = kernels.row_above_bytes(call.image_planes.width);
  const std::int64_t buffer_bytes = kernels.buffer_bytes(call.image_planes.width);
  const std::int64_t at_once = buffer_bytes <= most_buffer_bytes ? kernels.stripes_at_once : 1;
  const std::int64_t groups = divide_up(planes, at_once);
  const std::int64_t stripes = divide_up(call.image_planes.height, kernels.rows_at_once);
  const auto dither_stripes = [&](std::int64_t group, auto... arguments) {
    kernels.dither_stripes(call, group * at_once, std::min((group + 1) * at_once, planes),
                           arguments...);
  };
  if (thread_count == 1) {
    const AlignedBuffer row_above(row_bytes);
    const AlignedBuffer buffer(buffer_bytes);
    buffer.clear(buffer_bytes);
    for (std::int64_t group = 0; group < groups; ++group) {
      for (std::int64_t stripe = 0; stripe < stripes; ++stripe) {
        dither_stripes(group, stripe, row_above.begin(), buffer.begin(), nullptr, nullptr);
      }
    }
    return;
  }
  const AlignedBuffer rows_above(groups * row_bytes);
  const auto row_above = [&](std::int64_t group) {
    return static_cast<unsigned char*>(rows_above.begin()) + group * row_bytes;
  };
  const auto progress = std::make_unique<StripeProgress[]>(groups * stripes);
  std::atomic<std::int64_t> next = 0;
  threads.run(thread_count, [&](std::int64_t) {
    const AlignedBuffer buffer(buffer_bytes);
    buffer.clear(buffer_bytes);
    for (std::int64_t job; (job = next.fetch_add(1)) < groups * stripes;) {
      const std::int64_t group = job % groups;
      dither_stripes(group, job / groups, row_above(group), buffer.begin(),
                     job < groups ? nullptr : &progress[job - groups], &progress[job]);
    }
  });
}

// Stripes if they take less time, counted in steps of one register. A step of a
// stripe costs a little more, and each row starts two steps after the row above.
bool stripes_are_faster(const Planes& planes, const FloydSteinbergKernels& kernels,
                        std::int64_t thread_count) {
  if (kernels.rows_at_once == 0) return false;
  const std::int64_t groups = divide_up(planes.count, kernels.planes_at_once);
  const std::int64_t by_planes = divide_up(groups, thread_count) * planes.height * planes.width;
  const std::int64_t stripes = divide_up(planes.height, kernels.rows_at_once) * planes.count;
  const std::int64_t lag = 2 * std::min<std::int64_t>(planes.height, kernels.rows_at_once);
  const std::int64_t by_stripes = divide_up(stripes, thread_count) * (planes.width + lag) *
                                  (kernels.rows_at_once / kernels.planes_at_once);
  return by_stripes + by_stripes / 4 < by_planes;
}

// Few rows that are very wide: most lanes would have nothing to do, and buffers for
// all of them would be many times as large as the image. More rows than these are
// faster in lanes, except 5 to 8 rows of the textbook variant in AVX-512, which take up
// to twice the time there.
bool lanes_stay_empty(const Planes& planes) {
  const std::int64_t most_rows = planes.count == 1 ? 4 : 2;
  return planes.count * planes.height <= most_rows && planes.width >= 1 << 18;
}

}  // namespace

void dither(const FloydSteinbergCall& call, const FloydSteinbergKernels& kernels,
            const Threads& threads) {
  const std::int64_t thread_count = useful_threads(call.image_planes, threads);
  if (lanes_stay_empty(call.image_planes)) {
    dither_by_planes(call, portable::floyd_steinberg_kernels(call.variant), threads, thread_count);
  } else if (stripes_are_faster(call.image_planes, kernels, thread_count)) {
    dither_by_stripes(call, kernels, threads, thread_count);
  } else {
    dither_by_planes(call, kernels, threads, thread_count);
  }
}

}  // namespace pyquant
