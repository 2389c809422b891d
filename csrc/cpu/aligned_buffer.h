#pragma once

// Memory that begins with a cache line.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "huge_pages.h"

namespace pyquant {

constexpr std::size_t cache_line = 64;

class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t bytes)
      : bytes_(bytes), begin_(::operator new(bytes, std::align_val_t(cache_line))) {
    advise_huge_pages(begin_, static_cast<std::int64_t>(bytes));
  }
  ~AlignedBuffer() { ::operator delete(begin_, std::align_val_t(cache_line)); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  void* begin() const { return begin_; }
  // Fills the buffer with zeros. Until then the memory is not initialised.
  void clear() const { std::memset(begin_, 0, bytes_); }

 private:
  std::size_t bytes_;
  void* begin_;
};

}  // namespace pyquant
