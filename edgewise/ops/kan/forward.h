// y[row, o] = sum over channels, taps and functions of coef * B(x) + base weight * b(x).
//
// Cell by cell, the degree + 1 rows of coefficients that matter and that of the base branch stay in registers, for one block
// of outputs, while the inputs of the cell stream by: 4 (degree + 2) fused multiply-adds for 4 loads and 4 stores, whatever
// the grid. From a cell to the next, one row is loaded.
#pragma once
#include <ATen/Parallel.h>

#include "sorted.h"

namespace edgewise {

constexpr int64_t parallel_work = 1 << 16;  // multiply-adds that are worth a thread
template <typename T, int k>
constexpr int64_t widest = sizeof(T) * lanes<T> == 32 ? 2 : k > 3 ? 2 : 4;  // vectors of each row in registers

constexpr int64_t rows_in_reach = 1024;  // of outputs: they stay in the second cache

// A block of the outputs of 128 rows stays in the first; but each cell should see some inputs at a time.
template <typename T>
int64_t rows_at_once(const Spline<T>& s) {
  return std::clamp<int64_t>(16 * s.functions(), 128, rows_in_reach);
}

// run(vectors), as a number that the compiler knows.
template <int64_t widest, typename Run>
void for_vectors(int64_t vectors, const Run& run) {
  if (vectors == 4) {
    if constexpr (widest == 4) run(std::integral_constant<int, 4>());
  } else if (vectors == 2) {
    run(std::integral_constant<int, 2>());
  } else {
    run(std::integral_constant<int, 1>());
  }
}

template <typename T>
struct Addends {
  const T *coef, *base, *scale;  // rows of functions, `stride` apart; base and scale may be null
  int64_t stride, functions, margin;

  template <int NV>
  Vec<T> row(int64_t cell, int v, int64_t tail) const {
    const int64_t function = cell - margin;
    if (function < 0 || function >= functions) return Vec<T>(0);
    const Vec<T> row = load<NV>(coef + function * stride, v, tail);
    return scale ? row * load<NV>(scale, v, tail) : row;
  }
};

template <typename T, int k, int NV>
void add_functions(const Spline<T>& s, const Sorted<T, k, false>& in, const Addends<T>& from, int64_t tail, T* y) {
  Registers<T, k + 1, NV> coef;
  Vec<T> base[NV];
  each<NV>(EACH(v) {
    base[v] = from.base ? load<NV>(from.base, v, tail) : Vec<T>(0);
    each<k + 1>(EACH(j) { coef[j][v] = Vec<T>(0); });  // the rows of the cell before the first
  });
  const int32_t* rows = in.rows();
  const T* values = in.values();
  for (int64_t cell = 0, cells = s.cells(); cell < cells; ++cell) {
    each<NV>(EACH(v) {
      each<k>(EACH(j) { coef[j][v] = coef[j + 1][v]; });
      coef[k][v] = from.template row<NV>(cell + k, v, tail);
    });
    for (int64_t i = in.start(cell), end = in.start(cell + 1); i < end; ++i) {
      const int64_t row = rows[i];
      if (row < 0) continue;
      const T* x = in.within(values, i);
      T* out = y + row * NV * lanes<T>;
      Vec<T> sum[NV];
      each<NV>(EACH(v) { sum[v] = Vec<T>::loadu(out + v * lanes<T>); });
      each<k + 1>(EACH(j) {
        const Vec<T> value(x[j * lanes<T>]);
        each<NV>(EACH(v) { sum[v] = at::vec::fmadd(value, coef[j][v], sum[v]); });
      });
      const Vec<T> value(x[(k + 1) * lanes<T>]);
      each<NV>(EACH(v) { at::vec::fmadd(value, base[v], sum[v]).store(out + v * lanes<T>); });
    }
  }
}

template <typename T, int k>
class Forward {
 public:
  Forward(const Spline<T>& s, const Geometry& g, const Inputs<T>& x, const Weights<T>& w, T* y)
      : s(s), g(g), x(x), w(w), y(y), columns_(blocks<T>(g.outputs, widest<T, k>)) {}

  void run() {
    const int64_t threads = at::get_num_threads(), total = g.images * g.rows;
    const auto rows = tiles(g, {0, g.images}, std::clamp<int64_t>((total + threads - 1) / threads, 1, rows_in_reach));
    // where there are fewer tiles than threads, the outputs are shared out too
    const int64_t n = columns_.size(), parts = std::clamp<int64_t>(threads / rows.size(), 1, n), tasks = g.groups * rows.size() * parts;
    const int64_t work = total * g.groups * g.channels * g.taps * (k + 2) * g.outputs;
    const int64_t grain = std::max<int64_t>(1, parallel_work * tasks / std::max<int64_t>(work, 1));
    at::parallel_for(0, tasks, grain, [&](int64_t i, int64_t end) {
      for (; i < end; ++i) {
        const int64_t part = i % parts, group = i / parts % g.groups;
        const std::vector<Block> own(columns_.begin() + n * part / parts, columns_.begin() + n * (part + 1) / parts);
        tile(rows[i / parts / g.groups], group, own);
      }
    });
  }

 private:
  // Up to a vector of channels, whose coefficients then stay in the second cache; of those, few rows at a time.
  void tile(const Tile& all, int64_t group, const std::vector<Block>& columns) {
    const int64_t until = (group + 1) * g.channels, some = std::min<int64_t>(lanes<T>, g.channels);
    const auto parts = tiles(g, all, rows_at_once(s));
    const int64_t images = parts.front().images;
    Columns<T> inputs(g, images);
    Blocked<T> sums(columns_, all.images * g.rows);
    std::vector<Sorted<T, k, false>> sorted(some, Sorted<T, k, false>(s, g, images));
    for (int64_t first = group * g.channels; first < until; first += some)
      for (const Tile& t : parts) {
        const int64_t count = std::min(some, until - first), row = (t.image - all.image) * g.rows;
        inputs.read(x, t, first, count);
        for (int64_t c = 0; c < count; ++c) sorted[c].fill(first + c, inputs.of(c), inputs.height(t));
        for (int64_t tap = 0; tap < g.taps; ++tap) {
          for (int64_t c = 0; c < count; ++c) sorted[c].look_through(tap);
          for (const Block& b : columns)
            for (int64_t c = 0; c < count; ++c) add(sorted[c], first + c, tap, b, sums.of(b) + row * b.vectors * lanes<T>);
        }
      }
    sums.write(columns, y + all.image * g.rows * g.all_outputs() + group * g.outputs, g.all_outputs(), all.images * g.rows);
  }

  void add(const Sorted<T, k, false>& sorted, int64_t channel, int64_t tap, const Block& b, T* out) {
    const Bundle e(g, s.functions(), channel, tap, b.start);
    const auto from = [&](const T* p) { return p ? p + e.edge : nullptr; };
    const Addends<T> rows{w.coef + e.coef, from(w.base), from(w.scale), g.taps * g.all_outputs(), s.functions(), s.margin()};
    for_vectors<widest<T, k>>(b.vectors, [&](auto NV) { add_functions<T, k, NV.value>(s, sorted, rows, b.tail, out); });
  }

  const Spline<T>& s;
  const Geometry& g;
  const Inputs<T>& x;
  const Weights<T>& w;
  T* y;
  const std::vector<Block> columns_;
};

}  // namespace edgewise
