#pragma once

// The memory of a launch, where each access is checked.

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "engine.h"

namespace simt {

// Zeros; only the pages that are touched take memory.
class SparseBytes {
 public:
  explicit SparseBytes(std::size_t bytes) : bytes_(std::max<std::size_t>(bytes, 1)) {
    void* address = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<unsigned char*>(address);
  }
  ~SparseBytes() { munmap(data_, bytes_); }
  SparseBytes(const SparseBytes&) = delete;
  SparseBytes& operator=(const SparseBytes&) = delete;
  unsigned char& operator[](std::size_t i) { return data_[i]; }

 private:
  std::size_t bytes_;
  unsigned char* data_;
};

struct Buffer {
  const unsigned char* begin = nullptr;
  std::size_t bytes = 0;

  // Where an access lies in the buffer, or -1.
  std::ptrdiff_t offset_of(const void* address, int size) const {
    const std::ptrdiff_t offset = static_cast<const unsigned char*>(address) - begin;
    return offset < 0 || offset + size > static_cast<std::ptrdiff_t>(bytes) ? -1 : offset;
  }
};

// The buffers that a kernel may use, and the result: each of its bytes may be written
// once, and not be read. If the result is the image itself, bytes may be read until they
// are written.
class GlobalMemory {
 public:
  GlobalMemory(std::vector<Buffer> buffers, Buffer result)
      : buffers_(std::move(buffers)), result_(result), written_(result.bytes) {}

  std::size_t written_bytes() const { return written_bytes_; }

  void check(Direction direction, const void* address, int size) {
    if (const std::ptrdiff_t offset = result_.offset_of(address, size); offset >= 0) {
      if (direction == Direction::load) return check_load_of_result(offset, size);
      for (std::ptrdiff_t i = offset; i < offset + size; ++i) {
        if (written_[i]++) throw Fault("a part of the result is written twice");
      }
      written_bytes_ += size;
      return;
    }
    const bool is_inside = std::any_of(buffers_.begin(), buffers_.end(), [&](const Buffer& buffer) {
      return buffer.offset_of(address, size) >= 0;
    });
    if (!is_inside) throw Fault("access outside every buffer");
  }

 private:
  void check_load_of_result(std::ptrdiff_t offset, int size) {
    if (buffers_.front().begin != result_.begin) throw Fault("the result is read");
    for (std::ptrdiff_t i = offset; i < offset + size; ++i) {
      if (written_[i]) throw Fault("a part of the image is read after it was replaced");
    }
  }

  std::vector<Buffer> buffers_;  // the first is the image
  Buffer result_;
  SparseBytes written_;  // how often, for each byte of the result
  std::size_t written_bytes_ = 0;
};

// The shared memory of a block, aligned to 128 bytes.
class SharedMemory {
 public:
  explicit SharedMemory(int bytes)
      : storage_(std::make_unique<unsigned char[]>(bytes + 128)), written_(bytes) {
    std::fill_n(storage_.get(), bytes + 128, 0xa5);  // poison
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.get());
    buffer_ = {storage_.get() + (128 - address % 128), static_cast<std::size_t>(bytes)};
  }

  unsigned char* begin() const { return const_cast<unsigned char*>(buffer_.begin); }

  void check(Direction direction, const void* address, int size) {
    const std::ptrdiff_t offset = buffer_.offset_of(address, size);
    if (offset < 0) throw Fault("access outside shared memory");
    for (std::ptrdiff_t i = offset; i < offset + size; ++i) {
      if (direction == Direction::store) {
        written_[i] = true;
      } else if (!written_[i]) {
        throw Fault("load of shared memory that was never written");
      }
    }
  }

 private:
  std::unique_ptr<unsigned char[]> storage_;
  std::vector<bool> written_;
  Buffer buffer_;
};

}  // namespace simt
