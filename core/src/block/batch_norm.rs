//! Batch normalisation (S. Ioffe, C. Szegedy, Batch Normalization, ICML 2015): with the mean mu and the variance v of a
//! channel
//!
//! `y = gamma (x - mu)/sqrt(v + 1e-5) + beta`,
//!
//! gamma and beta a channel's own. In training passes mu and v are those of the mini-batch, over its n = samples x pixels
//! numbers of a channel, and the gradient goes through them; in all other passes they are running ones, which every step
//! moves by a tenth of the way to its mini-batch's ([`track`]), v to the unbiased `v n/(n - 1)`, as PyTorch's do.
//!
//! What a mini-batch's mean and variance are taken over is what passes at once: methods pass a mini-batch as one tile.

use super::{LinearMap, MapKind, Place, Sink, Step};
use crate::error::Result;
use crate::real::Real;
use crate::reduce;
use crate::shape::Shape;
use crate::view::{MatMut, MatRef, column, column_mut};

/// What is added to a variance.
const EPSILON: f64 = 1e-5;

/// The share of the way to a mini-batch's mean and variance that the running ones go.
const RATE: f64 = 0.1;

/// Channels that are worked on at a time.
const STRIP: usize = 16;

/// gamma and beta, and after them the running mean and variance.
pub(super) const fn maps(input: Shape, offset: usize) -> [LinearMap; 2] {
    let scale = LinearMap { kind: MapKind::Scale, offset, n_out: input.channels, n_in: 1 };
    [scale, LinearMap { kind: MapKind::Statistics, offset: scale.end(), ..scale }]
}

/// `running <- running + (sums/samples - running)/10`, for mean and variance as a mini-batch of so many samples adds them
/// up in a [`Sink`].
pub(crate) fn track<T: Real>(running: &mut [T], sums: &[T], samples: usize) {
    let share = T::from_f64(RATE / samples as f64);
    let kept = T::from_f64(1.0 - RATE);
    running.iter_mut().zip(sums).for_each(|(running, &sum)| *running = kept * *running + share * sum);
}

/// The least-squares step of gamma and beta from a mini-batch: `change <- argmin sum |r + d_gamma x^ + d_beta|^2 + damping n |d_gamma|^2`,
/// where `sums` are `r x^'` and the row sums of `r` over n numbers of a channel. Since x^ has mean 0 and variance 1, up to the
/// number that is added to a variance, the solution is `-sums/n`, that of gamma divided by `1 + damping`.
pub(crate) fn scale_step<T: Real>(sums: &[T], numbers: usize, damping: T, change: &mut [T]) {
    let (share, channels) = (1.0 / numbers as f64, sums.len() / 2);
    let of_beta = T::from_f64(-share);
    let of_gamma = T::from_f64(-share / (1.0 + damping.to_f64()));
    for (index, (change, &sum)) in change.iter_mut().zip(sums).enumerate() {
        *change = sum * if index < channels { of_gamma } else { of_beta };
    }
}

/// The block in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchNorm {
    scale: Place,
    statistics: Place,
    /// Pixels of a channel.
    pixels: usize,
    /// Whether mean and variance are those of what passes.
    trains: bool,
}

/// Some channels, one after the other.
#[derive(Debug, Clone, Copy)]
struct Strip {
    first: usize,
    /// At most [`STRIP`].
    count: usize,
    pixels: usize,
}

/// A number of each channel of a strip.
type Each<T> = [T; STRIP];

/// What a channel is normalised by.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    mean: f64,
    variance: f64,
}

impl Moments {
    fn inverse_deviation(self) -> f64 {
        1.0 / libm::sqrt(self.variance + EPSILON)
    }
}

