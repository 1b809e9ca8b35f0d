//! The one table of settings.
//!
//! An entry says everything of a setting:
//!
//! ```text
//! /// Help, and the documentation of both fields.
//! name: Type as Resolved {             // `as Resolved` where Settings hold another type than TrainOptions
//!     arg(value_name = "X"),           // what clap must know beside name, help and heading
//!     serde(alias = "other"),          // what serde must know, if anything
//!     default = 1,                     // or `default(of) = of.method()...`: the values of other settings are functions of `of`
//!     range = at_least_one,            // the function of `ranges` that refuses values; left out where none is refused
//!     effect = Use::Rho,               // what a method must use for the setting to have an effect; left out where all do
//!     when(of) = of.network.is_none(), // what else must hold for these Settings to be written with it
//!     resume(of) = true,               // what must hold for a resumed run to take another value; left out where it never may
//! }
//! ```
//!
//! Flag and key are the name with dashes. From the entries come [`TrainOptions`] with its forms for clap and serde,
//! [`Settings`], the defaults, the checks of ranges and of effect, and the way back from [`Settings`].

use super::choice::{
    Convention, EpsilonRepair, EpsilonRule, Form, Inner, Keep, Kernel, Method, Precision, Preset, StepRule,
    StepSchedule, Use,
};
use super::core_choice;
#[cfg(feature = "program")]
use super::core_choice::parser;
use super::penalty_schedule::{NuSchedule, RhoSchedule};
use super::values::{
    Augment, Batch, Carried, Categorical, CheckpointEvery, Classes, Clip, Delimiter, EpsilonBounds,
    EvaluateEvery, Every, Excluded, Features, Grow, Growth, Guard, ImageMoves, MaxMemory, Patience, Samples,
    SetAside, Shape, SplitSeed, Target, TestFile, TimeLimit, Tolerance, Value, Weighted, WeightsFile,
};
use crate::data::{ClassWeights, DataSource, Header, ImageShape, Labels, Missing, Validation};
use crate::error::Result;
use crate::network::blocks::Architecture;
use crate::network::cuts::Cuts;
use crate::network::init::Initializer;
use crate::network::widths::Widths;
use altmin_core::method::proxprop::Carry;
use altmin_core::{Activation, Loss, Regularizer};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

use defaults::{PATIENCE, SWEEPS, SWEEPS_WITH_PATIENCE, VALIDATION, default_batch, processors};
use ranges::*;

/// Appends the entries of the subjects in brackets, each of which calls this again without itself, and declares them all.
macro_rules! collect {
    ([$subject:ident $($rest:ident)*] $($entries:tt)*) => { $subject! { [$($rest)*] $($entries)* } };
    ([] $($entries:tt)*) => { declare! { $($entries)* } };
}

/// The type of a setting in [`Settings`].
macro_rules! resolved {
    ($given:ty) => {
        $given
    };
    ($given:ty, $resolved:ty) => {
        $resolved
    };
}

/// A field's name with dashes.
macro_rules! key {
    ($name:ident) => {{
        const BYTES: [u8; stringify!($name).len()] = with_dashes(stringify!($name));
        const KEY: &str = match str::from_utf8(&BYTES) {
            Ok(key) => key,
            Err(_) => panic!("a name in ASCII"),
        };
        KEY
    }};
}

const fn with_dashes<const N: usize>(name: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut index = 0;
    while index < N {
        let byte = name.as_bytes()[index];
        bytes[index] = if byte == b'_' { b'-' } else { byte };
        index += 1;
    }
    bytes
}

macro_rules! declare {
    ($($heading:literal { $(
        $(#[$doc:meta])*
        $name:ident: $given:ty $(as $resolved:ty)? {
            arg($($arg:tt)*),
            $(serde($($serde:tt)*),)?
            default $(($of:ident))? = $default:expr,
            $(range = $range:expr,)?
            $(effect = $effect:expr,)?
            $(when($written:ident) = $when:expr,)?
            $(resume($resumed:ident) = $resume:expr,)?
        }
    )* })*) => {
        /// The options of `altmin train`, each of which may be left out; the keys of a file are the options without dashes.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "program", derive(clap::Args))]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub struct TrainOptions { $($(
            $(#[$doc])*
            #[cfg_attr(feature = "program", arg(long, help_heading = $heading, $($arg)*))]
            #[serde(skip_serializing_if = "Option::is_none" $(, $($serde)*)?)]
            pub $name: Option<$given>,
        )*)* }

        /// Every setting of a run but the folder it is written to, checked; the options are those of [`TrainOptions`].
        #[derive(Debug, Clone, PartialEq)]
        pub struct Settings { $($(
            $(#[$doc])*
            pub $name: resolved!($given $(, $resolved)?),
        )*)* }

        /// What options come to: what was given, or else the default.
        pub(super) struct Filled<'a>(&'a TrainOptions);

        impl Filled<'_> { $($(
            pub(super) fn $name(&self) -> resolved!($given $(, $resolved)?) {
                match &self.0.$name {
                    Some(given) => Value::resolved(given.clone()),
                    None => {
                        $(let $of = self;)?
                        $default
                    }
                }
            }
        )*)* }

        impl TrainOptions {
            /// Fills in the defaults, without a check.
            pub(super) fn filled(&self) -> Settings {
                let filled = Filled(self);
                Settings { $($($name: filled.$name(),)*)* }
            }

            /// Every option, or that of `file` where it is missing.
            pub(super) fn or(self, file: Self) -> Self {
                Self { $($($name: self.$name.or(file.$name),)*)* }
            }

            /// Checks that each of these options, given on the command line, has an effect on `settings`.
            ///
            /// # Errors
            /// [`Error::Argument`](crate::Error::Argument) names the one that has none.
            pub fn check_effect(&self, settings: &Settings) -> Result {
                $($($(effect::check(key!($name), self.$name.as_ref(), $effect, settings)?;)?)*)*
                effect::check_damping(self.damping, settings)
            }
        }

        impl Settings {
            /// `Ok` when every setting is in its range and they go together.
            ///
            /// # Errors
            /// [`Error::Argument`](crate::Error::Argument) names the first that does not.
            pub fn validate(&self) -> Result {
                $($($($range(key!($name), &self.$name, self)?;)?)*)*
                together::check(self)
            }
        }

        impl Settings {
            /// Whether a run that is resumed may have another value of a setting than before: it has no effect on the sweeps.
            pub(super) fn may_change(&self, key: &str) -> bool {
                $($($(
                    if key == key!($name) {
                        let $resumed = self;
                        return $resume;
                    }
                )?)*)*
                false
            }
        }

        impl From<Settings> for TrainOptions {
            /// What has an effect.
            fn from(settings: Settings) -> Self {
                Self { $($(
                    $name: Value::given(settings.$name.clone())
                        $(.filter(|_| settings.uses($effect)))?
                        $(.filter(|_| {
                            let $written = &settings;
                            $when
                        }))?,
                )*)* }
            }
        }
    };
}

pub(super) mod defaults;
mod effect;
mod ranges;
mod together;

#[macro_use]
mod data;
#[macro_use]
mod network;
#[macro_use]
mod method;
#[macro_use]
mod subnetworks;
#[macro_use]
mod run;
#[macro_use]
mod checkpoints;
#[macro_use]
mod models;

collect! {
    [data_settings network_settings method_settings subnetworks_settings run_settings checkpoint_settings model_settings]
}
