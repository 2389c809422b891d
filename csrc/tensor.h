#pragma once

// From torch's tensors to what the kernels work on: samples of a format in planes.

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "planes.h"
#include "sample.h"

namespace pyquant {

// `argument` is the name of the argument that has this dtype.
inline SampleFormat sample_format(torch::headeronly::ScalarType dtype, const char* argument) {
  using torch::headeronly::ScalarType;
  switch (dtype) {
    case ScalarType::Byte: return SampleFormat::uint8;
    case ScalarType::Half: return SampleFormat::float16;
    case ScalarType::BFloat16: return SampleFormat::bfloat16;
    case ScalarType::Float: return SampleFormat::float32;
    case ScalarType::Double: return SampleFormat::float64;
    default:
      throw std::invalid_argument(std::string(argument) +
                                  " must be uint8, float16, bfloat16, float32 or float64, got " +
                                  torch::headeronly::toString(dtype));
  }
}

inline SampleFormat sample_format(const torch::stable::Tensor& image) {
  return sample_format(image.scalar_type(), "image");
}

// Nothing if more leading dimensions are left after merging than Planes holds.
inline std::optional<Planes> planes_of(const torch::stable::Tensor& image) {
  const auto sizes = image.sizes();
  const auto strides = image.strides();
  const int rank = static_cast<int>(image.dim());

  Planes planes;
  planes.height = sizes[rank - 2];
  planes.width = sizes[rank - 1];
  planes.row_stride = strides[rank - 2];
  planes.column_stride = strides[rank - 1];
  for (int i = 0; i < rank - 2; ++i) {
    planes.count *= sizes[i];
    if (sizes[i] == 1) continue;
    const int last = planes.leading - 1;
    if (last >= 0 && planes.leading_stride[last] == sizes[i] * strides[i]) {
      planes.leading_size[last] *= sizes[i];
      planes.leading_stride[last] = strides[i];
      continue;
    }
    if (planes.leading == Planes::maximum_leading) return std::nullopt;
    planes.leading_size[planes.leading] = sizes[i];
    planes.leading_stride[planes.leading] = strides[i];
    ++planes.leading;
  }
  return planes;
}

// Whether both hold their samples in the same order and without gaps, so that sample
// i of the memory of one belongs to sample i of the other. They have the same shape,
// and no two samples of the result share their memory. So two conditions are enough:
// equal strides, and a last sample that is numel - 1 away from the first.
inline bool same_order_without_gaps(const torch::stable::Tensor& image,
                                    const torch::stable::Tensor& result) {
  std::int64_t last_sample = 0;
  for (std::int64_t i = 0; i < image.dim(); ++i) {
    if (image.size(i) != 1 && image.stride(i) != result.stride(i)) return false;
    last_sample += (image.size(i) - 1) * image.stride(i);
  }
  return last_sample == image.numel() - 1;
}

// torch::stable::empty_like looks its op up by name in every call, which takes as
// long as dithering a small image. A contiguous image, the usual case, goes without.
inline torch::stable::Tensor empty_result(const torch::stable::Tensor& image) {
  if (!image.is_contiguous()) return torch::stable::empty_like(image);
  std::int32_t dtype;
  std::int32_t device_type;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_dtype(image.get(), &dtype));
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_device_type(image.get(), &device_type));
  AtenTensorHandle result;
  TORCH_ERROR_CODE_CHECK(aoti_torch_empty_strided(image.dim(), image.sizes().data(),
                                                  image.strides().data(), dtype, device_type,
                                                  image.get_device_index(), &result));
  return torch::stable::Tensor(result);
}

// Runs kernel(image, image planes, result, result planes) and returns the result: `out`,
// or a new tensor with the shape, dtype, device and memory format of the image if it is
// null. A layout that Planes cannot hold goes through contiguous copies. If `out` is the
// image itself, each sample is replaced where it lies: kernels read it before they write
// there.
template <typename Kernel>
torch::stable::Tensor map_planes(const torch::stable::Tensor& image,
                                 const torch::stable::Tensor* out, Kernel&& kernel) {
  const torch::stable::Tensor result = out ? *out : empty_result(image);
  if (image.numel() == 0) return result;
  const std::optional<Planes> from = planes_of(image);
  const std::optional<Planes> to = planes_of(result);
  if (from && to) {
    kernel(image, *from, result, *to);
    return result;
  }
  const torch::stable::Tensor dense = torch::stable::contiguous(image);
  const torch::stable::Tensor dense_result = torch::stable::empty_like(dense);
  kernel(dense, *planes_of(dense), dense_result, *planes_of(dense_result));
  torch::stable::Tensor written = result;
  torch::stable::copy_(written, dense_result);
  return result;
}

}  // namespace pyquant
