//! Choices of one among a few: the word that people write, the number that C passes, the line that help texts show.
//!
//! A type that is such a choice has one table, its [`Choice::MEMBERS`]. Text, numbers and bounds come from it:
//! `"leaky-relu:0.1".parse()`, `Display`, [`Choice::code`], [`Choice::from_code`], [`Choice::check`].

use core::fmt;

use crate::error::{Error, Result};

/// One of the values that a choice can have.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The word that people write, such as `leaky-relu`.
    pub name: &'static str,
    /// The number that C passes; the same for ever.
    pub code: i32,
    /// What it is, in one line.
    pub about: &'static str,
    /// The number that follows the word after a colon; none where the word stands alone.
    pub parameter: Option<Parameter>,
}

/// The number that belongs to a member.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name, such as `slope`.
    pub name: &'static str,
    /// What it is where it is not given; none where it must be.
    pub default: Option<f64>,
    /// `Ok` when the number is in its range; called with the name and the number.
    pub check: fn(&'static str, f64) -> Result,
}

impl fmt::Display for Member {
    /// How the member is written: `relu`, `leaky-relu:SLOPE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        let Some(parameter) = self.parameter else { return Ok(()) };
        f.write_str(":")?;
        parameter.name.chars().try_for_each(|letter| write!(f, "{}", letter.to_ascii_uppercase()))
    }
}

/// A type whose values are chosen by a word, or by a number in C.
///
/// A scalar parameter is `f64` here; an `Activation` or a `Regularizer` has `cast` to the type of the computation.
pub trait Choice: Copy + PartialEq + 'static {
    /// What is chosen, as messages call it: `activation`.
    const SETTING: &'static str;
    /// All members.
    const MEMBERS: &'static [Member];

    /// The word that people write.
    fn name(&self) -> &'static str;

    /// The number that C passes.
    fn code(&self) -> i32;

    /// The parameter, if this member has one.
    fn parameter(&self) -> Option<f64>;

    /// The value of a code and a parameter, whose range is not looked at: it may yet be rounded to another type. No
    /// parameter stands for the default. `None` for a code that no member has, and for a parameter that is missed.
    fn from_code(code: i32, parameter: Option<f64>) -> Option<Self>;

    /// Every member in the order of the table, its parameter at the default; none of those whose parameter has no default.
    fn values() -> impl Iterator<Item = Self> {
        Self::MEMBERS.iter().filter_map(|member| Self::from_code(member.code, None))
    }

    /// `Ok` when the parameter is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the parameter.
    fn check(&self) -> Result {
        let member = Self::MEMBERS.iter().find(|member| member.code == self.code());
        match (member.and_then(|member| member.parameter), self.parameter()) {
            (Some(parameter), Some(value)) => (parameter.check)(parameter.name, value),
            _ => Ok(()),
        }
    }

    /// The value of a text: a member's name, with its parameter after a colon where it has one. `FromStr` is the same.
    ///
    /// # Errors
    /// [`ParseError`].
    fn from_text(text: &str) -> core::result::Result<Self, ParseError> {
        let refused = ParseError { setting: Self::SETTING, expected: Expected::Member(Self::MEMBERS) };
        let (name, given) = match text.split_once(':') {
            Some((name, given)) => (name, Some(given)),
            None => (text, None),
        };
        let member = Self::MEMBERS.iter().find(|member| member.name == name).ok_or(refused)?;
        let parameter = match (given, member.parameter) {
            (Some(given), Some(_)) => Some(given.parse().map_err(|_| refused)?),
            (None, _) => None,
            (Some(_), None) => return Err(refused),
        };
        let value = Self::from_code(member.code, parameter).ok_or(refused)?;
        match value.check() {
            Err(Error::Setting { name, expected, .. }) => Err(ParseError {
                setting: Self::SETTING,
                expected: Expected::Parameter { name, range: expected },
            }),
            Err(_) => Err(refused),
            Ok(()) => Ok(value),
        }
    }
}

