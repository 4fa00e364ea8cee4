// Functions with global support, non-zero everywhere: Chebyshev polynomials and Fourier series, by their recurrences.
#pragma once
#include "geometry.h"

namespace edgewise {

enum class Family : int64_t { chebyshev, fourier };

template <typename T>
struct Recurrence {
  Family family;
  int64_t functions;  // degree + 1, or twice the number of frequencies
  T lo, hi, middle, scale;  // t = (x - middle) * scale
  bool clamped, linear;
  BaseFunction base;
  bool grad_free;
};

template <typename T>
Recurrence<T> recurrence(int64_t family, int64_t functions, double lo, double hi, int64_t outside, BaseFunction base, bool grad_free) {
  const double period = family == 0 ? 2 : 2 * M_PI;
  return {Family(family), functions, T(lo), T(hi), T((lo + hi) / 2), T(period / (hi - lo)), outside == 1, outside == 2, base, grad_free};
}

// All functions at a vector of inputs, and their slopes in x if wanted: function k to values + k * stride.
template <bool slopes, typename T>
INLINE void recur(const Recurrence<T>& e, Vec<T> x, int64_t stride, T* values, T* rise, int64_t count) {
  const bool bounded = e.clamped || e.linear;
  const Vec<T> inner = bounded ? at::vec::clamp(x, Vec<T>(e.lo), Vec<T>(e.hi)) : x;
  const Vec<T> t = (inner - Vec<T>(e.middle)) * Vec<T>(e.scale), scale(e.scale);
  const Vec<T> beyond = (x < Vec<T>(e.lo)) | (x > Vec<T>(e.hi));
  const T most = std::numeric_limits<T>::max();
  const Vec<T> distance = at::vec::clamp(x - inner, Vec<T>(-most), Vec<T>(most));
  const auto put = [&](int64_t k, Vec<T> value, Vec<T> slope) __attribute__((always_inline)) {
    slope = slope * scale;
    if (e.linear) value = at::vec::fmadd(distance, slope, value);
    value.store(values + k * stride, count);
    if constexpr (slopes) (e.clamped ? Vec<T>::blendv(slope, Vec<T>(0), beyond) : slope).store(rise + k * stride, count);
  };
  if (e.family == Family::chebyshev) {
    Vec<T> last = Vec<T>::blendv(Vec<T>(1), x, x.isnan()), now = t, last_slope(0), slope(1);
    put(0, last, last_slope);
    for (int64_t k = 1; k < e.functions; ++k) {
      put(k, now, slope);
      const Vec<T> twice = t + t, next = at::vec::fmsub(twice, now, last);
      const Vec<T> next_slope = at::vec::fmadd(twice, slope, now + now - last_slope);
      last = now, now = next, last_slope = slope, slope = next_slope;
    }
  } else {
    const Vec<T> c1 = t.cos(), s1 = t.sin();
    Vec<T> c = c1, s = s1;
    for (int64_t m = 1, n = e.functions / 2; m <= n; ++m) {
      put(m - 1, c, s * Vec<T>(-m));
      put(n + m - 1, s, c * Vec<T>(m));
      const Vec<T> next = at::vec::fmsub(c, c1, s * s1);
      s = at::vec::fmadd(s, c1, c * s1), c = next;
    }
  }
}

// Of rows of inputs (rows, channels), of row stride `step`: features (rows, functions + 1, channels), the base branch last.
template <bool slopes, typename T>
void features(const Recurrence<T>& e, const T* x, int64_t step, int64_t rows, int64_t channels, T* values, T* rise) {
  const int64_t width = (e.functions + 1) * channels;
  for (int64_t r = 0; r < rows; ++r, x += step, values += width, rise += slopes ? width : 0)
    for (int64_t c = 0; c < channels; c += lanes<T>) {
      const int64_t count = std::min<int64_t>(lanes<T>, channels - c);
      const Vec<T> in = Vec<T>::loadu(x + c, count);
      recur<slopes>(e, in, channels, values + c, rise + c, count);
      Vec<T> value, slope;
      base_and_slope(e.base, in, value, slope);
      value.store(values + e.functions * channels + c, count);
      if constexpr (slopes) slope.store(rise + e.functions * channels + c, count);
    }
}

constexpr int64_t features_at_once = 1 << 19;  // bytes

}  // namespace edgewise
