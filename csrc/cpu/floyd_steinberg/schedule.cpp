#include "schedule.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "../../divide_up.h"
#include "../aligned_buffer.h"

namespace pyquant {
namespace {

// The buffer of stripes side by side should stay in the second level of the cache.
constexpr std::int64_t most_buffer_bytes = 1 << 19;

// How many threads are worth their wake-up; small calls do not even ask for them.
std::int64_t useful_threads(const Planes& planes, const Threads& threads) {
  const std::int64_t most = planes.count * planes.height * planes.width / samples_per_thread;
  return most <= 1 ? 1 : std::min(most, threads.available());
}

Schedule schedule_of_planes(const Planes& image, const FloydSteinbergKernels& kernels,
                            std::int64_t thread_count) {
  const std::int64_t groups = divide_up(image.count, kernels.planes_at_once);
  const std::int64_t share =
      std::min(image.count, divide_up(groups, thread_count) * kernels.planes_at_once);
  return {.kernels = kernels,
          .by_stripes = false,
          .planes_at_once = share,
          .threads = divide_up(image.count, share),
          .shared_bytes = 0,
          .thread_bytes = kernels.planes_bytes(image, share)};
}

void dither_by_planes(const FloydSteinbergCall& call, const Schedule& schedule,
                      const Threads& threads) {
  const std::int64_t planes = call.image_planes.count;
  const std::int64_t share = schedule.planes_at_once;
  const auto dither_share = [&](std::int64_t i) {
    const AlignedBuffer scratch(schedule.thread_bytes);
    schedule.kernels.dither_planes(call, i * share, std::min((i + 1) * share, planes),
                                   scratch.begin());
  };
  if (schedule.threads == 1) return dither_share(0);
  threads.run(schedule.threads, dither_share);
}

// All stripes of the same planes.
struct StripeGroups {
  std::int64_t count;
  std::int64_t stripes;  // of each
  std::int64_t row_bytes;

  StripeGroups(const Planes& image, const FloydSteinbergKernels& kernels, std::int64_t at_once)
      : count(divide_up(image.count, at_once)),
        stripes(divide_up(image.height, kernels.rows_at_once)),
        row_bytes(divide_up(kernels.row_above_bytes(image.width, at_once), cache_line) *
                  cache_line) {}
};

Schedule schedule_of_stripes(const Planes& image, const FloydSteinbergKernels& kernels,
                             std::int64_t thread_count) {
  const std::int64_t most = kernels.stripes_at_once;
  const bool side_by_side =
      image.count > 1 && kernels.buffer_bytes(image.width, most, false) <= most_buffer_bytes;
  const std::int64_t at_once = side_by_side ? most : 1;
  const StripeGroups groups(image, kernels, at_once);
  const std::int64_t jobs = groups.count * groups.stripes;
  const std::int64_t threads = std::min(thread_count, jobs);
  const std::int64_t progress_bytes = jobs * sizeof(StripeProgress);
  return {.kernels = kernels,
          .by_stripes = true,
          .planes_at_once = at_once,
          .threads = threads,
          .shared_bytes =
              threads == 1 ? groups.row_bytes : groups.count * groups.row_bytes + progress_bytes,
          .thread_bytes = kernels.buffer_bytes(image.width, at_once, threads == 1)};
}

// Each stripe is handed out after the one above it. So a thread waits only for a stripe
// that some thread has already begun, and this ends with any number of threads. Groups
// of planes take turns, so the next stripe of a group does not have to wait long.
void dither_by_stripes(const FloydSteinbergCall& call, const Schedule& schedule,
                       const Threads& threads) {
  const FloydSteinbergKernels& kernels = schedule.kernels;
  const std::int64_t planes = call.image_planes.count;
  const std::int64_t at_once = schedule.planes_at_once;
  const StripeGroups groups(call.image_planes, kernels, at_once);
  const auto dither_stripes = [&](std::int64_t group, auto... arguments) {
    kernels.dither_stripes(call, group * at_once, std::min((group + 1) * at_once, planes),
                           arguments...);
  };
  const bool lanes_are_floats = call.variant == Variant::textbook;  // bytes are ordinary numbers
  if (schedule.threads == 1) {
    const AlignedBuffer scratch(schedule.scratch_bytes());
    if (lanes_are_floats) scratch.clear();
    auto* const buffer = static_cast<unsigned char*>(scratch.begin()) + schedule.shared_bytes;
    for (std::int64_t group = 0; group < groups.count; ++group) {
      for (std::int64_t stripe = 0; stripe < groups.stripes; ++stripe) {
        dither_stripes(group, stripe, scratch.begin(), buffer, nullptr, nullptr);
      }
    }
    return;
  }
  const std::int64_t jobs = groups.count * groups.stripes;
  const AlignedBuffer shared(schedule.shared_bytes);
  auto* const rows_above = static_cast<unsigned char*>(shared.begin());
  auto* const progress =
      reinterpret_cast<StripeProgress*>(rows_above + groups.count * groups.row_bytes);
  std::uninitialized_value_construct_n(progress, jobs);
  std::atomic<std::int64_t> next = 0;
  threads.run(schedule.threads, [&](std::int64_t) {
    const AlignedBuffer buffer(schedule.thread_bytes);
    if (lanes_are_floats) buffer.clear();
    for (std::int64_t job; (job = next.fetch_add(1)) < jobs;) {
      const std::int64_t group = job % groups.count;
      dither_stripes(group, job / groups.count, rows_above + group * groups.row_bytes,
                     buffer.begin(), job < groups.count ? nullptr : &progress[job - groups.count],
                     &progress[job]);
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

Schedule schedule_of(const Planes& image, Variant variant, const FloydSteinbergKernels& kernels,
                     const Threads& threads) {
  const std::int64_t thread_count = useful_threads(image, threads);
  if (lanes_stay_empty(image)) {
    return schedule_of_planes(image, portable::floyd_steinberg_kernels(variant), thread_count);
  }
  if (stripes_are_faster(image, kernels, thread_count)) {
    return schedule_of_stripes(image, kernels, thread_count);
  }
  return schedule_of_planes(image, kernels, thread_count);
}

void dither(const FloydSteinbergCall& call, const FloydSteinbergKernels& kernels,
            const Threads& threads) {
  const Schedule schedule = schedule_of(call.image_planes, call.variant, kernels, threads);
  if (schedule.by_stripes) {
    dither_by_stripes(call, schedule, threads);
  } else {
    dither_by_planes(call, schedule, threads);
  }
}

}  // namespace pyquant
