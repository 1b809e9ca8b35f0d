//! Which models a run leaves.

#[rustfmt::skip]
macro_rules! model_settings {
    ($rest:tt $($before:tt)*) => { collect! { $rest $($before)* "Output" {

    /// Which model the folder of --out gets [default: last; best with --patience]
    ///
    /// The best sweep is the one with the highest accuracy on the test samples, or for values with the lowest loss on them; of
    /// equal ones the first. With --holdout the samples held out decide, so that the test set stays unseen.
    keep: Keep {
        arg(value_name = "WHICH"),
        default(of) = if of.patience().is_some() { Keep::Best } else { Keep::Last },
    }

    } } };
}
