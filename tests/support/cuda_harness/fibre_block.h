#pragma once

// A block that is executed by fibres.

#include <setjmp.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine.h"
#include "memory.h"
#include "traffic.h"

namespace simt {

struct FibreWarp {
  Collective what = Collective::barrier;  // the one where its lanes meet at the moment
  int arrived = 0;
  int left = 0;
  std::int64_t meetings = 0;
  std::uint32_t incoming[warp_size];
  std::uint32_t values[warp_size];
  Requests requests;
};

enum class FibreState { ready, meeting, paused, done };

struct FibreBlock;

struct Fibre {
  static constexpr std::size_t stack_bytes = 64 * 1024;

  FibreBlock* block;
  FibreWarp* warp;
  Place place;
  FibreState state = FibreState::ready;
  bool begun = false;
  std::int64_t accesses = 0;
  std::unique_ptr<char[]> stack;
  ucontext_t context;
  jmp_buf resume;
};

struct FibreBlock {
  FibreBlock(std::int64_t index, std::int64_t blocks, int warp_count, int shared_bytes)
      : running(warp_count * warp_size), warps(warp_count), shared(shared_bytes) {
    for (int thread = 0; thread < running; ++thread) {
      auto fibre = std::make_unique<Fibre>();
      fibre->block = this;
      fibre->warp = &warps[thread / warp_size];
      fibre->place = {thread, running, index, blocks, shared.begin()};
      fibre->stack = std::unique_ptr<char[]>(new char[Fibre::stack_bytes]);
      fibres.push_back(std::move(fibre));
    }
  }

  int running;  // threads
  int arrived = 0;
  std::int64_t meetings = 0;
  std::vector<FibreWarp> warps;
  SharedMemory shared;
  std::vector<std::unique_ptr<Fibre>> fibres;
};

}  // namespace simt
