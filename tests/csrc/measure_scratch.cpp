// What floyd_steinberg allocates besides image and result, counted where it is allocated:
// the formula of the schedule must be exactly that, and within the bound that schedule.h
// states. Compiled and run by test_cpu_memory.py.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "../../csrc/cpu/floyd_steinberg/kernels.h"
#include "../../csrc/cpu/floyd_steinberg/schedule.h"
#include "../../csrc/cpu/simd/dispatch.h"

namespace {

std::atomic<std::int64_t> allocated = 0;

}  // namespace

// Of AlignedBuffer; all allocations of a call are alive at the same time.
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  allocated += static_cast<std::int64_t>(bytes);
  const auto line = static_cast<std::size_t>(alignment);
  return std::aligned_alloc(line, (bytes + line - 1) / line * line);
}
void operator delete(void* begin, std::align_val_t) noexcept { std::free(begin); }

using namespace pyquant;

namespace {

template <int count>
constexpr Threads threads = {[] { return std::int64_t{count}; },
                             [](std::int64_t tasks, const std::function<void(std::int64_t)>& task) {
                               std::vector<std::thread> running;
                               for (std::int64_t i = 0; i < tasks; ++i)
                                 running.emplace_back(task, i);
                               for (std::thread& thread : running) thread.join();
                             }};

int failures = 0;

void test(InstructionSet set, Variant variant, SampleFormat format, std::int64_t sample_bytes,
          std::int64_t count, std::int64_t height, std::int64_t width, const Threads& threads) {
  Planes planes;
  planes.count = count;
  planes.height = height;
  planes.width = planes.row_stride = width;
  planes.column_stride = 1;
  planes.leading = 1;
  planes.leading_size[0] = count;
  planes.leading_stride[0] = height * width;
  const std::int64_t image_bytes = count * height * width * sample_bytes;
  const std::unique_ptr<unsigned char[]> image(new unsigned char[image_bytes]());
  const std::unique_ptr<unsigned char[]> result(new unsigned char[image_bytes]);
  const FloydSteinbergKernels kernels = floyd_steinberg_kernels(set, variant);
  const Schedule schedule = schedule_of(planes, variant, kernels, threads);
  allocated = 0;
  dither({image.get(), planes, result.get(), planes, format, variant, 2}, kernels, threads);
  const std::int64_t bound = 4 * image_bytes + schedule.threads * (std::int64_t{2} << 20);
  if (allocated == schedule.scratch_bytes() && allocated <= bound &&
      schedule.threads <= threads.available()) {
    return;
  }
  ++failures;
  std::printf(
      "set %d, variant %d, %lld planes of %lldx%lld, samples of %lld bytes, %lld threads: "
      "allocated %lld, formula %lld, bound %lld\n",
      static_cast<int>(set), static_cast<int>(variant), static_cast<long long>(count),
      static_cast<long long>(height), static_cast<long long>(width),
      static_cast<long long>(sample_bytes), static_cast<long long>(schedule.threads),
      static_cast<long long>(allocated), static_cast<long long>(schedule.scratch_bytes()),
      static_cast<long long>(bound));
}

void test(InstructionSet set) {
  constexpr std::int64_t wide = 1 << 20;
  constexpr std::int64_t shapes[][3] = {
      {1, 1, 1},         {1, 1, wide},      {1, 2, wide},     {1, 8, wide},        {2, 1, wide},
      {2, 2, wide},      {1, wide, 1},      {3, wide / 2, 2}, {17, 1, wide},       {3, 5, wide / 2},
      {17, 2, wide / 8}, {49, 1, wide / 8}, {5, 3, wide / 4}, {5000, 1, 1},        {5000, 3, 100},
      {100000, 2, 1},    {1, 2100, 2100},   {3, 700, 900},    {20, 2050, 6000 / 4}};
  for (const auto& [count, height, width] : shapes) {
    for (const Variant variant : {Variant::textbook, Variant::published}) {
      test(set, variant, SampleFormat::uint8, 1, count, height, width, threads<1>);
      test(set, variant, SampleFormat::uint8, 1, count, height, width, threads<4>);
      test(set, variant, SampleFormat::uint8, 1, count, height, width, threads<16>);
    }
  }
}

}  // namespace

int main() {
#define PYQUANT_TEST(set) \
  if (set::is_supported()) test(InstructionSet::set);
  PYQUANT_INSTRUCTION_SETS(PYQUANT_TEST)
  return failures != 0;
}
