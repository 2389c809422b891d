"""What the CUDA kernels take of a GPU, counted in their machine code. No GPU is needed."""
