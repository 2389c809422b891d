// The CUDA kernels are a library of their own, which is loaded under a torch with CUDA
// only (pyquant/libraries.py). They register themselves in the op.cpp files.

#include "../python_module.h"

PYQUANT_PYTHON_MODULE(_C_cuda)
