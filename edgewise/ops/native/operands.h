// Tensors as the kernels want them, and what is refused before any of them runs.
#pragma once
#include <ATen/Functions.h>
#include <ATen/core/Tensor.h>

#include <cmath>
#include <initializer_list>
#include <optional>

#include "geometry.h"

namespace edgewise {

using at::Tensor;
using Maybe = std::optional<Tensor>;

struct Settings {
  int64_t rows, groups, grid, degree;  // rows of outputs an image
  double lo, hi;
  int64_t outside, base_function;
  bool grad_free;
};

inline bool given(const Maybe& t) { return t.has_value() && t->defined(); }

inline Tensor dense(const Maybe& t, at::ScalarType dtype) { return given(t) ? t->to(dtype).contiguous() : Tensor(); }

// Types and places of the operands: x first, then the weights, then tables of indices.
inline void check_kind(const Tensor& x, std::initializer_list<Maybe> weights, std::initializer_list<Maybe> tables) {
  const auto dtype = x.scalar_type();
  TORCH_CHECK_TYPE(dtype == at::kFloat || dtype == at::kDouble || dtype == at::kBFloat16,
                   "x must be float32, float64 or bfloat16, got ", dtype);
  const auto on_cpu = [](const Tensor& t) {
    TORCH_CHECK_VALUE(t.device().is_cpu() && t.layout() == at::kStrided, "this operator takes dense tensors on the CPU, got ",
                      t.layout(), " on ", t.device());
  };
  on_cpu(x);
  for (const auto& t : weights) {
    if (!given(t)) continue;
    TORCH_CHECK_TYPE(t->scalar_type() == dtype, "x is ", dtype, " and a weight is ", t->scalar_type(), ": cast one");
    on_cpu(*t);
  }
  for (const auto& t : tables) {
    if (!given(t)) continue;
    TORCH_CHECK_TYPE(t->scalar_type() == at::kInt && t->is_contiguous(), "tables must be dense, int32");
    on_cpu(*t);
  }
}

inline void check_functions(const Maybe& knots, int64_t features, const Settings& s) {
  TORCH_CHECK_VALUE(s.degree >= 1 && s.degree <= 5 && s.grid >= 1, "degree must be 1 to 5 and grid at least 1, got ", s.degree,
                    " and ", s.grid);
  TORCH_CHECK_VALUE(std::isfinite(s.lo) && std::isfinite(s.hi) && s.lo < s.hi, "the domain must be finite, got ", s.lo, " to ", s.hi);
  TORCH_CHECK_VALUE(s.outside >= 0 && s.outside <= 2 && s.base_function >= 0 && s.base_function <= 5, "unknown rule ", s.outside,
                    " or base function ", s.base_function);
  TORCH_CHECK_VALUE(!given(knots) || knots->sizes() == at::IntArrayRef({features, s.grid + 2 * s.degree + 1}),
                    "knots must be (channels, grid + 2 degree + 1), got ", knots->sizes());
}

inline void check_recurrence(int64_t family, int64_t functions, double lo, double hi, int64_t outside, int64_t base_function) {
  TORCH_CHECK_VALUE(family >= 0 && family <= 1 && outside >= 0 && outside <= 2 && base_function >= 0 && base_function <= 5,
                    "unknown family ", family, ", rule ", outside, " or base function ", base_function);
  TORCH_CHECK_VALUE(family == 0 || functions % 2 == 0, "a Fourier series has as many sines as cosines, got ", functions);
  TORCH_CHECK_VALUE(std::isfinite(lo) && std::isfinite(hi) && lo < hi, "the domain must be finite, got ", lo, " to ", hi);
}

inline void check_tables(const Maybe& source, const Maybe& meets, int64_t taps, int64_t pixels, int64_t rows) {
  if (!given(meets)) {
    TORCH_CHECK_VALUE(taps == 1 && pixels == rows, "without a table of what meets there is one tap, and a pixel for each row");
    return;
  }
  TORCH_CHECK_VALUE(given(source), "a table of what meets needs the sources of its pixels");
  TORCH_CHECK_VALUE(source->dim() == 1 && meets->sizes() == at::IntArrayRef({taps, source->size(0)}),
                    "source must be (padded pixels) and meets (taps, padded pixels), got ", source->sizes(), " and ", meets->sizes());
  const auto within = [](const Tensor& t, int64_t most) {
    const auto* p = t.const_data_ptr<int32_t>();
    return std::all_of(p, p + t.numel(), [&](int32_t i) { return i >= -1 && i < most; });
  };
  TORCH_CHECK_VALUE(within(*source, pixels) && within(*meets, rows), "source must hold -1 or one of ", pixels,
                    " pixels, meets -1 or one of ", rows, " rows");
}

inline const int32_t* table(const Maybe& t) { return given(t) ? t->const_data_ptr<int32_t>() : nullptr; }

template <typename T>
const T* data(const Tensor& t) { return t.defined() ? t.const_data_ptr<T>() : nullptr; }

template <typename T>
T* writable(const Tensor& t) { return t.numel() ? t.mutable_data_ptr<T>() : nullptr; }

// The knots with their margins, and what points to them; in the type of the arithmetic.
template <typename T>
struct Functions {
  std::vector<T> padded;
  Spline<T> spline;

  Functions(const Maybe& knots, int64_t features, const Settings& s, bool has_base) {
    const T lo = s.lo, hi = s.hi, steps = s.grid / (s.hi - s.lo);
    spline = {s.degree, s.grid, lo, hi, steps, Outside(s.outside), has_base ? BaseFunction(s.base_function) : BaseFunction::none, s.grad_free};
    if (!given(knots)) return;
    padded = with_margins(data<T>(dense(knots, c10::CppTypeToScalarType<T>::value)), features, s.degree, s.grid);
    spline.knots = padded.data();
  }
};

template <typename Run>
void for_degree(int64_t degree, const Run& run) {
  switch (degree) {
    case 1: return run(std::integral_constant<int, 1>());
    case 2: return run(std::integral_constant<int, 2>());
    case 3: return run(std::integral_constant<int, 3>());
    case 4: return run(std::integral_constant<int, 4>());
    default: return run(std::integral_constant<int, 5>());
  }
}

}  // namespace edgewise
