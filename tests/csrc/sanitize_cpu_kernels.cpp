// The CPU kernels without torch and without Python, to be compiled with a
// sanitizer (make sanitize). Every image and result is an allocation of exactly
// its own size, so that AddressSanitizer sees one sample too many; std::thread
// stands in for torch's threads, so that ThreadSanitizer sees the wavefront. Every
// result is compared with the portable kernel.

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "../../csrc/cpu/floyd_steinberg/kernels.h"
#include "../../csrc/cpu/floyd_steinberg/schedule.h"
#include "../../csrc/cpu/linear_quantize/kernels.h"
#include "../../csrc/cpu/simd/dispatch.h"

using namespace pyquant;

namespace {

struct Format {
  SampleFormat format;
  int bytes;
};
constexpr Format formats[] = {{SampleFormat::uint8, 1},
                              {SampleFormat::float16, 2},
                              {SampleFormat::bfloat16, 2},
                              {SampleFormat::float32, 4},
                              {SampleFormat::float64, 8}};

constexpr Threads two_threads = {
    [] { return std::int64_t{2}; },
    [](std::int64_t count, const std::function<void(std::int64_t)>& task) {
      std::vector<std::thread> threads;
      for (std::int64_t i = 0; i < count; ++i) threads.emplace_back(task, i);
      for (std::thread& thread : threads) thread.join();
    }};
constexpr Threads one_thread = {[] { return std::int64_t{1}; }, nullptr};

// Planes with `column_stride` samples from column to column and `gap` more from
// row to row; exactly as many bytes as they reach.
Planes planes_of(std::int64_t count, std::int64_t height, std::int64_t width,
                 std::int64_t column_stride, std::int64_t gap) {
  Planes planes;
  planes.count = count;
  planes.height = height;
  planes.width = width;
  planes.column_stride = column_stride;
  planes.row_stride = width * column_stride + gap;
  planes.leading = 1;
  planes.leading_size[0] = count;
  planes.leading_stride[0] = height * planes.row_stride;
  return planes;
}

std::int64_t reach(const Planes& planes) {
  return (planes.count - 1) * planes.leading_stride[0] + (planes.height - 1) * planes.row_stride +
         (planes.width - 1) * planes.column_stride + 1;
}

using Bytes = std::unique_ptr<unsigned char[]>;

// Random bytes are samples of every kind: negative, huge, infinite, NaN.
Bytes random_bytes(std::int64_t size) {
  Bytes bytes(new unsigned char[size]);
  for (std::int64_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(std::rand() >> 7);
  return bytes;
}

int failures = 0;

void check(bool same, const char* what, const Planes& planes, int format, int bits) {
  if (same) return;
  ++failures;
  std::printf("%s differs: %lld planes of %lldx%lld, column stride %lld, format %d, %d bits\n",
              what, static_cast<long long>(planes.count), static_cast<long long>(planes.height),
              static_cast<long long>(planes.width), static_cast<long long>(planes.column_stride),
              format, bits);
}

void test_floyd_steinberg(InstructionSet set, const Planes& planes, const Format& format, int bits,
                          const Threads& threads) {
  const std::int64_t size = reach(planes) * format.bytes;
  const Bytes image = random_bytes(size);
  for (const Variant variant : {Variant::textbook, Variant::published}) {
    const Bytes result(new unsigned char[size]());
    const Bytes wanted(new unsigned char[size]());
    FloydSteinbergCall call = {image.get(),   planes,  result.get(), planes,
                               format.format, variant, bits};
    dither(call, floyd_steinberg_kernels(set, variant), threads);
    call.result = wanted.get();
    dither(call, portable::floyd_steinberg_kernels(variant), one_thread);
    check(std::memcmp(result.get(), wanted.get(), size) == 0, "floyd_steinberg", planes,
          static_cast<int>(format.format), bits);
  }
}

void test_linear_quantize(InstructionSet set, std::int64_t count, std::int64_t stride,
                          const Format& format, int bits) {
  const Planes planes = planes_of(1, 1, count, stride, 0);
  const std::int64_t size = reach(planes) * format.bytes;
  const Bytes image = random_bytes(size);
  for (const Rounding rounding : {Rounding::nearest, Rounding::floor}) {
    const Bytes result(new unsigned char[size]());
    const Bytes wanted(new unsigned char[size]());
    LinearQuantizeCall call = {image.get(),   stride,   result.get(), stride,
                               format.format, rounding, bits};
    linear_quantize_kernel(set)(call, 0, 0, count);
    call.result = wanted.get();
    portable::linear_quantize_samples(call, 0, 0, count);
    check(std::memcmp(result.get(), wanted.get(), size) == 0, "linear_quantize", planes,
          static_cast<int>(format.format), bits);
  }
}

// Planes and rows gigabytes apart, in and out; only what is touched becomes memory.
void test_offsets_beyond_31_bits(InstructionSet set) {
  Planes planes = planes_of(2, 40, 50, 1, 0);
  planes.row_stride = (std::int64_t{1} << 26) + 3;
  planes.leading_stride[0] = (std::int64_t{1} << 32) + 5;
  const auto map = [&] {
    return static_cast<unsigned char*>(mmap(nullptr, reach(planes), PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  };
  unsigned char* const image = map();
  unsigned char* const result = map();
  unsigned char* const wanted = map();
  const auto for_rows = [&](auto function) {
    for (std::int64_t i = 0; i < 80; ++i) {
      function(planes.offset(i / 40) + i % 40 * planes.row_stride);
    }
  };
  for_rows([&](std::int64_t at) { std::memcpy(image + at, random_bytes(50).get(), 50); });
  const auto compare = [&](const char* what) {
    for_rows([&](std::int64_t at) {
      check(std::memcmp(result + at, wanted + at, 50) == 0, what, planes, 0, 2);
    });
  };
  for (const Variant variant : {Variant::textbook, Variant::published}) {
    FloydSteinbergCall call = {image, planes, result, planes, SampleFormat::uint8, variant, 2};
    dither(call, floyd_steinberg_kernels(set, variant), one_thread);
    call.result = wanted;
    dither(call, portable::floyd_steinberg_kernels(variant), one_thread);
    compare("floyd_steinberg far apart");
  }
  LinearQuantizeCall call = {image, 1, result, 1, SampleFormat::uint8, Rounding::nearest, 3};
  for_rows([&](std::int64_t at) { linear_quantize_kernel(set)(call, at, at, 50); });
  call.result = wanted;
  for_rows([&](std::int64_t at) { portable::linear_quantize_samples(call, at, at, 50); });
  compare("linear_quantize far apart");
  for (unsigned char* memory : {image, result, wanted}) munmap(memory, reach(planes));
}

void test(InstructionSet set) {
  constexpr std::int64_t sizes[][3] = {
      {1, 1, 1},   {1, 1, 129}, {1, 129, 1}, {3, 2, 3},   {17, 3, 5},   {65, 5, 13}, {129, 2, 33},
      {2, 33, 65}, {1, 66, 64}, {8, 9, 16},  {64, 4, 16}, {128, 3, 64}, {2, 65, 200}};
  for (const auto& [count, height, width] : sizes) {
    for (const Format& format : formats) {
      test_floyd_steinberg(set, planes_of(count, height, width, 1, 0), format, 2, one_thread);
      test_floyd_steinberg(set, planes_of(count, height, width, 1, 7), format, 3, one_thread);
      for (const std::int64_t column_stride : {2, 3, 4, 5}) {
        test_floyd_steinberg(set, planes_of(count, height, width, column_stride, 0), format, 1,
                             one_thread);
      }
    }
  }
  for (int bits = 1; bits <= 8; ++bits) {
    test_floyd_steinberg(set, planes_of(66, 3, 70, 1, 0), formats[0], bits, one_thread);
    test_floyd_steinberg(set, planes_of(66, 3, 70, 1, 0), formats[3], bits, one_thread);
    for (const Format& format : formats) {
      for (const std::int64_t count : {1, 7, 15, 16, 17, 31, 63, 64, 65, 130}) {
        test_linear_quantize(set, count, 1, format, bits);
        test_linear_quantize(set, count, 3, format, bits);
      }
    }
  }
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (const Format& format : {formats[0], formats[3]}) {
      test_floyd_steinberg(set, planes_of(1, 420, 330, 1, 0), format, 2, two_threads);
      test_floyd_steinberg(set, planes_of(3, 230, 290, 1, 0), format, 2, two_threads);
      test_floyd_steinberg(set, planes_of(300, 20, 30, 1, 0), format, 2, two_threads);
    }
  }
  // Wide planes, which are dithered in blocks: stripes, and planes side by side.
  for (const Format& format : {formats[0], formats[3]}) {
    test_floyd_steinberg(set, planes_of(1, 8, 40000, 1, 0), format, 2, one_thread);
    test_floyd_steinberg(set, planes_of(1, 70, 40000, 1, 0), format, 2, two_threads);
    test_floyd_steinberg(set, planes_of(1, 8, 40000, 3, 5), format, 3, one_thread);
    test_floyd_steinberg(set, planes_of(70, 3, 40000, 1, 0), format, 2, one_thread);
    test_floyd_steinberg(set, planes_of(17, 3, 40000, 2, 5), format, 1, one_thread);
  }
  test_offsets_beyond_31_bits(set);
}

}  // namespace

int main() {
#define PYQUANT_TEST(set)                                      \
  if (set::is_supported()) {                                   \
    test(InstructionSet::set);                                 \
    std::printf("%s: %s\n", #set, failures ? "FAILED" : "ok"); \
  }
  PYQUANT_INSTRUCTION_SETS(PYQUANT_TEST)
  return failures != 0;
}
