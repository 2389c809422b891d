#pragma once

// The device of csrc/cuda/device.cuh, made of host memory: the same functions,
// each of which goes through the engine that executes the kernel at the moment.
// See README.md.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <stdexcept>
#include <string>

#include "floyd_steinberg.h"

#define PYQUANT_DEVICE inline

namespace simt {

constexpr int warp_size = 32;

enum class Collective : std::uint32_t { barrier = 1, shuffle, vote };
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

// A kernel did what a GPU might punish or forgive. Ends the launch.
class Fault : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Meets the other lanes of the warp; then values[lane] is what each one brought.
  virtual void meet_warp(Collective what, std::uint32_t value, std::uint32_t* values) = 0;
  virtual void meet_block() = 0;
  // Lets others run; called between two looks at memory that is to change.
  virtual void pause() = 0;
  // Before every access of a thread, in the thread's order, active or not.
  virtual void access(Space space, Direction direction, const void* address, int size,
                      bool active) = 0;
};

// The engine and the place of the thread that is executing.
inline thread_local Engine* engine = nullptr;
inline thread_local Place place;

// Bugs that the tests plant, to see that they are found.
struct PlantedBugs {
  bool no_warp_barriers = false;
  bool no_block_barriers = false;
  std::string no_barrier_at;        // FILE:LINE of the source of the kernel
  bool late_shuffles = false;       // a lane gets what it should have got one step ago
  bool a_row_too_many = false;      // the plane is said to be higher than it is
  bool last_block_first = false;    // the first block that asks is told to do the last work
  bool no_waiting = false;          // a block goes on without the errors of the one above
  bool half_words = false;          // a word is handed over before it is complete
  bool weak_words = false;          // words are handed over by plain loads and stores
};
inline PlantedBugs bugs;

inline void plant(const std::string& bug) {
  bugs = {};
  bugs.no_warp_barriers = bug == "no warp barriers";
  bugs.no_block_barriers = bug == "no block barriers";
  bugs.late_shuffles = bug == "late shuffles";
  bugs.a_row_too_many = bug == "a row too many";
  bugs.last_block_first = bug == "last block first";
  bugs.no_waiting = bug == "no waiting";
  bugs.half_words = bug == "half words";
  bugs.weak_words = bug == "weak words";
  const std::string no_barrier = "no barrier at ";
  if (bug.starts_with(no_barrier)) bugs.no_barrier_at = bug.substr(no_barrier.size());
}

// Whether the barrier there was taken away by a planted bug.
inline bool is_missing(const std::source_location& where) {
  if (bugs.no_barrier_at.empty()) return false;
  const std::string place = std::string(where.file_name()) + ":" + std::to_string(where.line());
  return place.ends_with("/" + bugs.no_barrier_at);
}

inline void check_alignment(const void* address, std::size_t size) {
  if (reinterpret_cast<std::uintptr_t>(address) % size) {
    throw Fault("misaligned access of " + std::to_string(size) + " bytes");
  }
}

template <typename Type>
Type load(Space space, const Type* address, bool active) {
  engine->access(space, Direction::load, address, sizeof(Type), active);
  if (!active) return Type{};
  check_alignment(address, sizeof(Type));
  return *address;
}

template <typename Type>
void store(Space space, Type* address, Type value, bool active) {
  engine->access(space, Direction::store, address, sizeof(Type), active);
  if (!active) return;
  check_alignment(address, sizeof(Type));
  *address = value;
}

}  // namespace simt

