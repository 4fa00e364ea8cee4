// The edge sum over functions with global support.
//
// All functions of few rows of inputs are written to a corner of the second cache and meet the weights in one product of
// matrices there; the next rows overwrite them. Each thread does so for rows of its own.
#pragma once
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include "native/recurrences.h"

namespace edgewise {

// x (rows, channels), dense; weights ((functions + 1) x channels, outputs).
template <typename T>
class GlobalSum {
 public:
  GlobalSum(const Recurrence<T>& e, const at::Tensor& x, const at::Tensor& weights)
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

  const Recurrence<T>& e;
  const at::Tensor x, weights;
  const int64_t channels_, width_, some_, parts_;
};

}  // namespace edgewise
