//! How a checkpoint's parts are written and read: each type once, for both ways.

use crate::allocate;
use crate::run::observe::{Best, Bound, Change, History, Metrics};
use crate::scalars;
use altmin_core::Real;
use std::io::{self, Read, Write};
use std::time::Duration;

/// Bytes that are handled at a time.
const CHUNK: usize = 1 << 16;

/// Something that a checkpoint holds.
pub(in crate::run) trait Record: Sized {
    /// Bytes of the shortest one.
    const SHORTEST: u64;

    fn write(&self, to: &mut dyn Write) -> io::Result<()>;

    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for what is no such thing; what `from` cannot read.
    fn read(from: &mut Source<'_>) -> io::Result<Self>;
}

/// What a checkpoint is read from, which knows how much is left: nothing is allocated for what cannot be there.
pub(in crate::run) struct Source<'a> {
    bytes: &'a mut dyn Read,
    left: u64,
}

impl<'a> Source<'a> {
    pub(in crate::run) fn new(bytes: &'a mut dyn Read, left: u64) -> Self {
        Self { bytes, left }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.left = self.left.checked_sub(buffer.len() as u64).ok_or_else(|| invalid("it ends too early"))?;
        self.bytes.read_exact(buffer)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut array = [0; N];
        self.fill(&mut array).map(|()| array)
    }

    /// A count of things of so many bytes or more each.
    fn count(&mut self, shortest: u64) -> io::Result<usize> {
        let count = u64::read(self)?;
        let fits = count.checked_mul(shortest).is_some_and(|bytes| bytes <= self.left);
        usize::try_from(count).ok().filter(|_| fits).ok_or_else(|| invalid("a count is longer than the file"))
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// `Ok` at the end.
    pub(in crate::run) fn end(&self) -> io::Result<()> {
        if self.left == 0 { Ok(()) } else { Err(invalid(format!("{} bytes too many", self.left))) }
    }
}

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

macro_rules! numbers {
    ($($type:ty)+) => {
        $(impl Record for $type {
            const SHORTEST: u64 = size_of::<$type>() as u64;

            fn write(&self, to: &mut dyn Write) -> io::Result<()> {
                to.write_all(&self.to_le_bytes())
            }

            fn read(from: &mut Source<'_>) -> io::Result<Self> {
                from.array().map(Self::from_le_bytes)
            }
        })+
    };
}

numbers!(u8 u32 u64 f64);

impl Record for usize {
    const SHORTEST: u64 = u64::SHORTEST;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        (*self as u64).write(to)
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        usize::try_from(u64::read(from)?).map_err(|_| invalid("a number that this machine cannot count to"))
    }
}

impl Record for bool {
    const SHORTEST: u64 = 1;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        u8::from(*self).write(to)
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        match u8::read(from)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(invalid(format!("{other} where 0 or 1 should be"))),
        }
    }
}

impl Record for Duration {
    const SHORTEST: u64 = u64::SHORTEST;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        u64::try_from(self.as_nanos()).unwrap_or(u64::MAX).write(to)
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        u64::read(from).map(Duration::from_nanos)
    }
}

impl Record for String {
    const SHORTEST: u64 = u64::SHORTEST;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        self.len().write(to)?;
        to.write_all(self.as_bytes())
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        let mut bytes = allocate::filled(from.count(1)?, 0)?;
        from.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| invalid("a text that is not UTF-8"))
    }
}

impl<R: Record> Record for Option<R> {
    const SHORTEST: u64 = 1;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        self.is_some().write(to)?;
        self.as_ref().map_or(Ok(()), |value| value.write(to))
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        Ok(if bool::read(from)? { Some(R::read(from)?) } else { None })
    }
}

impl<R: Record> Record for Vec<R> {
    const SHORTEST: u64 = u64::SHORTEST;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        self.len().write(to)?;
        self.iter().try_for_each(|value| value.write(to))
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        let count = from.count(R::SHORTEST)?;
        let mut all = allocate::empty(count)?;
        for _ in 0..count {
            all.push(R::read(from)?);
        }
        Ok(all)
    }
}

