// What an edge needs to know of one input: its cell, the degree + 1 B-splines that live there, their slopes, and the base
// function. All of it for a vector of inputs at once.
#pragma once
#include <ATen/cpu/vec/vec.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <new>
#include <utility>
#include <vector>

namespace edgewise {

template <typename T>
using Vec = at::vec::Vectorized<T>;
template <typename T>
using Int = at::vec::int_same_size_t<T>;
template <typename T>
using IntVec = Vec<Int<T>>;
template <typename T>
constexpr int lanes = Vec<T>::size();

enum class Outside : int64_t { zero, clamp, linear };
enum class BaseFunction : int64_t { none, silu, gelu, relu, tanh, identity };

// Vectors must not straddle two lines of the cache.
template <typename T>
struct Aligned {
  using value_type = T;
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(64))); }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t(64)); }
  bool operator==(const Aligned&) const { return true; }
};
template <typename T>
using Buffer = std::vector<T, Aligned<T>>;

#define INLINE __attribute__((always_inline)) inline

// f(0), f(1) .. f(n - 1), with numbers that the compiler knows early enough to keep arrays in registers.
template <int n, typename F>
INLINE void each(const F& f) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, i>()), ...);
  }(std::make_integer_sequence<int, n>());
}
#define EACH(i) [&](auto i) __attribute__((always_inline))

// An array that is not initialised: a loop that did so would keep it out of the registers.
template <typename T, int n, int m>
union Registers {
  Vec<T> row[n][m];
  Registers() {}
  Vec<T>* operator[](int i) { return row[i]; }
};

// Cells are counted from 0, the one before the first knot, to grid + 2 degree + 1, the one after the last. The functions
// of a cell are rows cell .. cell + degree of a table that has degree + 1 rows of zeros at either end of the functions.
template <typename T>
struct Spline {
  int64_t degree, grid;
  T lo, hi, steps;  // the domain, and cells per unit
  Outside outside;
  BaseFunction base;
  bool grad_free;            // no slope of the splines, only that of the base function
  const T* knots = nullptr;  // (features, knots_per_feature), margins included; null if uniform

  int64_t functions() const { return grid + degree; }
  int64_t cells() const { return grid + 2 * degree + 2; }
  int64_t margin() const { return degree + 1; }
  int64_t rows() const { return functions() + 2 * margin(); }
  int64_t knots_per_feature() const { return grid + 2 * degree + 1 + 2 * margin(); }
};

// The knots of each feature with degree + 1 more on each side at the mean spacing, so that every cell has its neighbours.
template <typename T>
std::vector<T> with_margins(const T* knots, int64_t features, int64_t degree, int64_t grid) {
  const int64_t count = grid + 2 * degree + 1, margin = degree + 1;
  std::vector<T> padded(features * (count + 2 * margin));
  T* out = padded.data();
  for (int64_t f = 0; f < features; ++f, knots += count) {
    T step = (knots[count - 1] - knots[0]) / (count - 1);
    if (!(step > 0)) step = 1;  // all knots in one point
    for (int64_t i = margin; i >= 1; --i) *out++ = knots[0] - step * i;
    out = std::copy(knots, knots + count, out);
    for (int64_t i = 1; i <= margin; ++i) *out++ = knots[count - 1] + step * i;
  }
  return padded;
}

// de Boor's triangle on the distances to the knots below (left) and above (right) the points of a cell: the values of the
// functions, and the shares in its last step, whose differences are the slopes.
template <int k, typename T, bool uniform>
INLINE void local_values(const Vec<T>* left, const Vec<T>* right, Vec<T>* row, Vec<T>* share) {
  row[0] = Vec<T>(1);
  each<k>(EACH(step) {
    constexpr int degree = step + 1;
    each<degree>(EACH(i) {
      if constexpr (uniform) share[i] = row[i] * Vec<T>(T(1) / degree);
      else share[i] = row[i] / (right[i] + left[degree - 1 - i]);
    });
    row[degree] = left[0] * share[degree - 1];
    each<degree - 1>(EACH(back) {
      constexpr int i = degree - 1 - back;
      row[i] = at::vec::fmadd(right[i], share[i], left[degree - i] * share[i - 1]);
    });
    row[0] = right[0] * share[0];
  });
}

// Which feature each lane belongs to, and where its domain ends; only knots of a feature's own need it.
template <typename T>
struct Features {
  IntVec<T> first;  // of the lane's knots in the table
  Vec<T> lo, hi;

  Features(const Spline<T>& s, int64_t feature, bool one_a_lane) : lo(s.lo), hi(s.hi) {
    if (!s.knots) return;
    const Int<T> n = s.knots_per_feature(), at = feature * n;
    std::array<Int<T>, lanes<T>> places;
    for (int i = 0; i < lanes<T>; ++i) places[i] = at + (one_a_lane ? i * n : 0);
    first = IntVec<T>::loadu(places.data());
    const auto end = [&](int64_t offset) { return at::vec::gather<sizeof(T)>(s.knots, first + IntVec<T>(offset)); };
    lo = end(s.margin() + s.degree);
    hi = end(s.margin() + s.degree + s.grid);
  }
};

template <typename T>
INLINE Vec<T> into_domain(const Spline<T>& s, const Features<T>& f, Vec<T> x) {
  return s.outside == Outside::zero ? x : at::vec::clamp(x, f.lo, f.hi);
}

template <typename T>
INLINE Vec<T> locate_uniform(const Spline<T>& s, Vec<T> x) {
  const Vec<T> u = (x - Vec<T>(s.lo)) * Vec<T>(s.steps);
  Vec<T> cell = at::vec::clamp(u.floor(), Vec<T>(-s.degree - 1), Vec<T>(s.grid + s.degree));
  cell = Vec<T>::blendv(cell, Vec<T>(0), x.isnan());  // the first cell of the domain: all its functions exist
  return cell + Vec<T>(s.margin());
}

