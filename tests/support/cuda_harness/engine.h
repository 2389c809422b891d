#pragma once

// The engine that executes a kernel, as the device functions that the kernel calls see it.

#include <cstdint>
#include <stdexcept>

#include "cuda/hardware.h"

namespace simt {

using pyquant::device::warp_size;

enum class Collective : std::uint32_t { broadcast, barrier, shuffle, vote };
enum class Space { global_memory, shared_memory };
enum class Direction { load, store };

// What a kernel's thread knows of itself.
struct Place {
  int thread = 0;
  int threads = 0;
  std::int64_t block = 0;
  std::int64_t blocks = 0;
  unsigned char* shared = nullptr;
};

// A fault of a kernel, which a GPU might let pass. Ends the launch.
class Fault : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Meets the other lanes of the warp; then values[lane] is what each one brought.
  virtual void meet_warp(Collective what, std::uint32_t value, std::uint32_t* values) = 0;
  virtual void meet_block() = 0;
  // Lets other threads run; called while a thread waits for memory to change.
  virtual void pause() = 0;
  // Before every access of a thread, in the thread's order, active or not.
  virtual void access(Space space, Direction direction, const void* address, int size,
                      bool active) = 0;
};

// The engine and the place of the thread that is executing.
inline thread_local Engine* engine = nullptr;
inline thread_local Place place;

}  // namespace simt
