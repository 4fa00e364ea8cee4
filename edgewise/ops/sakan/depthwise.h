// y[image, row, channel] = sum over taps of mix * phi_channel(x) + base weight * b(x): each channel has a function, which all
// taps of its window share. A vector holds channels of one pixel, so everything lies with its channels last.
#pragma once
#include "planes.h"

namespace edgewise {

// coef (channels, functions); mix and base, which may be null, (taps, channels).
template <typename T>
struct DepthwiseWeights {
  const T *coef, *mix, *base;
};

template <typename T>
struct DepthwiseGradients {
  T *input, *coef, *mix, *base;  // input and base may be null
};

template <typename T, int k>
class Depthwise {
 public:
  // x (images, pixels, channels)
  Depthwise(const Spline<T>& s, const Geometry& g, const T* x, const DepthwiseWeights<T>& w) : s(s), g(g), x(x), w(w) {}

  // y (images, rows, channels), which holds zeros.
  void forward(T* y) const {
    const int64_t blocks = (g.channels + lanes<T> - 1) / lanes<T>;
    at::parallel_for(0, g.images * blocks, grain(), [&](int64_t i, int64_t end) {
      for (; i < end; ++i) {
        const Lanes l(*this, i % blocks * lanes<T>);
        const T* in = x + i / blocks * g.pixels * g.channels + l.first;
        T* out = y + i / blocks * g.rows * g.channels + l.first;
        for (int64_t p = 0; p < g.padded; ++p) {
          const Vec<T> at = read(in, p, l.count), cell = locate(s, l.features, at);
          Vec<T> value[k + 1], rise[k], base, slope;
          evaluate<k, false>(s, l.features, at, cell, value, rise);
          base_and_slope(s.base, at, base, slope);
          const Vec<T> phi = l.weigh(value, cell);
          for (int64_t tap = 0; tap < g.taps; ++tap) {
            const int64_t row = meets(tap, p);
            if (row < 0) continue;
            T* to = out + row * g.channels;
            Vec<T> sum = at::vec::fmadd(l.row(w.mix, tap), phi, Vec<T>::loadu(to, l.count));
            if (w.base) sum = at::vec::fmadd(l.row(w.base, tap), base, sum);
            sum.store(to, l.count);
          }
        }
      }
    });
  }

  void backward(const T* grad, const DepthwiseGradients<T>& d, bool through_functions) const {
    const int64_t blocks = (g.channels + lanes<T> - 1) / lanes<T>;
    at::parallel_for(0, blocks, std::max<int64_t>(1, grain() / std::max<int64_t>(g.images, 1)), [&](int64_t i, int64_t end) {
      for (; i < end; ++i) block(grad, d, through_functions, i * lanes<T>);
    });
  }

 private:
  // Some channels: their features and coefficients.
  struct Lanes {
    const Depthwise& o;
    int64_t first, count;
    Features<T> features;
    IntVec<T> offset;
    Buffer<T> table;

    Lanes(const Depthwise& o, int64_t first)
        : o(o), first(first), count(std::min<int64_t>(lanes<T>, o.g.channels - first)), features(o.s, first, true),
          table(lanes<T> * o.s.rows(), T(0)) {
      std::array<Int<T>, lanes<T>> places;
      for (int64_t c = 0; c < lanes<T>; ++c) places[c] = c * o.s.rows();
      offset = IntVec<T>::loadu(places.data());
      for (int64_t c = 0; c < count; ++c)
        std::copy_n(o.w.coef + (first + c) * o.s.functions(), o.s.functions(), &table[c * o.s.rows() + o.s.margin()]);
    }

    Vec<T> row(const T* rows, int64_t tap) const { return Vec<T>::loadu(rows + tap * o.g.channels + first, count); }

