// Gradients of the sum over edges, in the same order. Cell by cell, the gradients of the degree + 1 coefficient rows that
// matter are summed in registers while the gradients of the outputs stream by, and each row is written once, when the last
// cell that it belongs to is done. For the gradient of the input, inputs of a cell share the loads of its coefficients.
// Each channel belongs to one thread, so nothing is atomic and the result does not depend on the number of threads.
#pragma once
#include <ATen/cpu/vec/functional.h>

#include "forward.h"

namespace edgewise {

// Where the gradients of a bundle go.
template <typename T>
struct Sums {
  T *coef, *base, *scaled;  // gradients of coefficients, base weights and scales
  const T *values, *scale;  // the coefficients, and their scales or null
  int64_t stride;           // between the coefficients of one function and the next
  bool add;                 // to what is there

  template <int NV>
  void put(Vec<T> row, int64_t at, int v, int64_t tail) const {
    if (scale) {
      store<NV>(at::vec::fmadd(row, load<NV>(values + at, v, tail), load<NV>(scaled, v, tail)), scaled, v, tail);
      row = row * load<NV>(scale, v, tail);
    }
    if (add) row = row + load<NV>(coef + at, v, tail);
    store<NV>(row, coef + at, v, tail);
  }
};

template <typename T, int k, int NV>
void coefficient_gradients(const Spline<T>& s, const Sorted<T, k, true>& in, const T* grad, int64_t tail,
                           const Sums<T>& out) {
  Registers<T, k + 1, NV> sum;
  Vec<T> base[NV];
  each<NV>(EACH(v) {
    base[v] = Vec<T>(0);
    each<k + 1>(EACH(j) { sum[j][v] = Vec<T>(0); });
  });
  const int32_t* rows = in.rows();
  const T* values = in.values();
  for (int64_t cell = 0, cells = s.cells(); cell < cells; ++cell) {
    for (int64_t i = in.start(cell), end = in.start(cell + 1); i < end; ++i) {
      const int64_t row = rows[i];
      if (row < 0) continue;
      const T *x = in.within(values, i), *g = grad + row * NV * lanes<T>;
      Vec<T> gradient[NV];
      each<NV>(EACH(v) { gradient[v] = Vec<T>::loadu(g + v * lanes<T>); });
      each<k + 1>(EACH(j) {
        const Vec<T> value(x[j * lanes<T>]);
        each<NV>(EACH(v) { sum[j][v] = at::vec::fmadd(value, gradient[v], sum[j][v]); });
      });
      const Vec<T> value(x[(k + 1) * lanes<T>]);
      each<NV>(EACH(v) { base[v] = at::vec::fmadd(value, gradient[v], base[v]); });
    }
    const int64_t function = cell - s.margin(), at = function * out.stride;
    each<NV>(EACH(v) {
      if (function >= 0 && function < s.functions()) out.template put<NV>(sum[0][v], at, v, tail);
      each<k>(EACH(j) { sum[j][v] = sum[j + 1][v]; });
      sum[k][v] = Vec<T>(0);
    });
  }
  if (out.base)
    each<NV>(EACH(v) { store<NV>(out.add ? base[v] + load<NV>(out.base, v, tail) : base[v], out.base, v, tail); });
}

// The differences of neighbouring rows of a bundle, which slopes are made of, between margins of zeros; and its base row.
template <typename T>
class Differences {
 public:
  Differences(const Spline<T>& s, const Geometry& g)
      : s_(s), stride_(g.taps * g.all_outputs()), outputs_(g.outputs),
        width_((g.outputs + lanes<T> - 1) / lanes<T> * lanes<T>), rows_(s.rows() * width_, T(0)), zeros_(g.outputs, T(0)) {}

  void fill(const Weights<T>& w, const Bundle& e) {
    const int64_t last = s_.functions() - 1;
    const T *coef = w.coef + e.coef, *scale = w.scale ? w.scale + e.edge : nullptr;
    T* out = rows_.data() + (s_.margin() - 1) * width_;
    for (int64_t o = 0; o < outputs_; ++o) out[o] = coef[o], out[(last + 1) * width_ + o] = -coef[last * stride_ + o];
    for (int64_t j = 1; j <= last; ++j)
      for (int64_t o = 0; o < outputs_; ++o) out[j * width_ + o] = coef[j * stride_ + o] - coef[(j - 1) * stride_ + o];
    if (scale)
      for (int64_t j = 0; j <= last + 1; ++j)
        for (int64_t o = 0; o < outputs_; ++o) out[j * width_ + o] *= scale[o];
    base_ = w.base ? w.base + e.edge : zeros_.data();
  }

  const T* base() const { return base_; }
  const T* row(int64_t row) const { return rows_.data() + row * width_; }  // row + 1 of the functions less row

