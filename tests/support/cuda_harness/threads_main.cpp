// The program of the thread engine, built with ThreadSanitizer. Reads samples from
// standard input and writes the result to standard output:
//
//     threads OP DTYPE BITS MODE PLANES HEIGHT WIDTH MULTIPROCESSORS BLOCKS [BUG]
//     threads handover [BUG]
//
// OP is floyd_steinberg or linear_quantize.
//
// ThreadSanitizer ends it with code 66 if it has seen a race.

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "launch.h"
#include "threads.h"

namespace {

struct alignas(16) Piece {
  unsigned char bytes[16];
};

int execute(const std::vector<std::string>& arguments) {
  const std::string& op = arguments[0];
  const std::string& mode = arguments[3];
  const int bits = std::stoi(arguments[2]);
  const std::vector<std::int64_t> sizes = {std::stoll(arguments[4]), std::stoll(arguments[5]),
                                           std::stoll(arguments[6])};
  const int multiprocessors = std::stoi(arguments[7]);
  const simt::Image image = {arguments[1], sizes, {sizes[1] * sizes[2], sizes[2], 1}};
  const std::size_t bytes =
      sizes[0] * sizes[1] * sizes[2] * simt::sample_size(simt::format_of(image.dtype));
  std::vector<Piece> data(bytes / 16 + 1), result(bytes / 16 + 1);
  if (std::fread(data.data(), 1, bytes, stdin) != bytes) return 1;
  const simt::Launches launches =
      op == "floyd_steinberg"
          ? simt::floyd_steinberg(image, data.data(), image, result.data(), bits, mode,
                                  multiprocessors)
          : simt::linear_quantize(image, data.data(), image, result.data(), bits, mode);
  for (const simt::Launch& launch : launches) {
    simt::Threads(std::stoll(arguments[8]))
        .launch(launch.blocks, launch.warps, launch.shared_bytes, launch.kernel);
  }
  return std::fwrite(result.data(), 1, bytes, stdout) == bytes ? 0 : 1;
}

// Two blocks: one writes a word and raises a flag, the other waits for the flag and
// reads the word. Without a release before the flag this is a race, and the second
// engine must see it. (The kernels need no such pair: their words are their own
// flags.)
int handover(bool forgets_release) {
  std::uint32_t word = 0;
  std::atomic<std::uint32_t> flag{0};
  simt::Threads(2).launch(2, 1, 0, [&] {
    if (pyquant::device::thread() != 0) return;
    if (pyquant::device::block() == 0) {
      pyquant::device::store_global(&word, 1u);
      flag.store(1, forgets_release ? std::memory_order_relaxed : std::memory_order_release);
    } else {
      while (flag.load(std::memory_order_acquire) == 0) pyquant::device::pause();
      if (pyquant::device::load_global(&word) != 1) throw simt::Fault("the word is not there");
    }
  });
  return 0;
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  const std::string bug = arguments.back();
  simt::plant(bug);
  try {
    return arguments[0] == "handover" ? handover(bug == "no release") : execute(arguments);
  } catch (const std::exception& exception) {
    std::cerr << exception.what() << '\n';
    return 1;
  }
}
