#pragma once

// From a tensor's dtype to the C++ type of its samples.

#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/BFloat16.h>
#include <torch/headeronly/util/Half.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace pyquant {

template <typename Type>
struct SampleType {
  using type = Type;
};

// Calls function(SampleType<T>()) with the T of the dtype.
template <typename Function>
auto dispatch_sample_type(torch::headeronly::ScalarType dtype, const char* argument,
                          Function&& function) {
  using torch::headeronly::ScalarType;
  switch (dtype) {
    case ScalarType::Byte:
      return function(SampleType<std::uint8_t>());
    case ScalarType::Half:
      return function(SampleType<torch::headeronly::Half>());
    case ScalarType::BFloat16:
      return function(SampleType<torch::headeronly::BFloat16>());
    case ScalarType::Float:
      return function(SampleType<float>());
    case ScalarType::Double:
      return function(SampleType<double>());
    default:
      throw std::invalid_argument(std::string(argument) +
                                  " must be uint8, float16, bfloat16, float32 or float64, got " +
                                  torch::headeronly::toString(dtype));
  }
}

}  // namespace pyquant
