// Rational functions of degrees 5 and 4, one to a group of neighbouring channels: one walk over the input each way.
//
// Gradients of coefficients are summed in registers over few rows, those sums over all rows in double, in an order that does
// not depend on the threads. Channels beside each other share their coefficients, so nothing is gathered or scattered.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/cpu/vec/vec.h>
#include <torch/library.h>

#include "native/operands.h"
#include "rational/points.h"

namespace edgewise {
namespace {

constexpr int64_t rows_at_once = 32;

// x (rows, groups x channels), dense; a (groups, 6), b (groups, 4).
template <typename T>
struct Rational {
  const T *x, *a, *b;
  int64_t rows, groups, channels;
  bool terms;  // the denominator is 1 + sum_j |b_j x^j|, else 1 + |sum_j b_j x^j|

  int64_t blocks() const { return (rows + rows_at_once - 1) / rows_at_once; }

  Group<T> group(int64_t index) const {
    Group<T> g;
    for (int i = 0; i <= numerator; ++i) g.a[i] = Vec<T>(a[index * (numerator + 1) + i]);
    for (int j = 0; j < denominator; ++j) {
      const T value = b[index * denominator + j];
      g.b[j] = Vec<T>(terms ? std::abs(value) : value);
    }
    return g;
  }

  // visit(group, state, place of the vector, how many of its lanes count, how far on the vector is that this row needs in
  // the next pass), block by block of rows; a block is one thread's. A pass jumps from row to row, which no prefetcher of the
  // hardware foresees.
  template <typename Begin, typename Visit, typename End>
  void walk(const Begin& begin, const Visit& visit, const End& end) const {
    at::parallel_for(0, blocks(), 4, [&](int64_t block, int64_t last) {
      for (; block < last; ++block)
        for (int64_t index = 0; index < groups; ++index) {
          const Group<T> g = group(index);
          auto state = begin();
          const int64_t next = (index + 1 < groups ? 1 : rows_at_once * groups - index) * channels;
          const int64_t until = std::min(rows, (block + 1) * rows_at_once);
          for (int64_t row = block * rows_at_once; row < until; ++row) {
            const int64_t first = (row * groups + index) * channels;
            int64_t c = 0;
            for (; c + lanes<T> <= channels; c += lanes<T>) visit(g, state, first + c, lanes<T>, next);
            if (c < channels) visit(g, state, first + c, channels - c, next);
          }
          end(state, block, index);
        }
    });
  }
};

template <typename T>
INLINE Vec<T> some(const T* p, int64_t count) { return count == lanes<T> ? Vec<T>::loadu(p) : Vec<T>::loadu(p, count); }

template <typename T>
Rational<T> prepared(const Tensor& x, const Tensor& a, const Tensor& b, bool terms) {
  return {data<T>(x), data<T>(a), data<T>(b), x.size(0), a.size(0), x.size(1) / a.size(0), terms};
}

template <typename T>
Tensor run_forward(const Tensor& x, const Tensor& a, const Tensor& b, bool terms) {
  Tensor y = at::empty_like(x);
  T* out = writable<T>(y);
  const auto r = prepared<T>(x, a, b, terms);
  struct None {};
  r.walk([] { return None{}; },
         [&](const auto& g, None&, int64_t at, int64_t count, int64_t next) __attribute__((always_inline)) {
           __builtin_prefetch(r.x + at + next);
           const Vec<T> in = some(r.x + at, count);
           if constexpr (std::is_same_v<T, float>) {
             if (any_far_out(in)) return value_far_out(g, in, terms).store(out + at, count);
           }
           const Value<T> v(g, in, terms);
           (v.top * v.inverse).store(out + at, count);
         },
         [](None&, int64_t, int64_t) {});
  return y;
}

// Gradients of x, and in double of a and of b.
template <typename T>
std::tuple<Tensor, Tensor, Tensor> run_backward(const Tensor& grad, const Tensor& x, const Tensor& a, const Tensor& b, bool terms) {
  Tensor dx = at::empty_like(x);
  const auto r = prepared<T>(x, a, b, terms);
  Tensor sums = at::empty({r.blocks(), r.groups, coefficients}, x.options().dtype(at::kDouble));
  double* totals = writable<double>(sums);
  T* out = writable<T>(dx);
  const T* given = data<T>(grad);
  r.walk(
      [] {
        Sums<T> s;
        for (auto& v : s.of) v = Vec<T>(0);
        return s;
      },
      [&](const auto& g, Sums<T>& s, int64_t at, int64_t count, int64_t next) __attribute__((always_inline)) {
        __builtin_prefetch(r.x + at + next);
        __builtin_prefetch(given + at + next);
        const Vec<T> in = some(r.x + at, count), upstream = some(given + at, count);
        if constexpr (std::is_same_v<T, float>) {
          if (any_far_out(in)) return slope_far_out(g, in, upstream, terms, s).store(out + at, count);
        }
        slope_at(g, in, upstream, terms, s).store(out + at, count);
      },
      [&](Sums<T>& s, int64_t block, int64_t index) {
        T lane[lanes<T>];
        for (int i = 0; i < coefficients; ++i) {
          s.of[i].store(lane);
          double& total = totals[(block * r.groups + index) * coefficients + i];
          total = 0;
          for (const T value : lane) total += value;
        }
      });
  const Tensor all = sums.sum(0);
  Tensor db = all.narrow(1, numerator + 1, denominator).contiguous();
  if (terms) db = at::where(b < 0, db.neg(), db);
  return {dx, all.narrow(1, 0, numerator + 1).contiguous(), db};
}

void check(const Tensor& x, const Tensor& a, const Tensor& b) {
  check_kind(x, {a, b}, {});
  TORCH_CHECK_TYPE(x.scalar_type() != at::kBFloat16, "x must be float32 or float64");
  TORCH_CHECK_VALUE(x.dim() == 2 && a.dim() == 2 && b.dim() == 2 && a.size(1) == numerator + 1 && b.size(1) == denominator &&
                        a.size(0) == b.size(0) && a.size(0) >= 1 && x.size(1) % a.size(0) == 0,
                    "x must be (rows, groups x channels), a (groups, 6) and b (groups, 4), got ", x.sizes(), ", ", a.sizes(), " and ",
                    b.sizes());
}

Tensor rational(const Tensor& x, const Tensor& a, const Tensor& b, bool terms) {
  check(x, a, b);
  const auto run = x.scalar_type() == at::kDouble ? run_forward<double> : run_forward<float>;
  return run(x.contiguous(), a.contiguous(), b.contiguous(), terms);
}

std::tuple<Tensor, Tensor, Tensor> rational_backward(const Tensor& grad, const Tensor& x, const Tensor& a, const Tensor& b, bool terms) {
  check(x, a, b);
  TORCH_CHECK_VALUE(grad.sizes() == x.sizes() && grad.scalar_type() == x.scalar_type(), "the gradient must be like x");
  const auto run = x.scalar_type() == at::kDouble ? run_backward<double> : run_backward<float>;
  return run(grad.contiguous(), x.contiguous(), a.contiguous(), b.contiguous(), terms);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(edgewise, m) {
  m.def("rational(Tensor x, Tensor a, Tensor b, bool terms) -> Tensor");
  m.def("rational_backward(Tensor grad, Tensor x, Tensor a, Tensor b, bool terms) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(edgewise, CPU, m) {
  m.impl("rational", rational);
  m.impl("rational_backward", rational_backward);
}

}  // namespace edgewise
