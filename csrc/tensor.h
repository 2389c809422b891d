#pragma once

// From a tensor to the planes that the kernels work on.

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <optional>

#include "planes.h"

namespace pyquant {

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

// torch::stable::empty_like looks its op up by name in every call, which takes as
// long as dithering a small image does; the usual, contiguous case has a shorter way.
inline torch::stable::Tensor empty_result(const torch::stable::Tensor& image) {
  if (!image.is_contiguous()) return torch::stable::empty_like(image);
  std::int32_t dtype;
  std::int32_t device_type;
  STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_get_dtype(image.get(), &dtype));
  STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_get_device_type(image.get(), &device_type));
  AtenTensorHandle result;
  STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_empty_strided(
      image.dim(), image.sizes().data(), image.strides().data(), dtype, device_type,
      image.get_device_index(), &result));
  return torch::stable::Tensor(result);
}

// Runs kernel(image, image planes, result, result planes) for a result with the
// shape, dtype, device and memory format of the image. A layout that Planes
// cannot hold goes through contiguous copies.
template <typename Kernel>
torch::stable::Tensor map_planes(const torch::stable::Tensor& image, Kernel&& kernel) {
  torch::stable::Tensor result = empty_result(image);
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
  torch::stable::copy_(result, dense_result);
  return result;
}

}  // namespace pyquant