    Vec<T> weigh(const Vec<T>* local, Vec<T> cell) const {
      const IntVec<T> at = at::vec::convert_to_int_of_same_size(cell) + offset;
      Vec<T> total(0);
      each<k + 1>(EACH(j) { total = at::vec::fmadd(local[j], at::vec::gather<sizeof(T)>(table.data() + j, at), total); });
      return total;
    }
  };

  void block(const T* grad, const DepthwiseGradients<T>& d, bool through_functions, int64_t first) const {
    const Lanes l(*this, first);
    const int64_t width = padded_functions(s) * lanes<T>;
    Buffer<T> functions(width, T(0)), coef(width, T(0)), mix(g.taps * lanes<T>, T(0)), weights(g.taps * lanes<T>, T(0));
    for (int64_t image = 0; image < g.images; ++image) {
      const T *in = x + image * g.pixels * g.channels + first, *from = grad + image * g.rows * g.channels + first;
      for (int64_t p = 0; p < g.padded; ++p) {
        const Vec<T> at = read(in, p, l.count), cell = locate(s, l.features, at);
        Vec<T> value[k + 1], rise[k], slope[k + 1], base, base_slope, dphi(0), dbase(0);
        if (through_functions) evaluate<k, true>(s, l.features, at, cell, value, rise);
        else evaluate<k, false>(s, l.features, at, cell, value, rise);
        base_and_slope(s.base, at, base, base_slope);
        const Vec<T> phi = l.weigh(value, cell);
        for (int64_t tap = 0; tap < g.taps; ++tap) {
          const int64_t row = meets(tap, p), lane = tap * lanes<T>;
          if (row < 0) continue;
          const Vec<T> gradient = Vec<T>::loadu(from + row * g.channels, l.count);
          dphi = at::vec::fmadd(l.row(w.mix, tap), gradient, dphi);
          at::vec::fmadd(phi, gradient, Vec<T>::loadu(&mix[lane])).store(&mix[lane]);
          if (!w.base) continue;
          dbase = at::vec::fmadd(l.row(w.base, tap), gradient, dbase);
          at::vec::fmadd(base, gradient, Vec<T>::loadu(&weights[lane])).store(&weights[lane]);
        }
        spread<k>(s, cell, value, functions.data());
        for (int64_t f = 0; f < s.functions() * lanes<T>; f += lanes<T>)
          at::vec::fmadd(Vec<T>::loadu(&functions[f]), dphi, Vec<T>::loadu(&coef[f])).store(&coef[f]);
        const int64_t source = g.source ? g.source[p] : p;
        if (!d.input || source < 0) continue;
        Vec<T> dx = base_slope * dbase;
        if (through_functions) {
          slopes_of<k>(rise, slope);
          dx = at::vec::fmadd(l.weigh(slope, cell), dphi, dx);
        }
        dx.store(d.input + (image * g.pixels + source) * g.channels + first, l.count);
      }
    }
    for (int64_t c = 0; c < l.count; ++c)
      for (int64_t f = 0; f < s.functions(); ++f) d.coef[(first + c) * s.functions() + f] = coef[f * lanes<T> + c];
    for (int64_t tap = 0; tap < g.taps; ++tap) {
      Vec<T>::loadu(&mix[tap * lanes<T>]).store(d.mix + tap * g.channels + first, l.count);
      if (d.base) Vec<T>::loadu(&weights[tap * lanes<T>]).store(d.base + tap * g.channels + first, l.count);
    }
  }

  Vec<T> read(const T* in, int64_t p, int64_t count) const {
    const int64_t source = g.source ? g.source[p] : p;
    return source < 0 ? Vec<T>(0) : Vec<T>::loadu(in + source * g.channels, count);
  }

  int64_t meets(int64_t tap, int64_t p) const { return g.meets ? g.meets[tap * g.padded + p] : p; }

  int64_t grain() const { return std::max<int64_t>(1, 512 / std::max<int64_t>(g.padded, 1)); }

  const Spline<T>& s;
  const Geometry& g;
  const T* x;
  const DepthwiseWeights<T>& w;
};

}  // namespace edgewise