namespace pyquant::device {

constexpr int warp_size = simt::warp_size;

inline int thread() { return simt::place.thread; }
inline int lane() { return thread() % warp_size; }
inline int warp() { return thread() / warp_size; }
inline int warps() { return simt::place.threads / warp_size; }
inline std::int64_t block() { return simt::place.block; }
inline std::int64_t blocks() { return simt::place.blocks; }

inline void synchronize_warp(std::source_location where = std::source_location::current()) {
  if (simt::bugs.no_warp_barriers || simt::is_missing(where)) return;
  std::uint32_t values[warp_size];
  simt::engine->meet_warp(simt::Collective::barrier, 0, values);
}
inline void synchronize_block(std::source_location where = std::source_location::current()) {
  if (simt::bugs.no_block_barriers || simt::is_missing(where)) return;
  simt::engine->meet_block();
}

inline float shuffle_up(float value) {
  std::uint32_t bits, values[warp_size];
  std::memcpy(&bits, &value, sizeof bits);
  simt::engine->meet_warp(simt::Collective::shuffle, bits, values);
  bits = values[lane() > 0 ? lane() - 1 : 0];
  if (simt::bugs.late_shuffles) {
    static thread_local std::uint32_t before[1024];
    std::swap(bits, before[thread()]);
  }
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline bool any_lane(bool condition) {
  std::uint32_t values[warp_size];
  simt::engine->meet_warp(simt::Collective::vote, condition, values);
  for (std::uint32_t value : values) {
    if (value) return true;
  }
  return false;
}
inline bool all_lanes(bool condition) {
  return !any_lane(!condition) || simt::bugs.no_waiting;  // the kernels wait by this only
}

inline unsigned char* shared_memory() { return simt::place.shared; }

template <typename Type>
Type load_global(const Type* address, bool active = true) {
  return simt::load(simt::Space::global_memory, address, active);
}
template <typename Type>
void store_global(Type* address, Type value, bool active = true) {
  simt::store(simt::Space::global_memory, address, value, active);
}
template <typename Type>
Type load_shared(const Type* address, bool active = true) {
  return simt::load(simt::Space::shared_memory, address, active);
}
template <typename Type>
void store_shared(Type* address, Type value, bool active = true) {
  simt::store(simt::Space::shared_memory, address, value, active);
}

inline std::uint32_t load_relaxed(const std::uint32_t* address, bool active = true) {
  if (simt::bugs.weak_words) return load_global(address, active);
  simt::engine->access(simt::Space::global_memory, simt::Direction::load, address, 4, active);
  return active ? __atomic_load_n(address, __ATOMIC_RELAXED) : 0;
}
inline void store_relaxed(std::uint32_t* address, std::uint32_t value, bool active = true) {
  if (simt::bugs.weak_words) return store_global(address, value, active);
  simt::engine->access(simt::Space::global_memory, simt::Direction::store, address, 4, active);
  if (active && simt::bugs.half_words) {
    __atomic_store_n(address, value | 0xffff0000, __ATOMIC_RELAXED);
    simt::engine->pause();
  }
  if (active) __atomic_store_n(address, value, __ATOMIC_RELAXED);
}
inline std::uint32_t fetch_add(std::uint32_t* address, std::uint32_t value) {
  const std::uint32_t before = __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
  if (!simt::bugs.last_block_first) return before;
  // The counter starts at -1.
  return static_cast<std::uint32_t>(simt::place.blocks) - 3 - before;
}
inline void pause() { simt::engine->pause(); }

inline std::uint32_t shift_right(std::uint32_t low, std::uint32_t high, int bits) {
  return static_cast<std::uint32_t>((std::uint64_t{high} << 32 | low) >> bits);
}
inline std::uint32_t shift_left(std::uint32_t low, std::uint32_t high, int bits) {
  return static_cast<std::uint32_t>((std::uint64_t{high} << 32 | low) << bits >> 32);
}
inline std::uint32_t select_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t selector) {
  const std::uint64_t bytes = std::uint64_t{high} << 32 | low;
  std::uint32_t result = 0;
  for (int i = 0; i < 4; ++i) {
    result |= static_cast<std::uint32_t>(bytes >> 8 * (selector >> 4 * i & 7) & 255) << 8 * i;
  }
  return result;
}

inline float multiply_add_down(float a, float b, float c) { return __fmaf_rd(a, b, c); }
inline float differ(float a, float b) { return a != b ? 1.0f : 0.0f; }

// As two halves and as one word: the two ways of device.cuh must agree.
template <std::uint32_t upper>
int add_and_clip(int value, int share_bits) {
  const auto half = [&](int shift) {
    const auto part = [&](std::uint32_t word) { return static_cast<std::int16_t>(word >> shift); };
    const auto sum = static_cast<std::int16_t>(part(value) + part(share_bits));
    return std::max<std::int16_t>(std::min(sum, part(upper | 255)), 0);
  };
  const int halves = half(16) << 16 | half(0);
  const int word = clip_to_byte(value + (share_bits - float_bits(0x1.8p23f))) | static_cast<int>(upper);
  if (halves != word) throw simt::Fault("add_and_clip is not the same both ways");
  return word;
}

}  // namespace pyquant::device
