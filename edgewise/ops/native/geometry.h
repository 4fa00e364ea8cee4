// Which inputs meet which outputs, and where they lie in memory. A fully connected layer is a convolution whose images have
// one pixel, whose outputs have one row and whose window has one tap.
#pragma once
#include <cstdint>

#include "spline.h"

namespace edgewise {

struct Geometry {
  int64_t images, pixels, padded, rows, taps;  // pixels of an image, without and with padding; rows of outputs it gives
  int64_t groups, channels, outputs;           // channels and outputs of one group
  const int32_t* source;                       // (padded,): the pixel that is repeated there, -1 for a zero
  const int32_t* meets;                        // (taps, padded): the row that sees it through the tap, -1 if none does

  int64_t all_outputs() const { return groups * outputs; }
};

template <typename T>
struct Inputs {
  const T* data;
  int64_t image, channel, pixel;  // strides
};

// Coefficients (channels, functions, taps, groups x outputs), base weights and scales (channels, taps, groups x outputs); dense.
template <typename T>
struct Weights {
  const T *coef, *base, *scale;  // base and scale may be null
};

template <typename T>
struct Gradients {
  T *input, *coef, *base, *scale;  // of the shapes of what they belong to; input, base and scale may be null
  int64_t image, channel, pixel;   // strides of that of the input
};

// One edge bundle: what leads from a channel through a tap to a range of outputs.
struct Bundle {
  int64_t coef, edge, output;  // places of its first coefficient, its first base weight and its first output

  Bundle(const Geometry& g, int64_t functions, int64_t channel, int64_t tap, int64_t start) {
    const int64_t own = channel % g.channels;
    output = channel / g.channels * g.outputs + start;
    coef = (own * functions * g.taps + tap) * g.all_outputs() + output;
    edge = (own * g.taps + tap) * g.all_outputs() + output;
  }
};

// Some vectors of outputs, the last of which may be only partly filled: `tail` of its lanes are outputs.
struct Block {
  int64_t start, vectors, tail;
};

template <typename T>
std::vector<Block> blocks(int64_t outputs, int64_t widest) {
  std::vector<Block> result;
  for (int64_t start = 0; start < outputs;) {
    const int64_t left = (outputs - start + lanes<T> - 1) / lanes<T>;
    int64_t vectors = widest;
    while (vectors > left) vectors /= 2;
    const int64_t taken = std::min(vectors * lanes<T>, outputs - start);
    result.push_back({start, vectors, taken - (vectors - 1) * lanes<T>});
    start += taken;
  }
  return result;
}

// Rows of outputs, or their gradients, a block of columns after the other. In the tensor itself rows lie apart by a
// multiple of a power of two, and a block of them would compete for a few lines of the cache.
template <typename T>
class Blocked {
 public:
  Blocked(const std::vector<Block>& blocks, int64_t rows) : rows_(rows), values_(width(blocks) * rows, T(0)) {}

  T* of(const Block& b) { return values_.data() + b.start * rows_; }  // rows b.vectors * lanes apart

  void read(const std::vector<Block>& blocks, const T* from, int64_t stride, int64_t rows) {
    each(blocks, rows, [&](T* own, int64_t row, int64_t start, int64_t n) { std::copy_n(from + row * stride + start, n, own); });
  }
  void write(const std::vector<Block>& blocks, T* to, int64_t stride, int64_t rows) {
    each(blocks, rows, [&](T* own, int64_t row, int64_t start, int64_t n) { std::copy_n(own, n, to + row * stride + start); });
  }

 private:
  static int64_t width(const std::vector<Block>& blocks) {
    return blocks.empty() ? 0 : blocks.back().start + blocks.back().vectors * lanes<T>;
  }

  template <typename Copy>
  void each(const std::vector<Block>& blocks, int64_t rows, const Copy& copy) {
    for (const Block& b : blocks)
      for (int64_t r = 0; r < rows; ++r)
        copy(of(b) + r * b.vectors * lanes<T>, r, b.start, (b.vectors - 1) * lanes<T> + b.tail);
  }

  int64_t rows_;
  Buffer<T> values_;
};

// Vector v of NV, of which the last may be only partly filled.
template <int NV, typename T>
Vec<T> load(const T* p, int v, int64_t tail) {
  return v + 1 < NV || tail == lanes<T> ? Vec<T>::loadu(p + v * lanes<T>) : Vec<T>::loadu(p + v * lanes<T>, tail);
}

template <int NV, typename T>
void store(const Vec<T>& value, T* p, int v, int64_t tail) {
  if (v + 1 < NV || tail == lanes<T>) value.store(p + v * lanes<T>);
  else value.store(p + v * lanes<T>, tail);
}

// Runs of images that have about `size` rows of outputs.
struct Tile {
  int64_t image, images;
};

inline std::vector<Tile> tiles(const Geometry& g, const Tile& all, int64_t size) {
  const int64_t step = std::max<int64_t>(1, size / g.rows), end = all.image + all.images;
  std::vector<Tile> result;
  for (int64_t i = all.image; i < end; i += step) result.push_back({i, std::min(step, end - i)});
  return result;
}

}  // namespace edgewise
