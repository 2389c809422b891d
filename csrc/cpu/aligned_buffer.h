#pragma once

// Memory that begins with a cache line, uninitialised.

#include <cstddef>
#include <new>

namespace pyquant {

constexpr std::size_t cache_line = 64;

class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t bytes)
      : begin_(::operator new(bytes, std::align_val_t(cache_line))) {}
  ~AlignedBuffer() { ::operator delete(begin_, std::align_val_t(cache_line)); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  void* begin() const { return begin_; }

 private:
  void* begin_;
};

}  // namespace pyquant
