#pragma once

// The first engine: every CUDA thread is a fibre of one OS thread, and a fibre
// runs until it meets others or waits for memory. Which one runs next is drawn
// from a seed, and so is the order in which blocks begin. Only a given number of
// blocks is alive at a time. The engine checks each access and counts.

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine.h"
#include "fibre_block.h"
#include "memory.h"
#include "traffic.h"

namespace simt {

class Fibres : public Engine {
 public:
  Fibres(std::uint32_t seed, std::int64_t resident_blocks, GlobalMemory& memory)
      : memory_(memory), random_(seed), resident_blocks_(resident_blocks) {}

  Counts counts;

  // Executes the blocks from `first_block` on, of so many.
  void launch(std::int64_t first_block, std::int64_t blocks, int warps, int shared_bytes,
              const std::function<void()>& kernel) {
    kernel_ = &kernel;
    blocks_ = blocks;
    std::vector<std::int64_t> waiting(blocks - first_block);
    std::iota(waiting.begin(), waiting.end(), first_block);
    std::shuffle(waiting.begin(), waiting.end(), random_);
    engine = this;
    while (!waiting.empty() || !alive_.empty()) {
      while (!waiting.empty() && static_cast<std::int64_t>(alive_.size()) < resident_blocks_) {
        begin_block(waiting.back(), warps, shared_bytes);
        waiting.pop_back();
      }
      run_ready();
      std::erase_if(alive_, [](const auto& block) { return block->running == 0; });
    }
  }

  void meet_warp(Collective what, std::uint32_t value, std::uint32_t* values) override {
    FibreWarp& warp = *current_->warp;
    if (warp.arrived == 0) warp.what = what;
    if (warp.what != what) throw Fault("lanes of a warp meet in different collectives");
    if (warp.left) throw Fault("a lane has left before its warp met");
    warp.incoming[place.thread % warp_size] = value;
    const std::int64_t meeting = warp.meetings;
    if (++warp.arrived == warp_size) {
      std::copy(warp.incoming, warp.incoming + warp_size, warp.values);
      warp.arrived = 0;
      ++warp.meetings;
      counts.shuffles += what == Collective::shuffle;
      counts.warp_barriers += what == Collective::barrier;
      wake([&](const Fibre& fibre) { return fibre.warp == &warp; });
    }
    while (warp.meetings == meeting) wait(FibreState::meeting);
    std::copy(warp.values, warp.values + warp_size, values);
  }

  void meet_block() override {
    FibreBlock& block = *current_->block;
    if (block.running < static_cast<int>(block.fibres.size())) {
      throw Fault("a thread has left before its block met");
    }
    const std::int64_t meeting = block.meetings;
    if (++block.arrived == block.running) {
      block.arrived = 0;
      ++block.meetings;
      ++counts.block_barriers;
      wake([&](const Fibre& fibre) { return fibre.block == &block; });
    }
    while (block.meetings == meeting) wait(FibreState::meeting);
  }

  void pause() override { wait(FibreState::paused); }

  void access(Space space, Direction direction, const void* address, int size,
              bool active) override {
    if (active) {
      space == Space::shared_memory ? current_->block->shared.check(direction, address, size)
                                    : memory_.check(direction, address, size);
      if (direction == Direction::store) stored_ = true;
    }
    current_->warp->requests.record({space, direction, size}, address, active,
                                    place.thread % warp_size, current_->accesses++, counts);
  }

 private:
  void begin_block(std::int64_t index, int warps, int shared_bytes) {
    alive_.push_back(std::make_unique<FibreBlock>(index, blocks_, warps, shared_bytes));
    for (const auto& fibre : alive_.back()->fibres) ready_.push_back(fibre.get());
  }

  // Runs fibres in drawn order until none is ready; then those that wait for memory
  // look again, for a while even if nobody stored anything since.
  void run_ready() {
    while (!ready_.empty()) {
      std::swap(ready_[random_() % ready_.size()], ready_.back());
      current_ = ready_.back();
      ready_.pop_back();
      place = current_->place;
      if (_setjmp(scheduler_) == 0) {
        if (!current_->begun) {
          current_->begun = true;
          getcontext(&current_->context);
          current_->context.uc_stack.ss_sp = current_->stack.get();
          current_->context.uc_stack.ss_size = Fibre::stack_bytes;
          current_->context.uc_link = nullptr;
          makecontext(&current_->context, reinterpret_cast<void (*)()>(&Fibres::enter), 0);
          setcontext(&current_->context);
        }
        _longjmp(current_->resume, 1);
      }
      if (fault_) throw Fault(*fault_);
    }
    bool any_meeting = false;
    for (const auto& block : alive_) {
      for (const auto& fibre : block->fibres) {
        any_meeting = any_meeting || fibre->state == FibreState::meeting;
        if (fibre->state == FibreState::paused) make_ready(*fibre);
      }
    }
    idle_looks_ = stored_ ? 0 : idle_looks_ + 1;
    if (!ready_.empty() && idle_looks_ > 100) {
      throw Fault("deadlock: every thread waits for memory");
    }
    if (ready_.empty() && any_meeting) throw Fault("deadlock: threads wait that nobody joins");
    stored_ = false;
  }

  static void enter() {
    Fibres& self = *static_cast<Fibres*>(engine);
    Fibre& fibre = *self.current_;
    try {
      (*self.kernel_)();
    } catch (const std::exception& exception) {
      self.fault_ = std::make_unique<std::string>(exception.what());
    }
    fibre.state = FibreState::done;
    --fibre.block->running;
    ++fibre.warp->left;
    if (!self.fault_ && (fibre.warp->arrived || fibre.block->arrived)) {
      self.fault_ = std::make_unique<std::string>("a thread left while others waited for it");
    }
    _longjmp(self.scheduler_, 1);
  }

  void wait(FibreState state) {
    current_->state = state;
    if (_setjmp(current_->resume) == 0) _longjmp(scheduler_, 1);
  }
  void make_ready(Fibre& fibre) {
    fibre.state = FibreState::ready;
    ready_.push_back(&fibre);
  }
  template <typename Condition>
  void wake(Condition&& condition) {
    for (const auto& fibre : current_->block->fibres) {
      if (fibre->state == FibreState::meeting && condition(*fibre)) make_ready(*fibre);
    }
  }

  GlobalMemory& memory_;
  std::mt19937 random_;
  std::int64_t resident_blocks_;
  std::int64_t blocks_ = 0;
  const std::function<void()>* kernel_ = nullptr;
  std::vector<std::unique_ptr<FibreBlock>> alive_;
  std::vector<Fibre*> ready_;
  Fibre* current_ = nullptr;
  bool stored_ = true;
  int idle_looks_ = 0;
  std::unique_ptr<std::string> fault_;
  jmp_buf scheduler_;
};

}  // namespace simt
