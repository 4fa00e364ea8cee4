// All functions at a vector of inputs, for layers whose functions are shared: dense, since each lane has a cell of its own.
#pragma once
#include <ATen/Parallel.h>

#include "native/geometry.h"

namespace edgewise {

constexpr int64_t together = 8;  // functions whose sums are held in registers at once

template <typename T>
int64_t padded_functions(const Spline<T>& s) {
  return (s.functions() + together - 1) / together * together;
}

// Up to a vector of pixels of one channel, padding included. Sources ascend: if two are as far apart as their places, so are
// all between.
template <typename T>
INLINE Vec<T> read_pixels(const Geometry& g, const Inputs<T>& x, int64_t image, int64_t channel, int64_t pixel, int64_t count) {
  const T* plane = x.data + image * x.image + channel * x.channel;
  const auto source = [&](int64_t p) -> int64_t { return g.source ? g.source[p] : p; };
  const int64_t first = source(pixel);
  if (x.pixel == 1 && first >= 0 && count == lanes<T> && source(pixel + count - 1) == first + count - 1) {
    return Vec<T>::loadu(plane + first);
  }
  alignas(64) std::array<T, lanes<T>> values{};
  for (int64_t i = 0; i < count; ++i)
    if (const int64_t p = source(pixel + i); p >= 0) values[i] = plane[p * x.pixel];
  return Vec<T>::loadu(values.data());
}

// local[j] where the cell is such that function f is its j-th, to out[f]; zero elsewhere.
template <int k, typename T>
INLINE void spread(const Spline<T>& s, Vec<T> cell, const Vec<T>* local, T* out) {
  Registers<T, k + 1, 1> is;  // is[j]: whether function f is the j-th of the cell
  each<k + 1>(EACH(j) { is[j][0] = cell == Vec<T>(s.margin() - 1 - j); });
  for (int64_t f = 0; f < s.functions(); ++f, out += lanes<T>) {
    each<k>(EACH(j) { is[k - j][0] = is[k - j - 1][0]; });
    is[0][0] = cell == Vec<T>(f + s.margin());
    Vec<T> value = local[0] & is[0][0];
    each<k>(EACH(j) { value = value | (local[j + 1] & is[j + 1][0]); });
    value.store(out);
  }
}

template <typename T, int k>
INLINE void functions_of(const Spline<T>& s, const Features<T>& f, Vec<T> x, T* values, T* slopes) {
  const Vec<T> cell = locate(s, f, x);
  Vec<T> value[k + 1], rise[k], slope[k + 1];
  if (slopes) {
    evaluate<k, true>(s, f, x, cell, value, rise);
    slopes_of<k>(rise, slope);
    spread<k>(s, cell, slope, slopes);
  } else {
    evaluate<k, false>(s, f, x, cell, value, rise);
  }
  spread<k>(s, cell, value, values);
}

}  // namespace edgewise
