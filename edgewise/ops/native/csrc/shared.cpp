// The operators of layers with shared functions; the gradients of the layers are put together from them in Python.
#include <torch/library.h>

#include "applied.h"
#include "operands.h"
#include "shared.h"

namespace edgewise {
namespace {

using Two = std::tuple<Tensor, Tensor>;
using Three = std::tuple<Tensor, Tensor, Tensor>;

#define OPERANDS \
  const Tensor &x, const Tensor &weight, const Maybe &knots, const Maybe &source, const Maybe &meets, int64_t rows, int64_t grid, \
      int64_t degree, double lo, double hi, int64_t outside
#define GIVEN x, weight, knots, source, meets, rows, grid, degree, lo, hi, outside

Settings checked(OPERANDS, int64_t groups, int64_t taps) {
  const Settings s{rows, groups, grid, degree, lo, hi, outside, 0, false};
  check_kind(x, {weight, knots}, {source, meets});
  TORCH_CHECK_VALUE(x.dim() == 3, "x must be (images, channels, pixels), got ", x.sizes());
  check_functions(knots, x.size(1), s);
  check_tables(source, meets, taps, x.size(2), rows);
  return s;
}

Geometry geometry(const Tensor& x, const Maybe& source, const Maybe& meets, const Settings& s, int64_t taps) {
  const auto padded = given(source) ? source->size(0) : x.size(2);
  return {x.size(0), x.size(2), padded, s.rows, taps, s.groups, x.size(1) / s.groups, 1, table(source), table(meets)};
}

template <typename T>
Inputs<T> inputs(const Tensor& x) { return {data<T>(x), x.stride(0), x.stride(1), x.stride(2)}; }

Settings check_mixed(OPERANDS) {
  TORCH_CHECK_VALUE(weight.dim() == 3 && x.dim() == 3 && weight.size(0) * weight.size(1) == x.size(1),
                    "mix must be (groups, channels of a group, taps), got ", weight.sizes(), " for x ", x.sizes());
  return checked(GIVEN, weight.size(0), weight.size(2));
}

template <typename T>
Tensor run_mixed(OPERANDS) {
  const Settings s = check_mixed(GIVEN);
  const Functions<T> f(knots, x.size(1), s, false);
  constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
  const Tensor in = x.to(dtype), mix = dense(weight, dtype);
  Tensor sums = at::zeros({x.size(0), s.groups, grid + degree, rows}, in.options());
  const auto g = geometry(x, source, meets, s, weight.size(2));
  if (sums.numel() && x.numel())
    for_degree(degree, [&](auto k) { Shared<T, k.value>(f.spline, g, inputs<T>(in), data<T>(mix)).forward(writable<T>(sums)); });
  return sums.to(x.scalar_type());
}

template <typename T>
Three run_mixed_backward(const Tensor& grad, OPERANDS, bool wants_input) {
  const Settings s = check_mixed(GIVEN);
  TORCH_CHECK_VALUE(grad.sizes() == at::IntArrayRef({x.size(0), s.groups, grid + degree, rows}), "the gradient must be (images, "
                    "groups, functions, rows), got ", grad.sizes());
  const Functions<T> f(knots, x.size(1), s, false);
  constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
  const Tensor in = x.to(dtype), mix = dense(weight, dtype), gradient = dense(grad, dtype);
  Tensor dx = wants_input ? at::zeros_like(in) : at::empty({0}, in.options()), dmix = at::zeros_like(mix);
  Tensor sums = at::zeros_like(gradient);
  const auto g = geometry(x, source, meets, s, weight.size(2));
  if (sums.numel() && x.numel())
    for_degree(degree, [&](auto k) {
      const Inputs<T> place = wants_input ? inputs<T>(dx) : Inputs<T>{};
      Shared<T, k.value>(f.spline, g, inputs<T>(in), data<T>(mix))
          .backward(data<T>(gradient), writable<T>(sums), writable<T>(dmix), wants_input ? writable<T>(dx) : nullptr, place);
    });
  return {dx.to(x.scalar_type()), dmix.to(x.scalar_type()), sums.to(x.scalar_type())};
}

Settings check_applied(OPERANDS) {
  TORCH_CHECK_VALUE(x.dim() == 3 && weight.sizes() == at::IntArrayRef({x.size(1), grid + degree}),
                    "coef must be (channels, functions), got ", weight.sizes(), " for x ", x.sizes());
  return checked(GIVEN, 1, 1);
}

// Pixels next to each other, or channels.
Tensor in_lines(const Tensor& x, at::ScalarType dtype) {
  const Tensor t = x.to(dtype);
  return t.is_non_overlapping_and_dense() && (t.stride(1) == 1 || t.stride(2) == 1) ? t : t.contiguous();
}

template <typename T>
Tensor run_applied(OPERANDS) {
  const Settings s = check_applied(GIVEN);
  const Functions<T> f(knots, x.size(1), s, false);
  constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
  const Tensor in = in_lines(x, dtype), coef = dense(weight, dtype);
  Tensor y = at::empty_like(in);
  const auto g = geometry(x, source, meets, s, 1);
  if (y.numel())
    for_degree(degree, [&](auto k) { Applied<T, k.value>(f.spline, g, inputs<T>(in), data<T>(coef)).forward(writable<T>(y)); });
  return y.to(x.scalar_type());
}

template <typename T>
Two run_applied_backward(const Tensor& grad, OPERANDS, bool wants_input) {
  const Settings s = check_applied(GIVEN);
  TORCH_CHECK_VALUE(grad.sizes() == x.sizes(), "the gradient must be as x, ", x.sizes(), ", got ", grad.sizes());
  const Functions<T> f(knots, x.size(1), s, false);
  constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
  const Tensor in = in_lines(x, dtype), coef = dense(weight, dtype);
  const Tensor gradient = at::empty_like(in).copy_(grad);
  Tensor dx = wants_input ? at::empty_like(in) : at::empty({0}, in.options()), dcoef = at::zeros_like(coef);
  const auto g = geometry(x, source, meets, s, 1);
  if (x.numel())
    for_degree(degree, [&](auto k) {
      Applied<T, k.value>(f.spline, g, inputs<T>(in), data<T>(coef))
          .backward(data<T>(gradient), writable<T>(dcoef), wants_input ? writable<T>(dx) : nullptr);
    });
  return {dx.to(x.scalar_type()), dcoef.to(x.scalar_type())};
}

#define IN_TYPE(name) x.scalar_type() == at::kDouble ? name<double> : name<float>
Tensor mixed(OPERANDS) { return (IN_TYPE(run_mixed))(GIVEN); }
Tensor applied(OPERANDS) { return (IN_TYPE(run_applied))(GIVEN); }
Three mixed_backward(const Tensor& grad, OPERANDS, bool wants) { return (IN_TYPE(run_mixed_backward))(grad, GIVEN, wants); }
Two applied_backward(const Tensor& grad, OPERANDS, bool wants) { return (IN_TYPE(run_applied_backward))(grad, GIVEN, wants); }

#define NAMED \
  "Tensor x, Tensor weight, Tensor? knots, Tensor? source, Tensor? meets, int rows, int grid, int degree, float lo, float hi, " \
  "int outside"

}  // namespace

TORCH_LIBRARY_FRAGMENT(edgewise, m) {
  m.def("mixed(" NAMED ") -> Tensor");
  m.def("applied(" NAMED ") -> Tensor");
  m.def("mixed_backward(Tensor grad, " NAMED ", bool wants_input) -> (Tensor, Tensor, Tensor)");
  m.def("applied_backward(Tensor grad, " NAMED ", bool wants_input) -> (Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(edgewise, CPU, m) {
  m.impl("mixed", mixed);
  m.impl("applied", applied);
  m.impl("mixed_backward", mixed_backward);
  m.impl("applied_backward", applied_backward);
}

}  // namespace edgewise
