#pragma once

// The device of csrc/cuda/device.cuh, made of host memory: the same functions, which
// all go through the engine that executes the kernel at the moment.
// See README.md.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <source_location>
#include <string>
#include <utility>

#include "cuda/hardware.h"
#include "engine.h"
#include "floyd_steinberg.h"
#include "planted_bugs.h"

#define PYQUANT_DEVICE inline

namespace simt {

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

inline int thread() { return simt::place.thread; }
inline int lane() { return thread() % warp_size; }
inline int warp() {
  const int number = thread() / warp_size;
  if (simt::bugs.lane_without_warp && lane() == 5) return number;
  std::uint32_t values[warp_size];
  simt::engine->meet_warp(simt::Collective::broadcast, number, values);
  return values[0];
}
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
  std::uint32_t lines[warp_size];
  const bool is_elsewhere = simt::bugs.lane_at_another_barrier && lane() == 5;
  simt::engine->meet_warp(simt::Collective::broadcast, where.line() + is_elsewhere, lines);
  if (std::count(std::begin(lines), std::end(lines), lines[0]) < warp_size) {
    throw simt::Fault("lanes of a warp come to different barriers of the block");
  }
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
inline bool all_lanes(bool condition) {
  std::uint32_t values[warp_size];
  simt::engine->meet_warp(simt::Collective::vote, condition, values);
  const bool all = std::all_of(std::begin(values), std::end(values),
                               [](std::uint32_t value) { return value != 0; });
  return all || simt::bugs.no_waiting;  // the kernels wait by this only
}

inline unsigned char* shared_memory() { return simt::place.shared; }

template <typename Type>
Type load_global(const Type* address, bool active = true) {
  return simt::load(simt::Space::global_memory, address, active);
}
template <typename Type>
void load_global_into(Type& value, const Type* address, bool active) {
  const Type loaded = load_global(address, active);
  if (active) value = loaded;
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

template <typename Type>
void keep(Type&) {}

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
inline float exceeds(float value, float limit) { return std::abs(value) > limit ? 1.0f : 0.0f; }

// As two halves and as one word: the two ways of device.cuh must agree.
template <std::uint32_t upper>
int add_and_clip(int value, int share_bits) {
  const auto half = [&](int shift) {
    const auto part = [&](std::uint32_t word) { return static_cast<std::int16_t>(word >> shift); };
    const auto sum = static_cast<std::int16_t>(part(value) + part(share_bits));
    return std::max<std::int16_t>(std::min(sum, part(upper | 255)), 0);
  };
  const int halves = half(16) << 16 | half(0);
  const int word =
      clip_to_byte(value + (share_bits - float_bits(0x1.8p23f))) | static_cast<int>(upper);
  if (halves != word) throw simt::Fault("add_and_clip is not the same both ways");
  return word;
}

}  // namespace pyquant::device