 private:
  const Spline<T>& s_;
  const int64_t stride_, outputs_, width_;
  Buffer<T> rows_, zeros_;
  const T* base_ = nullptr;
};

// Inputs i .. i + P of one cell; `row` are its differences and the row of the base branch.
template <typename T, int k, int P>
void input_gradients(const Sorted<T, k, true>& in, int64_t i, const std::array<const T*, k + 1>& row, const T* grad,
                     int64_t stride, int64_t outputs, T* result) {
  Registers<T, k + 1, P> sum;
  const T* g[P];
  each<P>(EACH(p) {
    g[p] = grad + in.row(i + p) * stride;
    each<k + 1>(EACH(j) { sum[j][p] = Vec<T>(0); });
  });
  const auto add = [&](int64_t at, int64_t count) __attribute__((always_inline)) {
    Vec<T> gradient[P];
    const auto some = [&](const T* p) { return count == lanes<T> ? Vec<T>::loadu(p + at) : Vec<T>::loadu(p + at, count); };
    each<P>(EACH(p) { gradient[p] = some(g[p]); });
    each<k + 1>(EACH(j) {
      const Vec<T> coef = some(row[j]);
      each<P>(EACH(p) { sum[j][p] = at::vec::fmadd(coef, gradient[p], sum[j][p]); });
    });
  };
  int64_t at = 0;
  for (; at + lanes<T> <= outputs; at += lanes<T>) add(at, lanes<T>);
  if (at < outputs) add(at, outputs - at);
  each<P>(EACH(p) {
    const T* rise = in.of(i + p) + in.slopes;
    Vec<T> total(0);
    each<k + 1>(EACH(j) { total = at::vec::fmadd(Vec<T>(rise[j * lanes<T>]), sum[j][p], total); });
    result[p] += at::vec::vec_reduce_all<T>([](Vec<T> a, Vec<T> b) { return a + b; }, total);
  });
}

template <typename T, int k>
class Backward {
 public:
  Backward(const Spline<T>& s, const Geometry& g, const Inputs<T>& x, const Weights<T>& w, const T* grad, const Gradients<T>& d)
      : s(s), g(g), x(x), w(w), grad(grad), d(d), columns_(blocks<T>(g.outputs, widest<T, k>)) {}

  void run() {
    tiles_ = tiles(g, {0, g.images}, rows_at_once(s));
    const int64_t work = g.images * g.rows * g.taps * (k + 2) * g.outputs * 2;
    at::parallel_for(0, g.groups * g.channels, std::max<int64_t>(1, parallel_work / std::max<int64_t>(work, 1)),
                     [&](int64_t begin, int64_t end) { channels(begin, end); });
  }

 private:
  void channels(int64_t begin, int64_t end) {
    const int64_t most = tiles_.front().images;
    Columns<T> in(g, most), back(g, d.input ? most : 0);
    Blocked<T> gradients(columns_, most * g.rows);
    std::vector<Sorted<T, k, true>> sorted(std::min<int64_t>(lanes<T>, end - begin), Sorted<T, k, true>(s, g, most));
    Differences<T> table(s, g);
    std::vector<T> results(lanes<T> * most * g.padded);
    for (int64_t first = begin, count = 0; first < end; first += count) {
      const int64_t group = first / g.channels;
      count = std::min({int64_t(lanes<T>), end - first, (group + 1) * g.channels - first});
      for (const Tile& t : tiles_) {
        const int64_t height = in.height(t);
        const T* from = grad + t.image * g.rows * g.all_outputs() + group * g.outputs;
        gradients.read(columns_, from, g.all_outputs(), t.images * g.rows);
        in.read(x, t, first, count);
        for (int64_t c = 0; c < count; ++c) sorted[c].fill(first + c, in.of(c), height);
        std::fill(results.begin(), results.end(), T(0));
        for (int64_t tap = 0; tap < g.taps; ++tap) {
          for (int64_t c = 0; c < count; ++c) sorted[c].look_through(tap);
          for (const Block& b : columns_)  // its gradients stay in the first cache for all these channels
            for (int64_t c = 0; c < count; ++c) coefficients(sorted[c], first + c, tap, b, gradients.of(b), t.image > 0);
          for (int64_t c = 0; d.input && c < count; ++c) {
            table.fill(w, Bundle(g, s.functions(), first + c, tap, 0));
            inputs(sorted[c], table, from, results.data() + c * height);
          }
        }
        if (!d.input) continue;
        for (int64_t c = 0; c < count; ++c)
          for (int64_t i = 0; i < height; ++i) back.of(c)[sorted[c].place(i)] = results[c * height + i];
        back.add_to(d.input, {nullptr, d.image, d.channel, d.pixel}, t, first, count);
      }
    }
  }

  void coefficients(const Sorted<T, k, true>& sorted, int64_t channel, int64_t tap, const Block& b, const T* from, bool add) {
    const Bundle e(g, s.functions(), channel, tap, b.start);
    const auto at = [&](auto* p) { return p ? p + e.edge : nullptr; };
    const Sums<T> out{d.coef + e.coef, at(d.base), at(d.scale), w.coef + e.coef, at(w.scale), g.taps * g.all_outputs(), add};
    for_vectors<widest<T, k>>(b.vectors, [&](auto NV) { coefficient_gradients<T, k, NV.value>(s, sorted, from, b.tail, out); });
  }

  void inputs(const Sorted<T, k, true>& sorted, const Differences<T>& table, const T* from, T* results) {
    std::array<const T*, k + 1> row;
    row[k] = table.base();
    const auto go = [&](auto P, int64_t i) {
      input_gradients<T, k, P.value>(sorted, i, row, from, g.all_outputs(), g.outputs, results + i);
    };
    for (int64_t cell = 0; cell < s.cells(); ++cell) {
      for (int j = 0; j < k; ++j) row[j] = table.row(cell + j);
      int64_t i = sorted.start(cell);
      const int64_t end = sorted.start(cell + 1);
      while (i < end) {
        int64_t n = 0;
        while (n < 4 && i + n < end && sorted.row(i + n) >= 0) ++n;
        if (n == 4) go(std::integral_constant<int, 4>(), i);
        else if (n >= 2) go(std::integral_constant<int, 2>(), i), n = 2;
        else if (n == 1) go(std::integral_constant<int, 1>(), i);
        i += std::max<int64_t>(n, 1);
      }
    }
  }

  const Spline<T>& s;
  const Geometry& g;
  const Inputs<T>& x;
  const Weights<T>& w;
  const T* grad;
  const Gradients<T>& d;
  const std::vector<Block> columns_;
  std::vector<Tile> tiles_;
};

}  // namespace edgewise
