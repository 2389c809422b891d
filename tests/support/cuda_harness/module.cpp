// The Python module of the fibre engine.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "fibres.h"
#include "launch.h"

namespace py = pybind11;

namespace {

constexpr const char* walks[] = {"planes", "interleaved", "stripes", "bands"};

constexpr const char* transfers[] = {"pieces", "words", "samples"};

simt::Image image_of(const py::array& array, const std::string& dtype) {
  simt::Image image = {dtype, {}, {}};
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    image.sizes.push_back(array.shape(i));
    image.strides.push_back(array.strides(i) / array.itemsize());
  }
  return image;
}

// The bytes between the first and the last sample of an array.
simt::Buffer buffer_of(const py::array& array) {
  std::size_t bytes = array.itemsize();
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    bytes += (array.shape(i) - 1) * array.strides(i);
  }
  return {static_cast<const unsigned char*>(array.data()), bytes};
}

py::dict traffic_of(const simt::Traffic& traffic) {
  py::dict result;
  result["requests"] = traffic.requests;
  result["sectors"] = traffic.sectors;
  result["minimum_sectors"] = traffic.minimum_sectors;
  result["passes"] = traffic.passes;
  result["conflicts"] = traffic.conflicts;
  return result;
}

// With `last_blocks` only these, of the last launch.
py::dict execute(const simt::Launches& launches, const py::array& image, const py::array& result,
                 std::uint32_t seed, std::int64_t resident_blocks, std::int64_t last_blocks) {
  std::vector<simt::Buffer> buffers = {buffer_of(image)};
  for (const simt::Launch& launch : launches) {
    buffers.push_back(
        {reinterpret_cast<const unsigned char*>(launch.scratch.data()), 4 * launch.scratch.size()});
  }
  simt::GlobalMemory memory(buffers, buffer_of(result));
  simt::Fibres fibres(seed, resident_blocks, memory);
  const simt::Launch& last = launches.back();
  for (const simt::Launch& launch : launches) {
    if (last_blocks && &launch != &last) continue;
    fibres.launch(last_blocks ? launch.blocks - last_blocks : 0, launch.blocks, launch.warps,
                  launch.shared_bytes, launch.kernel);
  }
  if (!last_blocks && memory.written_bytes() != static_cast<std::size_t>(result.nbytes())) {
    throw simt::Fault("a part of the result was never written");
  }

  py::dict counts;
  counts["launches"] = launches.size();
  counts["samples"] = std::accumulate(
      launches.begin(), launches.end(), std::int64_t{0},
      [](std::int64_t sum, const simt::Launch& launch) { return sum + launch.samples; });
  counts["walk"] = walks[static_cast<int>(last.walk)];
  counts["transfers"] = transfers[static_cast<int>(last.transfers)];
  counts["blocks"] = last.blocks;
  counts["warps"] = last.warps;
  counts["shared_bytes"] = last.shared_bytes;
  counts["shuffles"] = fibres.counts.shuffles;
  counts["warp_barriers"] = fibres.counts.warp_barriers;
  counts["block_barriers"] = fibres.counts.block_barriers;
  counts["global_loads"] = traffic_of(fibres.counts.traffic[0][0]);
  counts["global_stores"] = traffic_of(fibres.counts.traffic[0][1]);
  counts["shared_loads"] = traffic_of(fibres.counts.traffic[1][0]);
  counts["shared_stores"] = traffic_of(fibres.counts.traffic[1][1]);
  return counts;
}

py::dict floyd_steinberg(const py::array& image, py::array& result, const std::string& dtype,
                         int bits, const std::string& variant, std::uint32_t seed,
                         std::int64_t resident_blocks, int multiprocessors,
                         std::int64_t last_blocks) {
  return execute(
      simt::floyd_steinberg(image_of(image, dtype), image.data(), image_of(result, dtype),
                            result.mutable_data(), bits, variant, multiprocessors),
      image, result, seed, resident_blocks, last_blocks);
}

py::dict linear_quantize(const py::array& image, py::array& result, const std::string& dtype,
                         int bits, const std::string& rounding, std::uint32_t seed,
                         std::int64_t resident_blocks, std::int64_t last_blocks) {
  return execute(
      simt::linear_quantize(image_of(image, dtype), image.data(), image_of(result, dtype),
                            result.mutable_data(), bits, rounding),
      image, result, seed, resident_blocks, last_blocks);
}

// byte/255 as the textbook variant computes it.
std::vector<float> units() {
  std::vector<float> result;
  for (int byte = 0; byte < 256; ++byte) {
    result.push_back(pyquant::byte_to_unit(0x1p23f + static_cast<float>(byte)));
  }
  return result;
}

// What plan_floyd_steinberg makes of planes that lie one after the other, or of which so many are
// interleaved.
py::dict plan(std::int64_t count, std::int64_t height, std::int64_t width, int sample_size,
              int multiprocessors, std::int64_t interleaved) {
  const pyquant::Planes planes = {.count = count,
                                  .height = height,
                                  .width = width,
                                  .row_stride = width * interleaved,
                                  .column_stride = interleaved,
                                  .leading = interleaved > 1 ? 2 : 1,
                                  .leading_size = {count / interleaved, interleaved},
                                  .leading_stride = {height * width * interleaved, 1}};
  pyquant::FloydSteinbergPlan plan;
  pyquant::plan_floyd_steinberg(plan, planes, planes, sample_size, multiprocessors);
  using namespace py::literals;
  return py::dict("walk"_a = walks[static_cast<int>(plan.walk)],
                  "transfers"_a = transfers[static_cast<int>(plan.transfers)],
                  "planes_per_stream"_a = plan.planes_per_stream, "streams"_a = plan.streams,
                  "stripes"_a = plan.stripes, "bands"_a = plan.bands, "rounds"_a = plan.rounds,
                  "warps"_a = plan.warps, "blocks"_a = plan.blocks,
                  "scratch_words"_a = plan.scratch_words, "shared_bytes"_a = plan.shared_bytes,
                  "steps"_a = pyquant::round_steps(sample_size));
}

}  // namespace

PYBIND11_MODULE(cuda_harness, module) {
  py::register_exception<simt::Fault>(module, "Fault");
  module.def("floyd_steinberg", &floyd_steinberg);
  module.def("linear_quantize", &linear_quantize);
  module.def("plan", &plan, py::arg("count"), py::arg("height"), py::arg("width"),
             py::arg("sample_size"), py::arg("multiprocessors"), py::arg("interleaved") = 1);
  module.def("quotient", [](std::uint32_t number, std::uint32_t divisor) {
    return pyquant::Divisor(divisor).quotient(number);
  });
  module.def("units", &units);
  module.def("plant", &simt::plant);
}