/// The fields of a struct, one after the other.
macro_rules! record {
    ($type:ident { $($field:ident: $of:ty),+ }) => {
        impl $crate::run::checkpoint::record::Record for $type {
            const SHORTEST: u64 = 0 $(+ <$of as $crate::run::checkpoint::record::Record>::SHORTEST)+;

            fn write(&self, to: &mut dyn std::io::Write) -> std::io::Result<()> {
                $(<$of as $crate::run::checkpoint::record::Record>::write(&self.$field, to)?;)+
                Ok(())
            }

            fn read(from: &mut $crate::run::checkpoint::record::Source<'_>) -> std::io::Result<Self> {
                Ok(Self { $($field: <$of as $crate::run::checkpoint::record::Record>::read(from)?),+ })
            }
        }
    };
}

pub(in crate::run) use record;

record!(Metrics {
    sweep: usize,
    objective: f64,
    primal_residual: f64,
    dual_residual: f64,
    loss: f64,
    train_accuracy: f64,
    test_accuracy: f64,
    seconds: f64,
    approximation_error: Option<f64>,
    approximation_bound: Option<Bound>
});

record!(Best { sweep: usize, test_loss: f64, test_accuracy: f64 });

record!(Change { sweep: usize, setting: &'static str, from: f64, to: f64, rise: Option<f64> });

record!(History { sweeps: Vec<Metrics>, changes: Vec<Change> });

impl Record for Bound {
    const SHORTEST: u64 = 1;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let estimate = match *self {
            Bound::Estimate(bound) => Some(bound),
            Bound::NotPromised => None,
        };
        estimate.write(to)
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        Option::read(from).map(|estimate| estimate.map_or(Bound::NotPromised, Bound::Estimate))
    }
}

/// The name of a setting that schedules change.
impl Record for &'static str {
    const SHORTEST: u64 = String::SHORTEST;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        (*self).to_owned().write(to)
    }

    fn read(from: &mut Source<'_>) -> io::Result<Self> {
        let name = String::read(from)?;
        let known = Change::SETTINGS.into_iter().find(|known| *known == name);
        known.ok_or_else(|| invalid(format!("a change of `{name}`, which no schedule changes")))
    }
}

/// Writes the width of a scalar, how many there are, and all of them.
pub(in crate::run) fn write_scalars<T: Real>(values: &[T], to: &mut dyn Write) -> io::Result<()> {
    (size_of::<T>() as u8).write(to)?;
    values.len().write(to)?;
    let mut bytes = Vec::with_capacity(CHUNK);
    for chunk in values.chunks(CHUNK / size_of::<T>()) {
        bytes.clear();
        chunk.iter().for_each(|&value| scalars::push(value, &mut bytes));
        to.write_all(&bytes)?;
    }
    Ok(())
}

/// Reads as many scalars as there is room for.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for another number of them, or scalars of another width.
pub(in crate::run) fn read_scalars<T: Real>(values: &mut [T], from: &mut Source<'_>) -> io::Result<()> {
    let (width, count) = (u8::read(from)?, usize::read(from)?);
    if (usize::from(width), count) != (size_of::<T>(), values.len()) {
        let (own, expected) = (size_of::<T>(), values.len());
        return Err(invalid(format!("{count} numbers of {width} bytes, expected {expected} of {own}")));
    }
    fill_scalars(values, from)
}

/// Reads as many scalars as there are.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for scalars of another width, or more of them than the file has room for.
pub(in crate::run) fn read_all_scalars<T: Real>(from: &mut Source<'_>) -> io::Result<Vec<T>> {
    let (width, own) = (u8::read(from)?, size_of::<T>());
    if usize::from(width) != own {
        return Err(invalid(format!("numbers of {width} bytes, expected {own}")));
    }
    let mut values = allocate::zeros(from.count(own as u64)?)?;
    fill_scalars(&mut values, from)?;
    Ok(values)
}

fn fill_scalars<T: Real>(values: &mut [T], from: &mut Source<'_>) -> io::Result<()> {
    let mut bytes = vec![0; CHUNK];
    for chunk in values.chunks_mut(CHUNK / size_of::<T>()) {
        let bytes = &mut bytes[..size_of_val(chunk)];
        from.fill(bytes)?;
        scalars::read(bytes, chunk);
    }
    Ok(())
}
