//! What a run leaves while it goes on.

#[rustfmt::skip]
macro_rules! checkpoint_settings {
    ($rest:tt $($before:tt)*) => { collect! { $rest $($before)* "Checkpoints" {

    /// Write a checkpoint into the folder of --out every N sweeps, or when this time has passed: `10`, `500ms`, `60s`, `5m`,
    /// `2h`, or `none` [default: none]
    ///
    /// `train --resume DIR` goes on from the last one, to the same model as a run without a break. The last two are kept; a
    /// run that ends or is stopped leaves one of its last sweep. docs/checkpoint.md describes the file.
    checkpoint_every: CheckpointEvery as Option<Every> {
        arg(value_name = "N|TIME|none"),
        default = None, range = if_any(some_distance), resume(_of) = true,
    }

    } } };
}
