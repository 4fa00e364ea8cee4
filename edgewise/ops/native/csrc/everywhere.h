// Sums over edges whose functions are non-zero everywhere: Chebyshev polynomials and Fourier series, by their recurrences.
//
// All functions of few rows of inputs are written to a corner of the second cache and meet the weights in one product of
// matrices there; the next rows overwrite them. Each thread does so for rows of its own.
#pragma once
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include "geometry.h"

namespace edgewise {

enum class Family : int64_t { chebyshev, fourier };

template <typename T>
struct Everywhere {
  Family family;
  int64_t functions;  // degree + 1, or twice the number of frequencies
  T lo, hi, middle, scale;  // t = (x - middle) * scale
  bool clamped, linear;
  Base base;
  bool grad_free;
};

// All functions at a vector of inputs, and their slopes in x if wanted: function k to values + k * stride.
template <bool slopes, typename T>
INLINE void recur(const Everywhere<T>& e, Vec<T> x, int64_t stride, T* values, T* rise, int64_t count) {
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
void features(const Everywhere<T>& e, const T* x, int64_t step, int64_t rows, int64_t channels, T* values, T* rise) {
  const int64_t width = (e.functions + 1) * channels;
  for (int64_t r = 0; r < rows; ++r, x += step, values += width, rise += slopes ? width : 0)
    for (int64_t c = 0; c < channels; c += lanes<T>) {
      const int64_t count = std::min<int64_t>(lanes<T>, channels - c);
      const Vec<T> in = Vec<T>::loadu(x + c, count);
      recur<slopes>(e, in, channels, values + c, rise + c, count);
      Vec<T> value, slope;
      base_function(e.base, in, value, slope);
      value.store(values + e.functions * channels + c, count);
      if constexpr (slopes) slope.store(rise + e.functions * channels + c, count);
    }
}

constexpr int64_t features_at_once = 1 << 19;  // bytes

// x (rows, channels), dense; weights ((functions + 1) x channels, outputs).
template <typename T>
class EverywhereSum {
 public:
  EverywhereSum(const Everywhere<T>& e, const at::Tensor& x, const at::Tensor& weights)
      : e(e), x(x), weights(weights), channels_(x.size(1)), width_((e.functions + 1) * x.size(1)),
        some_(std::clamp<int64_t>(features_at_once / (width_ * sizeof(T)), 1, 256)),
        parts_(std::clamp<int64_t>((x.size(0) + some_ - 1) / some_, 1, at::get_num_threads())) {}

  at::Tensor forward() const {
    at::Tensor y = at::empty({x.size(0), weights.size(1)}, x.options());
    each_chunk([&](int64_t, int64_t row, int64_t n, at::Tensor& values, at::Tensor&) {
      features<false>(e, in(row), channels_, n, channels_, values.mutable_data_ptr<T>(), static_cast<T*>(nullptr));
      at::Tensor out = y.narrow(0, row, n);
      at::mm_out(out, values.narrow(0, 0, n), weights);
    }, false);
    return y;
  }

  // Gradients of x (undefined unless wanted) and of the weights.
  std::pair<at::Tensor, at::Tensor> backward(const at::Tensor& grad, bool wants_input) const {
    at::Tensor dx = wants_input ? at::empty_like(x) : at::Tensor(), back = weights.t();
    std::vector<at::Tensor> found(parts_);
    for (auto& t : found) t = at::zeros_like(weights);
    each_chunk([&](int64_t part, int64_t row, int64_t n, at::Tensor& values, at::Tensor& rise) {
      T *v = values.mutable_data_ptr<T>(), *s = rise.mutable_data_ptr<T>();
      if (wants_input) features<true>(e, in(row), channels_, n, channels_, v, s);
      else features<false>(e, in(row), channels_, n, channels_, v, static_cast<T*>(nullptr));
      const at::Tensor g = grad.narrow(0, row, n);
      found[part].addmm_(values.narrow(0, 0, n).t(), g);
      if (!wants_input) return;
      at::Tensor dvalues = values.narrow(0, 0, n);  // not needed any more
      at::mm_out(dvalues, g, back);
      T* out = dx.mutable_data_ptr<T>() + row * channels_;
      for (int64_t r = 0; r < n; ++r, out += channels_)
        for (int64_t c = 0; c < channels_; c += lanes<T>) {
          const int64_t count = std::min<int64_t>(lanes<T>, channels_ - c), at = r * width_ + c;
          Vec<T> total(0);
          for (int64_t k = e.grad_free ? e.functions : 0; k <= e.functions; ++k)
            total = at::vec::fmadd(Vec<T>::loadu(v + at + k * channels_, count), Vec<T>::loadu(s + at + k * channels_, count), total);
          total.store(out + c, count);
        }
    }, wants_input);
    for (int64_t i = 1; i < parts_; ++i) found[0].add_(found[i]);
    return {dx, found[0]};
  }

 private:
  const T* in(int64_t row) const { return x.const_data_ptr<T>() + row * channels_; }

  // visit(part, first row, rows, room for features, room for slopes): a part is what one thread does, rows in order.
  template <typename Visit>
  void each_chunk(const Visit& visit, bool slopes) const {
    const int64_t rows = x.size(0);
    at::parallel_for(0, parts_, 1, [&](int64_t part, int64_t end) {
      at::Tensor values = at::empty({some_, width_}, x.options()), rise = at::empty({slopes ? some_ : 0, width_}, x.options());
      for (; part < end; ++part) {
        const int64_t first = rows * part / parts_, last = rows * (part + 1) / parts_;
        for (int64_t row = first; row < last; row += some_) visit(part, row, std::min(some_, last - row), values, rise);
      }
    });
  }

  const Everywhere<T>& e;
  const at::Tensor x, weights;
  const int64_t channels_, width_, some_, parts_;
};

}  // namespace edgewise