impl Strip {
    /// The strip's part of a sample.
    fn of<'s, T>(&self, sample: &'s [T]) -> &'s [T] {
        &sample[self.first * self.pixels..][..self.count.min(STRIP) * self.pixels]
    }

    fn of_mut<'s, T>(&self, sample: &'s mut [T]) -> &'s mut [T] {
        &mut sample[self.first * self.pixels..][..self.count.min(STRIP) * self.pixels]
    }

    /// What the samples of two matrices add up to in each channel: of a channel's pixels `of_channel`, which is given its mean;
    /// `of_number` is the same of a single pixel, for which a sum in lanes would be slow.
    fn sums<T: Real, const N: usize>(
        &self,
        [a, b]: [&MatRef<'_, T>; 2],
        means: &Each<T>,
        of_number: impl Fn(T, T, T) -> [f64; N],
        of_channel: impl Fn(&[T], &[T], T) -> [f64; N],
    ) -> [Each<f64>; N] {
        let mut sums = [[0.0; STRIP]; N];
        for j in 0..a.ncols() {
            let (a, b) = (self.of(column(a, j)), self.of(column(b, j)));
            let mut add = |c: usize, terms: [f64; N]| {
                sums.iter_mut().zip(terms).for_each(|(sums, term)| sums[c] += term);
            };
            if self.pixels == 1 {
                for (c, ((&a, &b), &mean)) in a.iter().zip(b).zip(means).enumerate() {
                    add(c, of_number(a, b, mean));
                }
            } else {
                let channels = a.chunks_exact(self.pixels).zip(b.chunks_exact(self.pixels));
                for (c, ((a, b), &mean)) in channels.zip(means).enumerate() {
                    add(c, of_channel(a, b, mean));
                }
            }
        }
        sums
    }

    /// `to <- of(a, b, c)`, number by number; c is the channel, counted from the strip's first.
    fn fill<T: Real>(&self, [a, b]: [&[T]; 2], to: &mut [T], of: impl Fn(T, T, usize) -> T) {
        let (a, b, to) = (self.of(a), self.of(b), self.of_mut(to));
        if self.pixels == 1 {
            for (c, ((&a, &b), to)) in a.iter().zip(b).zip(to).enumerate().take(STRIP) {
                *to = of(a, b, c);
            }
            return;
        }
        let of_both = a.chunks_exact(self.pixels).zip(b.chunks_exact(self.pixels));
        for (c, ((a, b), to)) in of_both.zip(to.chunks_exact_mut(self.pixels)).enumerate().take(STRIP) {
            for ((&a, &b), to) in a.iter().zip(b).zip(to) {
                *to = of(a, b, c);
            }
        }
    }
}

impl BatchNorm {
    /// That of a step whose block it is.
    pub(super) fn of<T: Real>(step: &Step<T>) -> Self {
        let [scale, statistics] = maps(step.input, step.offset);
        let pixels = step.input.pixels();
        let scale = Place { map: scale, start: step.sums, pixels };
        let statistics = Place { map: statistics, start: scale.end(), pixels };
        Self { scale, statistics, pixels, trains: step.masks().is_some() }
    }

    /// The most that a difference of inputs is stretched by, where the running mean and variance are used.
    pub(super) fn steepest<T: Real>(&self, parameters: &[T]) -> f64 {
        let (gamma, _) = self.scale.map.read(parameters);
        let (_, variance) = self.statistics.map.read(parameters);
        let of_channel =
            |(gamma, variance): (&T, &T)| gamma.abs().to_f64() / libm::sqrt(variance.to_f64() + EPSILON);
        column(&gamma, 0).iter().zip(variance).map(of_channel).fold(0.0, f64::max)
    }

    fn strips(&self) -> impl Iterator<Item = Strip> + use<> {
        let (channels, pixels) = (self.scale.map.n_out, self.pixels);
        (0..channels).step_by(STRIP).map(move |first| Strip {
            first,
            count: STRIP.min(channels - first),
            pixels,
        })
    }

    fn moments<T: Real>(&self, strip: Strip, p: &MatRef<'_, T>, parameters: &[T]) -> Each<Moments> {
        let mut moments = [Moments::default(); STRIP];
        if !self.trains {
            let (mean, variance) = self.statistics.map.read(parameters);
            for (c, moments) in moments[..strip.count].iter_mut().enumerate() {
                let (mean, variance) = (mean[(strip.first + c, 0)], variance[strip.first + c]);
                *moments = Moments { mean: mean.to_f64(), variance: variance.to_f64() };
            }
            return moments;
        }
        let share = 1.0 / (p.ncols() * self.pixels).max(1) as f64;
        let none = [T::ZERO; STRIP];
        let [sums] = strip.sums([p, p], &none, |x, _, _| [x.to_f64()], |x, _, _| [reduce::sum(x)]);
        let means = sums.map(|sum| T::from_f64(share * sum));
        let square = |x: T, _, mean| {
            let deviation = (x - mean).to_f64();
            [deviation * deviation]
        };
        let squares = |x: &[T], _: &[T], mean| [reduce::sum_squared_deviations(x, mean)];
        let [squares] = strip.sums([p, p], &means, square, squares);
        for ((moments, mean), square) in moments.iter_mut().zip(means).zip(squares) {
            *moments = Moments { mean: mean.to_f64(), variance: share * square };
        }
        moments
    }

