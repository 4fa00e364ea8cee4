// S[image, group, function, row] = sum over channels and taps of mix * B_function(x): what layers with shared functions need
// of their inputs. The channels are summed first, once a tap, for a vector of pixels at a time; then each tap goes to its rows.
#pragma once
#include <numeric>

#include "planes.h"

namespace edgewise {

constexpr int64_t channels_at_once = 32;
constexpr int64_t worth_a_thread = 256;  // pixels or rows

// Threads share out images, or where there are too few of them, parts of their pixels or rows.
struct Part {
  int64_t image, begin, end;
};

inline std::vector<Part> parts(int64_t images, int64_t whole, int64_t vector) {
  const int64_t wanted = (at::get_num_threads() + images - 1) / images;
  const int64_t n = std::clamp<int64_t>(whole / worth_a_thread, 1, wanted);
  const int64_t step = ((whole + n - 1) / n + vector - 1) / vector * vector;
  std::vector<Part> result;
  for (int64_t i = 0; i < images; ++i)
    for (int64_t start = 0; start < whole; start += step) result.push_back({i, start, std::min(start + step, whole)});
  return result;
}

template <typename T, int k>
class ChannelsFirst {
 public:
  // mix (groups, channels, taps); sums, or their gradients (images, groups, functions, rows)
  ChannelsFirst(const Spline<T>& s, const Geometry& g, const Inputs<T>& x, const T* mix) : s(s), g(g), x(x), mix(mix) {}

  // `sums` holds zeros.
  void forward(T* sums) const {
    const auto tasks = parts(g.images, g.rows, 1);
    at::parallel_for(0, tasks.size(), 1, [&](int64_t i, int64_t end) {
      Buffer<T> functions(channels_at_once * width, T(0)), met(g.taps * width);
      for (; i < end; ++i) {
        const Part pixels = seen_by(tasks[i]);
        for (int64_t p = pixels.begin; p < pixels.end; p += lanes<T>)
          for (int64_t group = 0; group < g.groups; ++group) {
            const int64_t count = std::min<int64_t>(lanes<T>, pixels.end - p);
            for (int64_t first = 0; first < g.channels; first += channels_at_once) {
              const int64_t n = std::min(channels_at_once, g.channels - first);
              for (int64_t c = 0; c < n; ++c)
                functions_at(pixels.image, group * g.channels + first + c, p, count, functions.data() + c * width, nullptr);
              sum_channels(group * g.channels + first, n, functions.data(), first > 0, met.data());
            }
            add_to_rows(tasks[i], group, p, count, met.data(), sums);
          }
      }
    });
  }

  // The sums anew (into zeros), and from their gradients those of mix, and of x unless `back` is null; its strides are those
  // of `place`. No pixel is repeated in the padding. One evaluation of the functions serves all.
  void backward(const T* grad, T* sums, T* dmix, T* back, const Inputs<T>& place) const {
    const int64_t edges = g.groups * g.channels * g.taps;
    const auto tasks = parts(g.images, g.rows, 1);
    const int64_t each_image = tasks.size() / g.images, vectors = (g.padded + lanes<T> - 1) / lanes<T>;
    std::vector<T> found(tasks.size() * edges);
    at::parallel_for(0, tasks.size(), 1, [&](int64_t i, int64_t end) {
      Buffer<T> total(edges * lanes<T>), met(g.taps * width), met_grad(g.taps * width);
      Buffer<T> functions(channels_at_once * width, T(0)), slopes(back ? channels_at_once * width : 0, T(0));
      for (; i < end; ++i) {
        // a task owns the rows of its part, and the gradients of as large a part of the pixels
        const int64_t part = i % each_image;
        const int64_t own_begin = vectors * part / each_image * lanes<T>, own_end = vectors * (part + 1) / each_image * lanes<T>;
        const Part seen = seen_by(tasks[i]);
        const int64_t begin = std::min(seen.begin / lanes<T> * lanes<T>, own_begin);
        const int64_t stop = std::min(g.padded, std::max(seen.end, own_end));
        std::fill(total.begin(), total.end(), T(0));
        for (int64_t p = begin; p < stop; p += lanes<T>)
          for (int64_t group = 0; group < g.groups; ++group) {
            const bool own = p >= own_begin && p < own_end;
            const int64_t count = std::min<int64_t>(lanes<T>, g.padded - p);
            if (own) gather(grad + (seen.image * g.groups + group) * s.functions() * g.rows, p, count, met_grad.data());
            for (int64_t first = 0; first < g.channels; first += channels_at_once) {
              const int64_t n = std::min(channels_at_once, g.channels - first), channel = group * g.channels + first;
              for (int64_t c = 0; c < n; ++c) {
                T *values = functions.data() + c * width, *rising = back ? slopes.data() + c * width : nullptr;
                functions_at(seen.image, channel + c, p, count, values, rising);
                if (!own) continue;
                add_products(values, met_grad.data(), total.data() + (channel + c) * g.taps * lanes<T>);
                if (back) write(slope(channel + c, met_grad.data(), rising), back, place, seen.image, channel + c, p, count);
              }
              sum_channels(channel, n, functions.data(), first > 0, met.data());
            }
            add_to_rows(tasks[i], group, p, count, met.data(), sums);
          }
        for (int64_t e = 0; e < edges; ++e)
          found[i * edges + e] = std::accumulate(&total[e * lanes<T>], &total[e * lanes<T>] + lanes<T>, T(0));
      }
    });
    std::fill_n(dmix, edges, T(0));
    for (size_t i = 0; i < tasks.size(); ++i)
      for (int64_t e = 0; e < edges; ++e) dmix[e] += found[i * edges + e];
  }