template <typename T>
Vec<T> locate_among_knots(const Spline<T>& s, const Features<T>& f, Vec<T> x) {
  const int64_t count = s.grid + 2 * s.degree + 1;
  const Vec<T> at_end = (x == f.hi) & (f.lo < f.hi);  // the domain is closed, whatever knots coincide there
  const IntVec<T> base = f.first + IntVec<T>(s.margin() - 1);
  Vec<T> below(0);  // how many knots are at or below x, by bisection
  int64_t step = 1;
  while (2 * step <= count) step *= 2;
  for (; step >= 1; step /= 2) {
    const Vec<T> trial = at::vec::minimum(below + Vec<T>(step), Vec<T>(count));
    const Vec<T> knot = at::vec::gather<sizeof(T)>(s.knots, base + at::vec::convert_to_int_of_same_size(trial));
    const Vec<T> passed = Vec<T>::blendv(knot <= x, knot < x, at_end);
    below = Vec<T>::blendv(below, trial, passed);
  }
  return Vec<T>::blendv(below, Vec<T>(s.margin()), x.isnan());
}

// The cells, as numbers of the type of the inputs.
template <typename T>
INLINE Vec<T> locate(const Spline<T>& s, const Features<T>& f, Vec<T> x) {
  x = into_domain(s, f, x);
  return s.knots ? locate_among_knots(s, f, x) : locate_uniform(s, x);
}

// The slopes of the degree + 1 functions of a cell are differences of the k numbers `rise`, so that the slope of a sum of
// functions is sum_j rise_j (coef_(j + 1) - coef_j): one product less.
template <int k, typename T>
INLINE void slopes_of(const Vec<T>* rise, Vec<T>* slope) {
  slope[0] = rise[0].neg(), slope[k] = rise[k - 1];
  each<k - 1>(EACH(j) { slope[j + 1] = rise[j] - rise[j + 1]; });
}

// Values of the degree + 1 functions of the cell and, if wanted, what their slopes in x are made of.
template <int k, bool slopes, typename T>
INLINE void evaluate(const Spline<T>& s, const Features<T>& f, Vec<T> x, Vec<T> cell, Vec<T>* value, Vec<T>* rise) {
  const Vec<T> inner = into_domain(s, f, x);
  Vec<T> left[k], right[k], share[k];
  if (s.knots) {
    const IntVec<T> at = f.first + at::vec::convert_to_int_of_same_size(cell);
    const auto knot = [&](int64_t i) { return at::vec::gather<sizeof(T)>(s.knots, at + IntVec<T>(i)); };
    const auto outer = [&](int64_t i) { return at::vec::gather<sizeof(T)>(s.knots, f.first + IntVec<T>(i)); };
    const Vec<T> z = at::vec::clamp(inner, outer(0), outer(s.knots_per_feature() - 1));
    each<k>(EACH(j) { left[j] = z - knot(k - j), right[j] = knot(k + 1 + j) - z; });
    local_values<k, T, false>(left, right, value, share);
  } else {
    const Vec<T> corner = cell - Vec<T>(s.margin());
    const Vec<T> t = at::vec::clamp((inner - Vec<T>(s.lo)) * Vec<T>(s.steps) - corner, Vec<T>(0), Vec<T>(1));
    each<k>(EACH(j) { left[j] = t + Vec<T>(j), right[j] = Vec<T>(1 + j) - t; });
    local_values<k, T, true>(left, right, value, share);
  }
  if (!slopes && s.outside != Outside::linear) return;
  const Vec<T> steps(s.knots ? T(k) : k * s.steps);
  each<k>(EACH(j) { rise[j] = share[j] * steps; });
  if (s.outside == Outside::clamp) {
    const Vec<T> beyond = (x < f.lo) | (x > f.hi);
    each<k>(EACH(j) { rise[j] = Vec<T>::blendv(rise[j], Vec<T>(0), beyond); });
  } else if (s.outside == Outside::linear) {
    const T most = std::numeric_limits<T>::max();
    const Vec<T> distance = at::vec::clamp(x - inner, Vec<T>(-most), Vec<T>(most));
    Vec<T> slope[k + 1];
    slopes_of<k>(rise, slope);
    each<k + 1>(EACH(j) { value[j] = at::vec::fmadd(distance, slope[j], value[j]); });
  }
}

// Exponentials here are right to about three units in the last place, as the functions made of them are.
template <typename T>
INLINE void base_and_slope(BaseFunction base, Vec<T> x, Vec<T>& value, Vec<T>& slope) {
  const Vec<T> one(1), zero(0);
  switch (base) {
    case BaseFunction::none: value = slope = zero; break;
    case BaseFunction::identity: value = x, slope = one; break;
    case BaseFunction::relu: value = Vec<T>::blendv(x, zero, x <= zero), slope = Vec<T>::blendv(zero, one, x > zero); break;
    case BaseFunction::tanh: value = x.tanh(), slope = one - value * value; break;
    case BaseFunction::silu: {
      const Vec<T> gate = one / (one + x.neg().exp_u20());
      value = x * gate, slope = gate * at::vec::fmadd(x, one - gate, one);
      break;
    }
    case BaseFunction::gelu: {
      const Vec<T> below = Vec<T>(T(0.5)) * (one + (x * Vec<T>(T(M_SQRT1_2))).erf());
      const Vec<T> bell = (x * x * Vec<T>(T(-0.5))).exp_u20() * Vec<T>(T(M_2_SQRTPI * M_SQRT1_2 / 2));
      value = x * below, slope = at::vec::fmadd(x, bell, below);
      break;
    }
  }
}

}  // namespace edgewise
