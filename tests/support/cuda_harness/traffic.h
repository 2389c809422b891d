#pragma once

// The memory accesses of a warp, counted as a GPU serves them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "engine.h"

namespace simt {

struct Traffic {
  std::int64_t requests = 0;  // of a warp, with at least one active lane
  std::int64_t sectors = 0;   // global: of 32 bytes
  std::int64_t minimum_sectors = 0;
  std::int64_t passes = 0;     // shared: one for each word that a bank must deliver
  std::int64_t conflicts = 0;  // passes beyond the fewest for accesses of this size
};

struct Counts {
  std::int64_t shuffles = 0;  // of a warp
  std::int64_t warp_barriers = 0;
  std::int64_t block_barriers = 0;
  Traffic traffic[2][2];  // [Space][Direction]
};

// The n-th access of each lane of a warp, in program order, is one request.
struct Request {
  Space space;
  Direction direction;
  int size;
  int arrived = 0;
  std::vector<std::uintptr_t> addresses = {};  // of the active lanes
  std::vector<int> lanes = {};
};

inline void count(const Request& request, Counts& counts) {
  if (request.lanes.empty()) return;
  Traffic& traffic =
      counts.traffic[static_cast<int>(request.space)][static_cast<int>(request.direction)];
  ++traffic.requests;
  if (request.space == Space::global_memory) {
    std::vector<std::uintptr_t> sectors;
    for (std::uintptr_t address : request.addresses) {
      for (std::uintptr_t s = address / 32; s <= (address + request.size - 1) / 32; ++s) {
        sectors.push_back(s);
      }
    }
    std::sort(sectors.begin(), sectors.end());
    traffic.sectors += std::unique(sectors.begin(), sectors.end()) - sectors.begin();
    traffic.minimum_sectors +=
        (static_cast<std::int64_t>(request.lanes.size()) * request.size + 31) / 32;
    return;
  }
  // Accesses of 8 and 16 bytes are served 16 and 8 lanes at a time.
  const int lanes_at_a_time = request.size <= 4 ? 32 : 128 / request.size;
  std::map<int, std::map<int, std::vector<std::uintptr_t>>> words;  // [group][bank]
  for (std::size_t i = 0; i < request.lanes.size(); ++i) {
    const std::uintptr_t first = request.addresses[i] / 4;
    const std::uintptr_t last = (request.addresses[i] + request.size - 1) / 4;
    for (std::uintptr_t word = first; word <= last; ++word) {
      auto& bank = words[request.lanes[i] / lanes_at_a_time][word % 32];
      if (std::find(bank.begin(), bank.end(), word) == bank.end()) bank.push_back(word);
    }
  }
  for (const auto& [group, banks] : words) {
    std::size_t most = 0;
    for (const auto& [bank, distinct] : banks) most = std::max(most, distinct.size());
    traffic.passes += most;
    traffic.conflicts += most - 1;
  }
}

// The requests of a warp for which lanes are still to come.
class Requests {
 public:
  // `request` says of what kind the access is, `index` how many came before it in its lane.
  void record(const Request& request, const void* address, bool active, int lane,
              std::int64_t index, Counts& counts) {
    index -= completed_;
    if (index == static_cast<std::int64_t>(waiting_.size())) waiting_.push_back(request);
    Request& common = waiting_[index];
    if (common.space != request.space || common.direction != request.direction ||
        common.size != request.size) {
      throw Fault("lanes of a warp do not take the same path");
    }
    if (active) {
      common.addresses.push_back(reinterpret_cast<std::uintptr_t>(address));
      common.lanes.push_back(lane);
    }
    ++common.arrived;
    while (!waiting_.empty() && waiting_.front().arrived == warp_size) {
      count(waiting_.front(), counts);
      waiting_.pop_front();
      ++completed_;
    }
  }

 private:
  std::deque<Request> waiting_;
  std::int64_t completed_ = 0;
};

}  // namespace simt