/// Why a text is not a value of a choice. Whoever has the text adds what was found.
#[derive(Debug, Clone, Copy)]
pub struct ParseError {
    /// What was to be chosen.
    pub setting: &'static str,
    /// What the text should have been.
    pub expected: Expected,
}

/// What a text should have been.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// One of these.
    Member(&'static [Member]),
    /// The same word with its parameter in range.
    Parameter {
        /// The parameter's name.
        name: &'static str,
        /// Its range.
        range: &'static str,
    },
}

impl fmt::Display for Expected {
    /// `relu, leaky-relu:SLOPE, sigmoid or tanh`; `a slope that is a finite number, 0 or above`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Member(members) => {
                for (place, member) in members.iter().enumerate() {
                    let before = match place {
                        0 => "",
                        _ if place + 1 == members.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{before}{member}")?;
                }
                Ok(())
            }
            Self::Parameter { name, range } => write!(f, "a {name} that is {range}"),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a value of `{}`, expected {}", self.setting, self.expected)
    }
}

impl core::error::Error for ParseError {}

/// The table of a choice: `Variant, code, name, line of help;` a member. A variant with a number is written in its own form,
/// the number's default after `=` where it has one, and then its range in brackets:
/// `LeakyRelu { slope = 0.01 } [require_not_negative]`.
///
/// A variant that is not in the table does not compile.
macro_rules! choice {
    ($choice:ty, $setting:literal: $(
        $variant:ident
        $({ $field:ident $(= $field_default:literal)? } [$field_check:path])?
        $(($number:ident $(= $number_default:literal)?) [$number_check:path])?,
        $code:literal, $name:literal, $about:literal;
    )+) => {
        impl $crate::choice::Choice for $choice {
            const SETTING: &'static str = $setting;
            const MEMBERS: &'static [$crate::choice::Member] = &[$(
                $crate::choice::Member {
                    name: $name,
                    code: $code,
                    about: $about,
                    parameter: $crate::choice::choice!(@parameter
                        $($field [$field_check] $($field_default)?)? $($number [$number_check] $($number_default)?)?),
                }
            ),+];

            fn code(&self) -> i32 {
                match self {
                    $(Self::$variant { .. } => $code,)+
                }
            }

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)+
                }
            }

            fn parameter(&self) -> Option<f64> {
                match *self {
                    $(Self::$variant $({ $field })? $(($number))? =>
                        $crate::choice::choice!(@some $($field)? $($number)?),)+
                }
            }

            fn from_code(code: i32, parameter: Option<f64>) -> Option<Self> {
                let _ = parameter;
                match code {
                    $($code => {
                        $(let $field = parameter $(.or(Some($field_default)))? ?;)?
                        $(let $number = parameter $(.or(Some($number_default)))? ?;)?
                        Some(Self::$variant $({ $field })? $(($number))?)
                    })+
                    _ => None,
                }
            }
        }

        impl core::str::FromStr for $choice {
            type Err = $crate::choice::ParseError;

            fn from_str(text: &str) -> core::result::Result<Self, Self::Err> {
                $crate::choice::Choice::from_text(text)
            }
        }

        impl core::fmt::Display for $choice {
            /// The text that reads back as this value.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                use $crate::choice::Choice as _;
                match self.parameter() {
                    None => f.pad(self.name()),
                    Some(parameter) => write!(f, "{}:{parameter}", self.name()),
                }
            }
        }
    };
    (@parameter) => { None };
    (@parameter $parameter:ident [$check:path] $($default:literal)?) => {
        Some($crate::choice::Parameter {
            name: stringify!($parameter),
            default: $crate::choice::choice!(@some $($default)?),
            check: $check,
        })
    };
    (@some) => { None };
    (@some $value:expr) => { Some($value) };
}

pub(crate) use choice;