 private:
  // The pixels that meet rows of a part.
  Part seen_by(const Part& rows) const {
    if (!g.meets) return rows;
    if (rows.end - rows.begin == g.rows) return {rows.image, 0, g.padded};
    int64_t low = g.padded, high = 0;
    for (int64_t tap = 0; tap < g.taps; ++tap)
      for (int64_t p = 0; p < g.padded; ++p)
        if (const int64_t row = g.meets[tap * g.padded + p]; row >= rows.begin && row < rows.end)
          low = std::min(low, p), high = std::max(high, p + 1);
    return {rows.image, std::min(low, high), high};
  }

  // visit(tap, lane, row, n): n lanes from there on meet as many rows that follow each other.
  template <typename Visit>
  void each_run(int64_t pixel, int64_t count, const Part& rows, const Visit& visit) const {
    for (int64_t tap = 0; tap < g.taps; ++tap) {
      const auto met = [&](int64_t lane) -> int64_t {
        const int64_t row = g.meets ? g.meets[tap * g.padded + pixel + lane] : pixel + lane;
        return row >= rows.begin && row < rows.end ? row : -1;
      };
      if (const int64_t row = met(0); count == lanes<T> && row >= 0 && met(count - 1) == row + count - 1) {
        visit(tap, 0, row, count);  // rows ascend, so those between are all there
        continue;
      }
      for (int64_t lane = 0; lane < count;) {
        const int64_t row = met(lane);
        int64_t n = 1;
        while (row >= 0 && lane + n < count && met(lane + n) == row + n) ++n;
        if (row >= 0) visit(tap, lane, row, n);
        lane += n;
      }
    }
  }

  void functions_at(int64_t image, int64_t channel, int64_t p, int64_t count, T* values, T* slopes) const {
    const Vec<T> in = read_pixels(g, x, image, channel, p, count);
    functions_of<T, k>(s, Features<T>(s, channel, false), in, values, slopes);
  }

  // met[tap, function] = (or +=) sum over n channels of mix * B_function(x), for a vector of pixels.
  void sum_channels(int64_t channel, int64_t n, const T* functions, bool add, T* met) const {
    for (int64_t tap = 0; tap < g.taps;) {
      const auto go = [&](auto taps) {
        for (int64_t f = 0; f < width; f += together * lanes<T>)
          contract<taps.value>(functions + f, mix + channel * g.taps + tap, n, add, met + tap * width + f);
        tap += taps.value;
      };
      if (g.taps - tap >= 3) go(std::integral_constant<int, 3>());
      else go(std::integral_constant<int, 1>());
    }
  }