    /// `y <-` the normalised `p`, both of the input's features x m.
    pub(super) fn forward<T: Real>(&self, parameters: &[T], p: &MatRef<'_, T>, y: &mut MatMut<'_, T>) {
        let (gamma, beta) = self.scale.map.read(parameters);
        for strip in self.strips() {
            let moments = self.moments(strip, p, parameters);
            let means = moments.map(|moments| T::from_f64(moments.mean));
            let (mut scales, mut shifts) = ([T::ZERO; STRIP], [T::ZERO; STRIP]);
            for (c, moments) in moments[..strip.count].iter().enumerate() {
                let channel = strip.first + c;
                scales[c] = T::from_f64(gamma[(channel, 0)].to_f64() * moments.inverse_deviation());
                shifts[c] = beta[channel];
            }
            for j in 0..p.ncols() {
                let x = column(p, j);
                strip.fill([x, x], column_mut(y, j), |x, _, c| scales[c] * (x - means[c]) + shifts[c]);
            }
        }
    }

    /// The gradient in the input, `dx`, if it is wanted, from that in the output, `dy`; to `sink` goes what the samples add up
    /// to for gamma and beta, `dy x^'` and the row sums of `dy`, and in training passes their mean and unbiased variance, times
    /// the samples.
    ///
    /// Mean and variance are found again from the input, the one thing that is kept of a pass up.
    pub(super) fn backward<T: Real, K: Sink<T>>(
        &self,
        parameters: &[T],
        p: &MatRef<'_, T>,
        dy: &MatRef<'_, T>,
        mut dx: Option<&mut MatMut<'_, T>>,
        sink: &mut K,
    ) -> Result {
        let (gamma, _) = self.scale.map.read(parameters);
        let m = p.ncols();
        let numbers = m * self.pixels;
        for strip in self.strips() {
            let moments = self.moments(strip, p, parameters);
            let means = moments.map(|moments| T::from_f64(moments.mean));
            let inverse = moments.map(Moments::inverse_deviation);
            let term = |dy: T, x: T, mean| [dy.to_f64(), dy.to_f64() * (x - mean).to_f64()];
            let terms = |dy: &[T], x: &[T], mean| [reduce::sum(dy), reduce::dot_deviations(dy, x, mean)];
            let [sums, products] = strip.sums([dy, p], &means, term, terms);
            let products: Each<f64> = core::array::from_fn(|c| products[c] * inverse[c]);
            if let Some(dx) = dx.as_deref_mut() {
                // mu and v are constants in other passes.
                let share = if self.trains { 1.0 / numbers as f64 } else { 0.0 };
                let [mut scales, mut alongs] = [[T::ZERO; STRIP]; 2];
                for (c, &inverse) in inverse[..strip.count].iter().enumerate() {
                    let scale = gamma[(strip.first + c, 0)].to_f64() * inverse;
                    scales[c] = T::from_f64(scale);
                    alongs[c] = T::from_f64(scale * share * products[c] * inverse);
                }
                let of_dy = sums.map(|sum| T::from_f64(share * sum));
                for j in 0..m {
                    strip.fill([column(p, j), column(dy, j)], column_mut(dx, j), |x, dy, c| {
                        scales[c] * (dy - of_dy[c]) - alongs[c] * (x - means[c])
                    });
                }
            }
            let [products, sums] = [products, sums].map(|sums| sums.map(T::from_f64));
            sink.add_channels(self.scale, strip.first, &products[..strip.count], &sums[..strip.count])?;
            if self.trains {
                // Of a single number there is no unbiased variance.
                let unbiased = m as f64 * numbers as f64 / numbers.saturating_sub(1).max(1) as f64;
                let means = moments.map(|moments| T::from_f64(m as f64 * moments.mean));
                let variances = moments.map(|moments| T::from_f64(unbiased * moments.variance));
                let (means, variances) = (&means[..strip.count], &variances[..strip.count]);
                sink.add_channels(self.statistics, strip.first, means, variances)?;
            }
        }
        Ok(())
    }
}
