// y[image, channel, pixel] = sum over functions of coef[channel, function] * B_function(x): each channel has a function. A
// vector holds pixels of a channel, or where channels lie next to each other, channels of a pixel; y lies as x does.
#pragma once
#include <numeric>

#include "planes.h"

namespace edgewise {

template <typename T, int k>
class Applied {
 public:
  Applied(const Spline<T>& s, const Geometry& g, const Inputs<T>& x, const T* coef)
      : s(s), g(g), x(x), coef(coef), by_channel_(x.channel == 1 && x.pixel != 1) {}

  void forward(T* y) const {
    each_vector([&](const Lanes& l, int64_t at, int64_t count, Vec<T> in) {
      const Vec<T> cell = locate(s, l.features, in);
      Vec<T> value[k + 1], rise[k];
      evaluate<k, false>(s, l.features, in, cell, value, rise);
      l.weigh(value, cell).store(y + at, count);
    }, [](const Lanes&, int64_t, int64_t) {});
  }

  // Gradients of coef, and of x unless `back` is null; grad and back lie as x does.
  void backward(const T* grad, T* dcoef, T* back) const {
    each_vector([&](const Lanes& l, int64_t at, int64_t count, Vec<T> in) {
      const Vec<T> gradient = Vec<T>::loadu(grad + at, count), cell = locate(s, l.features, in);
      Vec<T> value[k + 1], rise[k], slope[k + 1];
      if (back) {
        evaluate<k, true>(s, l.features, in, cell, value, rise);
        slopes_of<k>(rise, slope);
        (l.weigh(slope, cell) * gradient).store(back + at, count);
      } else {
        evaluate<k, false>(s, l.features, in, cell, value, rise);
      }
      spread<k>(s, cell, value, l.values);
      for (int64_t i = 0; i < s.functions() * lanes<T>; i += lanes<T>)
        at::vec::fmadd(Vec<T>::loadu(l.values + i), gradient, Vec<T>::loadu(l.sums + i)).store(l.sums + i);
    }, [&](const Lanes& l, int64_t channel, int64_t count) {
      for (int64_t j = 0; j < s.functions(); ++j) {
        const T* sum = l.sums + j * lanes<T>;
        for (int64_t c = 0; c < count; ++c)
          dcoef[(channel + c) * s.functions() + j] = by_channel_ ? sum[c] : std::accumulate(sum, sum + lanes<T>, T(0));
      }
    });
  }

 private:
  // What the lanes of a vector are: features, the places of their coefficients, and room to work in.
  struct Lanes {
    Features<T> features;
    IntVec<T> offset;
    const T* table;
    T *values, *sums;

    Vec<T> weigh(const Vec<T>* local, Vec<T> cell) const {
      const IntVec<T> at = at::vec::convert_to_int_of_same_size(cell) + offset;
      Vec<T> total(0);
      each<k + 1>(EACH(j) { total = at::vec::fmadd(local[j], at::vec::gather<sizeof(T)>(table + j, at), total); });
      return total;
    }
  };

  // visit(lanes, place in memory, count, inputs) for each vector; done(lanes, channel, channels) when its channels are.
  template <typename Visit, typename Done>
  void each_vector(const Visit& visit, const Done& done) const {
    const int64_t step = by_channel_ ? lanes<T> : 1, steps = (g.channels + step - 1) / step;
    const int64_t work = std::max<int64_t>(1, g.images * g.pixels * step), grain = std::max<int64_t>(1, 2048 / work);
    at::parallel_for(0, steps, grain, [&](int64_t i, int64_t end) {
      Buffer<T> values(padded_functions(s) * lanes<T>, T(0)), sums(values.size()), table(step * s.rows(), T(0));
      std::array<Int<T>, lanes<T>> offset{};
      for (int64_t c = 0; c < step; ++c) offset[c] = c * s.rows();
      for (; i < end; ++i) {
        const int64_t channel = i * step, channels = std::min(step, g.channels - channel);
        for (int64_t c = 0; c < channels; ++c)
          std::copy_n(coef + (channel + c) * s.functions(), s.functions(), table.begin() + c * s.rows() + s.margin());
        std::fill(sums.begin(), sums.end(), T(0));
        const Lanes l{{s, channel, by_channel_}, IntVec<T>::loadu(offset.data()), table.data(), values.data(), sums.data()};
        for (int64_t image = 0; image < g.images; ++image) {
          const int64_t at = image * x.image + channel * x.channel;
          for (int64_t p = 0; p < g.pixels; p += by_channel_ ? 1 : lanes<T>) {
            const int64_t count = by_channel_ ? channels : std::min<int64_t>(lanes<T>, g.pixels - p);
            visit(l, at + p * x.pixel, count, Vec<T>::loadu(x.data + at + p * x.pixel, count));
          }
        }
        done(l, channel, channels);
      }
    });
  }

  const Spline<T>& s;
  const Geometry& g;
  const Inputs<T>& x;
  const T* coef;
  const bool by_channel_;
};

}  // namespace edgewise
