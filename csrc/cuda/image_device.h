#pragma once

// The device of an image. Nothing here waits for the device, so a CUDA graph can
// capture the ops.

#include <cuda_runtime_api.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/macros.h>
#include <torch/csrc/stable/tensor.h>

namespace pyquant {

// While it exists, the device of the image is the current one.
class ImageDevice {
 public:
  explicit ImageDevice(const torch::stable::Tensor& image)
      : index_(image.get_device_index()), guard_(index_) {}

  int multiprocessors() const {
    int count = 0;
    STD_CUDA_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, index_));
    return count;
  }
  // The stream that torch uses at the moment.
  cudaStream_t stream() const {
    void* stream = nullptr;
    TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(index_, &stream));
    return static_cast<cudaStream_t>(stream);
  }

 private:
  int index_;
  torch::stable::accelerator::DeviceGuard guard_;
};

}  // namespace pyquant
