// A rational function of degrees 5 and 4 at a vector of points: its values, its slopes, and what its coefficients get of them.
#pragma once

#include <type_traits>

#include "native/spline.h"

namespace edgewise {

constexpr int numerator = 5, denominator = 4, coefficients = numerator + 1 + denominator;
constexpr float far_out = 1e6f;  // from here on powers are taken in double: the fifth of a float overflows from 5e7 on

// The coefficients of one group of channels, each in all lanes.
template <typename T>
struct Group {
  Vec<T> a[numerator + 1], b[denominator];
};

template <typename T>
struct Value {
  Vec<T> side, t, top, inverse, sign;  // side: the sign of x; t: what the denominator is made of; sign: that of its sum

  INLINE Value(const Group<T>& g, Vec<T> x, bool terms) {
    const Vec<T> zero(0), one(1), minus(-1);
    side = terms ? Vec<T>::blendv(one, minus, x < zero) : one;
    t = x * side;
    top = g.a[numerator];
    for (int i = numerator; i-- > 0;) top = at::vec::fmadd(top, x, g.a[i]);
    Vec<T> sum = g.b[denominator - 1];
    for (int j = denominator - 1; j-- > 0;) sum = at::vec::fmadd(sum, t, g.b[j]);
    sum = sum * t;
    sign = Vec<T>::blendv(one, minus, sum < zero);
    inverse = one / at::vec::fmadd(sum, sign, one);
  }
};

template <typename T>
struct Sums {
  Vec<T> of[coefficients];
};

// The gradient of x at some points, and what they add to those of the coefficients.
template <typename T>
INLINE Vec<T> slope_at(const Group<T>& g, Vec<T> in, Vec<T> given, bool terms, Sums<T>& s) {
  const Value<T> v(g, in, terms);
  const Vec<T> scaled = given * v.inverse, down = (v.top * v.inverse * v.sign).neg();
  Vec<T> rise = g.a[numerator] * Vec<T>(numerator), slope = g.b[denominator - 1] * Vec<T>(denominator);
  for (int i = numerator - 1; i > 0; --i) rise = at::vec::fmadd(rise, in, g.a[i] * Vec<T>(i));
  for (int j = denominator - 2; j >= 0; --j) slope = at::vec::fmadd(slope, v.t, g.b[j] * Vec<T>(j + 1));
  Vec<T> power = scaled, under = scaled * down;
  s.of[0] = s.of[0] + power;
  for (int i = 1; i <= numerator; ++i) power = power * in, s.of[i] = s.of[i] + power;
  for (int j = 1; j <= denominator; ++j) under = under * v.t, s.of[numerator + j] = s.of[numerator + j] + under;
  return scaled * at::vec::fmadd(down * v.side, slope, rise);
}

template <typename T>
INLINE bool any_far_out(Vec<T> x) {
  if constexpr (std::is_same_v<T, double>) return false;
  else return (x.abs() > Vec<T>(far_out)).zero_mask() != (1 << lanes<T>) - 1;
}

// Floats as doubles, which need two vectors.
struct Halves {
  double lane[lanes<float>];

  explicit Halves(Vec<float> x) {
    float given[lanes<float>];
    x.store(given);
    std::copy(given, given + lanes<float>, lane);
  }
  Vec<double> half(int i) const { return Vec<double>::loadu(lane + i * lanes<double>); }
  void set(int i, Vec<double> x) { x.store(lane + i * lanes<double>); }
  Vec<float> narrowed() const {
    float found[lanes<float>];
    std::copy(lane, lane + lanes<float>, found);
    return Vec<float>::loadu(found);
  }
};

inline Group<double> widened(const Group<float>& g) {
  Group<double> wide;
  for (int i = 0; i <= numerator; ++i) wide.a[i] = Halves(g.a[i]).half(0);
  for (int j = 0; j < denominator; ++j) wide.b[j] = Halves(g.b[j]).half(0);
  return wide;
}

__attribute__((noinline)) inline Vec<float> value_far_out(const Group<float>& g, Vec<float> x, bool terms) {
  const Group<double> wide = widened(g);
  Halves points(x);
  for (int i : {0, 1}) {
    const Value<double> v(wide, points.half(i), terms);
    points.set(i, v.top * v.inverse);
  }
  return points.narrowed();
}

__attribute__((noinline)) inline Vec<float> slope_far_out(const Group<float>& g, Vec<float> x, Vec<float> given, bool terms, Sums<float>& s) {
  const Group<double> wide = widened(g);
  Halves points(x);
  const Halves upstream(given);
  Sums<double> parts[2];
  for (int i : {0, 1}) {
    for (auto& v : parts[i].of) v = Vec<double>(0);
    points.set(i, slope_at(wide, points.half(i), upstream.half(i), terms, parts[i]));
  }
  for (int c = 0; c < coefficients; ++c) {
    Halves sum(s.of[c]);
    for (int i : {0, 1}) sum.set(i, sum.half(i) + parts[i].of[c]);
    s.of[c] = sum.narrowed();
  }
  return points.narrowed();
}

}  // namespace edgewise
