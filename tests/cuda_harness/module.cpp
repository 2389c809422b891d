// The Python module of the fibre engine.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <string>
#include <utility>

#include "fibres.h"
#include "launch.h"

namespace py = pybind11;

namespace {

simt::Image image_of(const py::array& array, const std::string& dtype) {
  simt::Image image = {dtype, {}, {}};
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    image.sizes.push_back(array.shape(i));
    image.strides.push_back(array.strides(i) / array.itemsize());
  }
  return image;
}

// The bytes between the first and the last sample of an array.
simt::Buffer buffer_of(const py::array& array, bool write_once) {
  std::size_t bytes = array.itemsize();
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    bytes += (array.shape(i) - 1) * array.strides(i);
  }
  simt::Buffer buffer = {static_cast<const unsigned char*>(array.data()), bytes, write_once};
  if (write_once) buffer.written.resize(bytes);
  return buffer;
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

py::dict execute(simt::Launch launch, const py::array& image, const py::array& result,
                 std::uint32_t seed, std::int64_t resident_blocks) {
  simt::Fibres fibres(seed, resident_blocks);
  fibres.buffers.push_back(buffer_of(image, false));
  fibres.buffers.push_back(buffer_of(result, true));
  fibres.buffers.push_back({reinterpret_cast<const unsigned char*>(launch.scratch.data()),
                            4 * launch.scratch.size(), false});
  fibres.launch(launch.blocks, launch.warps, launch.shared_bytes, launch.kernel);

  py::dict counts;
  counts["blocks"] = launch.blocks;
  counts["warps"] = launch.warps;
  counts["shared_bytes"] = launch.shared_bytes;
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
                         std::int64_t resident_blocks, int multiprocessors) {
  return execute(simt::floyd_steinberg(image_of(image, dtype), image.data(),
                                       image_of(result, dtype), result.mutable_data(), bits,
                                       variant, multiprocessors),
                 image, result, seed, resident_blocks);
}

py::dict linear_quantize(const py::array& image, py::array& result, const std::string& dtype,
                         int bits, const std::string& rounding, bool without_gaps,
                         std::uint32_t seed, std::int64_t resident_blocks, int multiprocessors) {
  return execute(simt::linear_quantize(image_of(image, dtype), image.data(),
                                       image_of(result, dtype), result.mutable_data(), bits,
                                       rounding, without_gaps, multiprocessors),
                 image, result, seed, resident_blocks);
}

// Sizes and offsets of what the kernels are told, for the test of their documentation.
py::dict layout() {
  using pyquant::FloydSteinbergWork;
  using pyquant::LinearQuantizeWork;
  using pyquant::Planes;
  py::dict result;
#define PYQUANT_OFFSET(type, member) result[#type "." #member] = offsetof(type, member)
  PYQUANT_OFFSET(FloydSteinbergWork, to);
  PYQUANT_OFFSET(FloydSteinbergWork, bits);
  PYQUANT_OFFSET(FloydSteinbergWork, wide_stores);
  PYQUANT_OFFSET(FloydSteinbergWork, planes_per_stream);
  PYQUANT_OFFSET(FloydSteinbergWork, streams);
  PYQUANT_OFFSET(FloydSteinbergWork, stripes);
  PYQUANT_OFFSET(FloydSteinbergWork, bands);
  PYQUANT_OFFSET(FloydSteinbergWork, rounds);
  PYQUANT_OFFSET(FloydSteinbergWork, scratch);
  PYQUANT_OFFSET(FloydSteinbergWork, scratch_words);
  PYQUANT_OFFSET(LinearQuantizeWork, to);
  PYQUANT_OFFSET(LinearQuantizeWork, samples);
  PYQUANT_OFFSET(LinearQuantizeWork, bits);
  PYQUANT_OFFSET(Planes, row_stride);
  PYQUANT_OFFSET(Planes, column_stride);
  PYQUANT_OFFSET(Planes, leading);
  PYQUANT_OFFSET(Planes, leading_size);
  PYQUANT_OFFSET(Planes, leading_stride);
#undef PYQUANT_OFFSET
  result["FloydSteinbergWork"] = sizeof(FloydSteinbergWork);
  result["LinearQuantizeWork"] = sizeof(LinearQuantizeWork);
  return result;
}

void plant(const std::string& bug) {
  simt::bugs = {};
  if (bug == "no warp barriers") simt::bugs.no_warp_barriers = true;
  if (bug == "no block barriers") simt::bugs.no_block_barriers = true;
  if (bug == "late shuffles") simt::bugs.late_shuffles = true;
  if (bug == "a row too many") simt::bugs.a_row_too_many = true;
  if (bug == "last block first") simt::bugs.last_block_first = true;
}

}  // namespace

PYBIND11_MODULE(cuda_harness, module) {
  py::register_exception<simt::Fault>(module, "Fault");
  module.def("floyd_steinberg", &floyd_steinberg);
  module.def("linear_quantize", &linear_quantize);
  module.def("layout", &layout);
  module.def("plant", &plant);
}
