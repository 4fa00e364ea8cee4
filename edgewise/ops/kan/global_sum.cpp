// The operators of fully connected layers on bases with global support.
#include "global_sum.h"

#include <ATen/TensorOperators.h>
#include <torch/library.h>

#include "native/operands.h"

namespace edgewise {
namespace {

using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

#define OPERANDS \
  const Tensor &x, const Tensor &coef, const Maybe &base, const Maybe &scale, int64_t family, double lo, double hi, \
      int64_t outside, int64_t base_function, bool grad_free
#define GIVEN x, coef, base, scale, family, lo, hi, outside, base_function, grad_free

void check(const Tensor& x, const Tensor& coef, const Maybe& base, const Maybe& scale, int64_t family, double lo, double hi, int64_t outside,
           int64_t base_function) {
  check_kind(x, {coef, base, scale}, {});
  TORCH_CHECK_VALUE(x.dim() == 2 && coef.dim() == 3 && coef.size(0) == x.size(1) && coef.size(1) >= 1,
                    "x must be (rows, channels) and coef (channels, functions, outputs), got ", x.sizes(), " and ", coef.sizes());
  for (const auto& t : {base, scale})
    TORCH_CHECK_VALUE(!given(t) || t->sizes() == at::IntArrayRef({coef.size(2), coef.size(0)}),
                      "base weights and scales must be (outputs, channels), got ", t->sizes());
  check_recurrence(family, coef.size(1), lo, hi, outside, base_function);
}

template <typename T>
struct Prepared {
  Recurrence<T> e;
  Tensor in, coef, scale, weights;

  Prepared(const Tensor& x, const Tensor& coef_, const Maybe& base, const Maybe& scale_, int64_t family, double lo, double hi,
           int64_t outside, int64_t base_function, bool grad_free) {
    constexpr auto dtype = c10::CppTypeToScalarType<T>::value;
    e = recurrence<T>(family, coef_.size(1), lo, hi, outside, given(base) ? BaseFunction(base_function) : BaseFunction::none, grad_free);
    in = x.to(dtype).contiguous(), coef = coef_.to(dtype);
    if (given(scale_)) scale = scale_->to(dtype).t().unsqueeze(1);  // (channels, 1, outputs)
    const Tensor dense = given(base) ? base->to(dtype).t().unsqueeze(1) : at::zeros({coef.size(0), 1, coef.size(2)}, coef.options());
    const Tensor scaled = scale.defined() ? coef * scale : coef;
    weights = at::cat({scaled, dense}, 1).transpose(0, 1).contiguous().flatten(0, 1);
  }
};

template <typename T>
Tensor run_forward(OPERANDS) {
  const Prepared<T> p(GIVEN);
  return GlobalSum<T>(p.e, p.in, p.weights).forward().to(x.scalar_type());
}

template <typename T>
Four run_backward(const Tensor& grad, OPERANDS, bool wants_input) {
  const Prepared<T> p(GIVEN);
  const auto [dx, dweights] = GlobalSum<T>(p.e, p.in, p.weights).backward(grad.to(p.in.scalar_type()).contiguous(), wants_input);
  const Tensor by_function = dweights.unflatten(0, {coef.size(1) + 1, coef.size(0)}).transpose(0, 1);  // (channels, K + 1, outputs)
  const Tensor dscaled = by_function.narrow(1, 0, coef.size(1)), none = at::empty({0}, x.options());
  const Tensor dcoef = p.scale.defined() ? dscaled * p.scale : dscaled;
  const auto as_given = [&](const Tensor& t) { return t.to(x.scalar_type()).contiguous(); };
  return {wants_input ? as_given(dx) : none, as_given(dcoef), given(base) ? as_given(by_function.select(1, coef.size(1)).t()) : none,
          p.scale.defined() ? as_given((dscaled * p.coef).sum(1).t()) : none};
}

Tensor global_sum(OPERANDS) {
  check(x, coef, base, scale, family, lo, hi, outside, base_function);
  return x.scalar_type() == at::kDouble ? run_forward<double>(GIVEN) : run_forward<float>(GIVEN);
}

Four global_sum_backward(const Tensor& grad, OPERANDS, bool wants_input) {
  check(x, coef, base, scale, family, lo, hi, outside, base_function);
  TORCH_CHECK_VALUE(grad.sizes() == at::IntArrayRef({x.size(0), coef.size(2)}), "the gradient must be (rows, outputs), got ", grad.sizes());
  return x.scalar_type() == at::kDouble ? run_backward<double>(grad, GIVEN, wants_input) : run_backward<float>(grad, GIVEN, wants_input);
}

#define NAMED \
  "Tensor x, Tensor coef, Tensor? base, Tensor? scale, int family, float lo, float hi, int outside, int base_function, bool grad_free"

}  // namespace

TORCH_LIBRARY_FRAGMENT(edgewise, m) {
  m.def("global_sum(" NAMED ") -> Tensor");
  m.def("global_sum_backward(Tensor grad, " NAMED ", bool wants_input) -> (Tensor, Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(edgewise, CPU, m) {
  m.impl("global_sum", global_sum);
  m.impl("global_sum_backward", global_sum_backward);
}

}  // namespace edgewise