  void add_to_rows(const Part& rows, int64_t group, int64_t p, int64_t count, const T* met, T* sums) const {
    T* out = sums + (rows.image * g.groups + group) * s.functions() * g.rows;
    each_run(p, count, rows, [&](int64_t tap, int64_t lane, int64_t row, int64_t n) {
      const T* from = met + tap * width + lane;
      for (int64_t f = 0; f < s.functions(); ++f, from += lanes<T>) {
        T* to = out + f * g.rows + row;
        if (n == lanes<T>) (Vec<T>::loadu(to) + Vec<T>::loadu(from)).store(to);
        else (Vec<T>::loadu(to, n) + Vec<T>::loadu(from, n)).store(to, n);
      }
    });
  }

  template <int taps>
  void contract(const T* functions, const T* weights, int64_t channels, bool add, T* out) const {
    Registers<T, taps, together> sum;
    each<taps>(EACH(d) {
      each<together>(EACH(f) { sum[d][f] = add ? Vec<T>::loadu(out + d * width + f * lanes<T>) : Vec<T>(0); });
    });
    for (int64_t c = 0; c < channels; ++c, functions += width, weights += g.taps)
      each<together>(EACH(f) {
        const Vec<T> value = Vec<T>::loadu(functions + f * lanes<T>);
        each<taps>(EACH(d) { sum[d][f] = at::vec::fmadd(Vec<T>(weights[d]), value, sum[d][f]); });
      });
    each<taps>(EACH(d) { each<together>(EACH(f) { sum[d][f].store(out + d * width + f * lanes<T>); }); });
  }

  void gather(const T* sums, int64_t pixel, int64_t count, T* met) const {
    std::fill_n(met, g.taps * width, T(0));
    each_run(pixel, count, {0, 0, g.rows}, [&](int64_t tap, int64_t lane, int64_t row, int64_t n) {
      for (int64_t f = 0; f < s.functions(); ++f)
        std::copy_n(sums + f * g.rows + row, n, met + tap * width + f * lanes<T> + lane);
    });
  }

  void add_products(const T* values, const T* met, T* total) const {
    for (int64_t tap = 0; tap < g.taps;) {
      const auto go = [&](auto taps) {
        Registers<T, taps.value, 1> sum;
        each<taps.value>(EACH(d) { sum[d][0] = Vec<T>::loadu(total + (tap + d) * lanes<T>); });
        for (int64_t f = 0; f < s.functions() * lanes<T>; f += lanes<T>) {
          const Vec<T> value = Vec<T>::loadu(values + f);
          each<taps.value>(EACH(d) {
            sum[d][0] = at::vec::fmadd(value, Vec<T>::loadu(met + (tap + d) * width + f), sum[d][0]);
          });
        }
        each<taps.value>(EACH(d) { sum[d][0].store(total + (tap + d) * lanes<T>); });
        tap += taps.value;
      };
      if (g.taps - tap >= 3) go(std::integral_constant<int, 3>());
      else go(std::integral_constant<int, 1>());
    }
  }

  Vec<T> slope(int64_t channel, const T* met, const T* slopes) const {
    Vec<T> total(0);
    for (int64_t f = 0; f < s.functions() * lanes<T>; f += lanes<T>) {
      Vec<T> mixed(0);
      for (int64_t tap = 0; tap < g.taps; ++tap)
        mixed = at::vec::fmadd(Vec<T>(mix[channel * g.taps + tap]), Vec<T>::loadu(met + tap * width + f), mixed);
      total = at::vec::fmadd(Vec<T>::loadu(slopes + f), mixed, total);
    }
    return total;
  }

  void write(const Vec<T>& values, T* back, const Inputs<T>& place, int64_t image, int64_t channel, int64_t pixel, int64_t count) const {
    alignas(64) std::array<T, lanes<T>> each;
    values.store(each.data());
    T* plane = back + image * place.image + channel * place.channel;
    for (int64_t i = 0; i < count; ++i)
      if (const int64_t p = g.source ? g.source[pixel + i] : pixel + i; p >= 0) plane[p * place.pixel] = each[i];
  }

  const Spline<T>& s;
  const Geometry& g;
  const Inputs<T>& x;
  const T* mix;
  const int64_t width = padded_functions(s) * lanes<T>;
};

}  // namespace edgewise
