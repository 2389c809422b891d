// Every op on one screen. The kernels register themselves in the op.cpp files: those of
// cpu/ belong to this library, those of cuda/ are a library of their own. Fake kernels,
// gradients and vmap rules are in pyquant/registration.py and pyquant/gradients.py.

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <string>
#include <type_traits>

#include "checks.h"
#include "cpu/simd/dispatch.h"
#include "levels.h"
#include "python_module.h"
#include "sample.h"
#include "tensor.h"

namespace pyquant {
namespace {

torch::stable::Tensor levels(std::int64_t bits, std::string variant,
                             torch::headeronly::ScalarType dtype) {
  const int valid_bits = checked_bits(bits);
  const Variant level_table = checked_variant(variant);
  return with_sample_type(
      sample_format(dtype, "dtype"), [&]<typename Sample>(std::type_identity<Sample>) {
        torch::stable::Tensor result = torch::stable::empty({level_count(valid_bits)}, dtype);
        Sample* level = static_cast<Sample*>(result.mutable_data_ptr());
        for (int code = 0; code < level_count(valid_bits); ++code) {
          level[code] = level_table == Variant::textbook
                            ? textbook_level<Sample>(code, valid_bits)
                            : published_level<Sample>(code, valid_bits);
        }
        return result;
      });
}

// All three are set by setup.py: with which toolkit and for which architectures the
// CUDA kernels were built, or both empty and why they were not.
std::string cuda_toolkit() { return PYQUANT_CUDA_TOOLKIT; }
std::string cuda_architectures() { return PYQUANT_CUDA_ARCHITECTURES; }
std::string cuda_reason() { return PYQUANT_CUDA_REASON; }

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY(pyquant, library) {
  library.def("floyd_steinberg(Tensor image, int bits, str variant='textbook') -> Tensor");
  library.def("linear_quantize(Tensor image, int bits, str rounding='nearest') -> Tensor");
  // Nothing is returned: a returned alias would keep torch.compile from the ops. `out` is
  // positional: torch.compile refuses a keyword `out` that is not contiguous.
  library.def("floyd_steinberg.out(Tensor image, int bits, str variant, Tensor(a!) out) -> ()");
  library.def("linear_quantize.out(Tensor image, int bits, str rounding, Tensor(a!) out) -> ()");
  library.def("levels(int bits, *, str variant, ScalarType dtype) -> Tensor");
  library.def("instruction_set() -> str");
  library.def("_supported_instruction_sets() -> str");
  library.def("_use_instruction_set(str name) -> ()");
  library.def("cuda_toolkit() -> str");
  library.def("cuda_architectures() -> str");
  library.def("cuda_reason() -> str");
}

STABLE_TORCH_LIBRARY_IMPL(pyquant, CompositeExplicitAutograd, library) {
  library.impl("levels", TORCH_BOX(&pyquant::levels));
  library.impl("instruction_set", TORCH_BOX(&pyquant::instruction_set_name));
  library.impl("_supported_instruction_sets", TORCH_BOX(&pyquant::supported_instruction_sets));
  library.impl("_use_instruction_set", TORCH_BOX(&pyquant::use_instruction_set));
  library.impl("cuda_toolkit", TORCH_BOX(&pyquant::cuda_toolkit));
  library.impl("cuda_architectures", TORCH_BOX(&pyquant::cuda_architectures));
  library.impl("cuda_reason", TORCH_BOX(&pyquant::cuda_reason));
}

PYQUANT_PYTHON_MODULE(_C)
