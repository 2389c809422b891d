#pragma once

// The second engine: every CUDA thread is an OS thread, for ThreadSanitizer. It sees
// what the fibres cannot: memory that is used on both sides of a missing barrier. It
// must see no more order than a GPU promises, so meetings other than barriers go
// through relaxed atomics, which order nothing.

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine.h"

namespace simt {

class Threads : public Engine {
 public:
  explicit Threads(std::int64_t resident_blocks) : resident_blocks_(resident_blocks) {}

  void launch(std::int64_t blocks, int warps, int shared_bytes,
              const std::function<void()>& kernel) {
    std::atomic<std::int64_t> next{blocks};
    std::vector<std::thread> residents;
    for (std::int64_t i = 0; i < std::min(resident_blocks_, blocks); ++i) {
      residents.emplace_back([&] {
        for (std::int64_t block; (block = --next) >= 0;) {
          run_block(block, blocks, warps, shared_bytes, kernel);
        }
      });
    }
    for (std::thread& resident : residents) resident.join();
    if (failed_) throw Fault(message_);
  }

  // A meeting is a word per lane: its number, and the value. A lane goes on when it
  // has seen the words of all others, so nobody is more than one meeting ahead, and
  // two sets of words are enough.
  void meet_warp(Collective what, std::uint32_t value, std::uint32_t* values) override {
    const std::uint32_t number = ++warp_meetings * 4 + static_cast<std::uint32_t>(what);
    std::atomic<std::uint64_t>* words =
        block->warps[place.thread / warp_size].words[number / 4 % 2];
    const bool orders = what == Collective::barrier;
    words[place.thread % warp_size].store(
        std::uint64_t{number} << 32 | value,
        orders ? std::memory_order_release : std::memory_order_relaxed);
    for (int lane = 0; lane < warp_size; ++lane) {
      std::uint64_t word;
      wait_until([&] {
        word = words[lane].load(orders ? std::memory_order_acquire : std::memory_order_relaxed);
        const std::uint32_t seen = static_cast<std::uint32_t>(word >> 32);
        if (seen / 4 == number / 4 && seen != number) {
          throw Fault("lanes of a warp meet in different collectives");
        }
        return seen == number;
      });
      values[lane] = static_cast<std::uint32_t>(word);
    }
  }

  void meet_block() override {
    const std::uint32_t number = ++block_meetings;
    block->arrived[place.thread].store(2 * number, std::memory_order_release);
    for (auto& other : block->arrived) {
      wait_until([&] {
        const std::uint32_t seen = other.load(std::memory_order_acquire);
        if (seen / 2 < number && seen % 2 == has_ended) {
          throw Fault("a thread ended while others wait for it at a barrier of the block");
        }
        return seen / 2 >= number;
      });
    }
  }

  void pause() override {
    if (failed_) throw Fault("another thread failed");
    sched_yield();
  }

  void access(Space, Direction, const void*, int, bool) override {}

 private:
  static constexpr std::uint32_t has_ended = 1;

  struct Warp {
    std::atomic<std::uint64_t> words[2][warp_size] = {};
  };
  struct Block {
    Block(int warp_count, int shared_bytes)
        : warps(warp_count), arrived(warp_count * warp_size), shared(shared_bytes / 16 + 1) {}
    std::vector<Warp> warps;
    // Of each thread: twice the number of barriers that it has come to, and has_ended.
    std::vector<std::atomic<std::uint32_t>> arrived;
    struct alignas(16) Piece {
      unsigned char bytes[16];
    };
    std::vector<Piece> shared;
  };

  void run_block(std::int64_t index, std::int64_t blocks, int warps, int shared_bytes,
                 const std::function<void()>& kernel) {
    Block memory(warps, shared_bytes);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < warps * warp_size; ++thread) {
      threads.emplace_back([&, thread] {
        engine = this;
        block = &memory;
        place = {thread, warps * warp_size, index, blocks,
                 reinterpret_cast<unsigned char*>(memory.shared.data())};
        try {
          kernel();
        } catch (const std::exception& exception) {
          const std::lock_guard lock(message_mutex_);
          if (!failed_) message_ = exception.what();
          failed_ = true;
        }
        // It is no barrier, so it orders nothing.
        memory.arrived[thread].fetch_or(has_ended, std::memory_order_relaxed);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  template <typename Condition>
  void wait_until(Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    for (int looks = 0; !condition(); ++looks) {
      pause();
      if (looks % 1000 == 999 && std::chrono::steady_clock::now() > deadline) {
        throw Fault("deadlock: waited for two minutes");
      }
    }
  }

  static inline thread_local Block* block = nullptr;
  static inline thread_local std::uint32_t warp_meetings = 0;
  static inline thread_local std::uint32_t block_meetings = 0;
  std::int64_t resident_blocks_;
  std::atomic<bool> failed_{false};
  std::string message_;
  std::mutex message_mutex_;
};

}  // namespace simt
