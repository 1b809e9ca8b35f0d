//! The sums over samples from which weights and bias are found.

use altmin_core::update::sums::{self, SumsShape};
use altmin_level1_macros::functions;

use crate::kernel::Kernel;

functions! {
    /// Elements of a layer's sums: n_out n_in + n_out + n_in n_in + n_in.
    ///
    /// In memory they are, without gaps: r p' (n_out x n_in), r 1 (n_out), p p' (n_in x n_in), p 1 (n_in).
    fn altmin_sums_elements(n_out: size, n_in: size) -> elements: usize "how many" {
        SumsShape { n_out, n_in }.elements()
    }

    /// Sets a layer's sums, or those of r alone, to zero.
    fn altmin_sums_clear<T>(
        parts: parts, n_out: size, n_in: size, sums: write(sums) "with ALTMIN_PARTS_RESIDUAL those of p stay",
    ) {
        SumsShape { n_out, n_in }.carve(sums)?.clear(parts)
    }

    /// map: adds a tile of samples to a layer's sums. Of p p' only the lower triangle counts until altmin_sums_finish.
    /// The bits depend on how the samples are cut into tiles, and on nothing else.
    fn altmin_sums_accumulate<T>(
        parts: parts, n_out: size, n_in: size, m: samples, r: read(n_out x m, ldr), p: read(n_in x m, ldp),
        sums: update(sums), workspace: workspace(sums::accumulate_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) {
        sums::accumulate(&Kernel, &r, &p, parts, &mut SumsShape { n_out, n_in }.carve(sums)?, workspace)?
    }

    /// total <- total + part: joins the sums of two parts of the samples, of several threads or machines. Only added in
    /// the same order do they give the same bits.
    fn altmin_sums_add<T>(
        parts: parts "with ALTMIN_PARTS_RESIDUAL the sums of p in total stay", n_out: size, n_in: size,
        part: read(sums), total: update(sums),
    ) {
        sums::add(SumsShape { n_out, n_in }, parts, part, total)?
    }

    /// Mirrors the lower triangle of p p', after the last samples were added: before the sums are used.
    fn altmin_sums_finish<T>(n_out: size, n_in: size, sums: update(sums)) {
        SumsShape { n_out, n_in }.carve(sums)?.finish()
    }

    /// The sums after r <- r + D p + d 1' (a step of weights and bias), without a pass over the samples:
    /// r p' <- r p' + D p p' + d (p 1)' and r 1 <- r 1 + D p 1 + samples d. One product.
    fn altmin_sums_follow<T>(
        n_out: size, n_in: size, samples: count "how many are in the sums",
        change: read(n_out x n_in, ldc) "D", bias_change: read(n_out) "d",
        sums: update(sums) "after altmin_sums_finish",
        workspace: workspace(sums::follow_workspace::<T, _>(&Kernel, n_out, n_in)),
    ) {
        SumsShape { n_out, n_in }.carve(sums)?.follow(&Kernel, &change, bias_change, samples, workspace)?
    }
}
