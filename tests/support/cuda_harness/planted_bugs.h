#pragma once

// Bugs that the tests plant in the kernels, through the functions that these call.

#include <source_location>
#include <string>

namespace simt {

struct PlantedBugs {
  bool no_warp_barriers = false;
  bool no_block_barriers = false;
  std::string no_barrier_at;             // FILE:LINE of the source of the kernel
  bool lane_without_warp = false;        // a lane asks alone which warp it is in
  bool lane_at_another_barrier = false;  // than the rest of its warp, for the block
  bool late_shuffles = false;            // a lane gets what it should have got one step ago
  bool a_row_too_many = false;           // the plane is said to be higher than it is
  bool last_block_first = false;         // the first block that asks is told to do the last work
  bool no_waiting = false;               // a block goes on without the errors of the one above
  bool half_words = false;               // a word is handed over before it is complete
  bool weak_words = false;               // words are handed over by plain loads and stores
};
inline PlantedBugs bugs;

inline void plant(const std::string& bug) {
  bugs = {};
  bugs.no_warp_barriers = bug == "no warp barriers";
  bugs.no_block_barriers = bug == "no block barriers";
  bugs.lane_without_warp = bug == "lane without warp";
  bugs.lane_at_another_barrier = bug == "lane at another barrier";
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

}  // namespace simt
