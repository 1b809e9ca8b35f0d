//! Everything that can be wrong with a call, one thing at a time.

use std::ptr::null_mut;

use altmin_level1::description::{Access, Argument, Kind, Value};
use altmin_level1::error::altmin_status as status;

use crate::case::Case;
use crate::expected;
use crate::row::{Row, Values, is_samples, is_used, is_written, shape};

/// What must come of a bad call.
struct Expected<'a> {
    status: status,
    /// One of these must be named.
    names: Vec<&'a str>,
}

/// A call of a row with one thing wrong at a time.
struct Bad<'a> {
    rows: &'a [Row],
    row: &'a Row,
    values: &'a Values,
    refused: usize,
}

/// Tries them all, and says how many they were.
pub(crate) fn all(rows: &[Row], row: &Row, values: &Values) -> usize {
    let mut bad = Bad { rows, row, values, refused: 0 };
    let used = |(_, argument): &(usize, &Argument)| is_used(argument, values);
    for (k, argument) in row.arguments.iter().enumerate().filter(used) {
        match argument.kind {
            Kind::Code(kind) => {
                let (count, good) = expected::codes(kind);
                bad.codes(k, count, good);
            }
            Kind::Number("size") => {
                bad.zero(k);
                bad.overflow(k);
            }
            Kind::Number("count") => {}
            Kind::Number(_) if is_samples(argument) => bad.overflow(k),
            Kind::Number(kind) => bad.scalars(k, expected::scalar(argument.name, kind).1),
            Kind::LeadingDimension => bad.leading_dimension(k),
            Kind::Matrix(..) | Kind::Vector(..) => bad.not_finite(k),
            Kind::Classes => bad.classes(k, values.get("n_out")),
            Kind::WorkspaceSize => bad.short_workspace(k),
            Kind::Structure(of, _) => {
                for (bytes, status, name) in &expected::structure(of, argument.name).bad {
                    bad.refuse(status_of(*status, name), |case| case.write(k, 0, bytes));
                }
            }
            Kind::Workspace | Kind::Result(_) | Kind::Error => {}
        }
        bad.pointer(k);
    }
    bad.refused
}

fn status_of<'a>(status: status, name: &'a str) -> Expected<'a> {
    Expected { status, names: vec![name] }
}

impl<'a> Bad<'a> {
    fn argument(&self, k: usize) -> &'a Argument {
        &self.row.arguments[k]
    }

    fn good(&self) -> Case<'a> {
        Case::new(self.rows, self.row, self.values)
    }

    /// Makes one thing wrong, and checks what comes of it.
    fn refuse(&mut self, expected: Expected<'_>, spoil: impl FnOnce(&mut Case<'_>)) {
        let mut case = self.good();
        spoil(&mut case);
        self.check(&case, &expected);
    }

    fn check(&mut self, case: &Case<'_>, expected: &Expected<'_>) {
        let before = case.snapshot();
        let found = case.call();
        let (noted, message) = case.error();
        let label = format!(
            "{} with {:?}, expected {:?}, says: {message}",
            self.row.name, case.values, expected.names
        );
        assert_eq!(found, expected.status, "{label}");
        assert_eq!(noted, found as i32, "{label}");
        let words: Vec<&str> = message.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        // A field is named alone.
        let is_named = |name: &&str| words.contains(&name.rsplit('.').next().unwrap_or(name));
        assert!(expected.names.iter().any(is_named), "{label}");
        assert_eq!(case.changed_anything(&before), None, "{label}: changed");
        self.refused += 1;
    }

    fn codes(&mut self, k: usize, count: i32, good: &[i32]) {
        for code in (0..count).filter(|code| !good.contains(code)) {
            let expected = status_of(status::Setting, self.argument(k).name);
            self.refuse(expected, |case| case.pass(k, Value::Code(code)));
        }
        for code in [count, -1, i32::MIN, i32::MAX] {
            let expected = status_of(status::Code, self.argument(k).name);
            self.refuse(expected, |case| case.pass(k, Value::Code(code)));
        }
    }

    fn zero(&mut self, k: usize) {
        let expected = status_of(status::Shape, self.argument(k).name);
        self.refuse(expected, |case| case.pass(k, Value::Size(0)));
    }

    /// Sizes that no memory holds, with leading dimensions to match: the size is named, or a matrix that has it.
    fn overflow(&mut self, k: usize) {
        let name = self.argument(k).name;
        for huge in [usize::MAX, usize::MAX / 2, isize::MAX as usize] {
            let mut values = self.values.clone();
            values.set(name, huge);
            let mut case = self.good();
            let mut names = vec![name];
            for (at, argument) in self.row.arguments.iter().enumerate() {
                if let Some((rows, columns)) = shape(argument, &values) {
                    if rows == name || columns == name {
                        names.push(argument.name);
                    }
                    if rows == name {
                        case.pass(at + 1, Value::Size(huge));
                    }
                }
                let depends = match argument.kind {
                    Kind::Vector(_, length) => length == name || length == "sums",
                    Kind::Classes => name == "m",
                    _ => false,
                };
                if depends {
                    names.push(argument.name);
                }
            }
            case.pass(k, Value::Size(huge));
            self.check(&case, &Expected { status: status::Overflow, names });
        }
    }

    fn scalars(&mut self, k: usize, values: &[(f64, status)]) {
        for &(value, status) in values {
            let expected = status_of(status, self.argument(k).name);
            self.refuse(expected, |case| case.pass(k, Value::Scalar(value)));
        }
        if self.row.element == 4 {
            // What is in range as double need not be in the matrices' type.
            for (as_float, value) in [(f64::INFINITY, 1e300), (0.0, 1e-300)] {
                if let Some(&(_, status)) = values.iter().find(|(bad, _)| *bad == as_float) {
                    let expected = status_of(status, self.argument(k).name);
                    self.refuse(expected, |case| case.pass(k, Value::Scalar(value)));
                }
            }
        }
    }

    fn leading_dimension(&mut self, k: usize) {
        let matrix = self.argument(k - 1).name;
        let (rows, columns, _) = self.good().shape(k - 1).expect("a matrix before its leading dimension");
        for too_small in [rows.checked_sub(1), Some(0)].into_iter().flatten() {
            let expected = status_of(status::LeadingDimension, matrix);
            self.refuse(expected, |case| case.pass(k, Value::Size(too_small)));
        }
        if columns > 1 {
            for huge in [usize::MAX, usize::MAX / 2, isize::MAX as usize] {
                let expected = status_of(status::Overflow, matrix);
                self.refuse(expected, |case| case.pass(k, Value::Size(huge)));
            }
        }
    }

    /// NaN and infinity in the first, a middle and the last element of what is read.
    fn not_finite(&mut self, k: usize) {
        if let Kind::Matrix(Access::Write, _) | Kind::Vector(Access::Write, _) = self.argument(k).kind {
            return;
        }
        let (rows, columns, ld) = self.good().shape(k).expect("a matrix or vector");
        for (i, j) in [(0, 0), (rows / 2, columns / 2), (rows - 1, columns - 1)] {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let expected = status_of(status::NonFinite, self.argument(k).name);
                self.refuse(expected, |case| case.write_element(k, j * ld + i, value));
            }
        }
    }

    fn classes(&mut self, k: usize, classes: usize) {
        let last = self.good().bytes(k).expect("classes") - size_of::<i32>();
        for at in [0, last] {
            for class in [-1, i32::MIN, classes as i32, i32::MAX] {
                let expected = status_of(status::Setting, self.argument(k).name);
                self.refuse(expected, |case| case.write(k, at, &class.to_ne_bytes()));
            }
        }
    }

    fn short_workspace(&mut self, k: usize) {
        let needed = self.good().values.get("workspace_size");
        for short in [needed.checked_sub(1), needed.checked_sub(self.row.element), Some(0)] {
            if let Some(short) = short.filter(|&short| short < needed) {
                let expected = status_of(status::Workspace, "workspace");
                self.refuse(expected, |case| case.pass(k, Value::Size(short)));
            }
        }
    }

    /// NULL, off by a byte, and on top of every other argument's memory where one of the two is written.
    fn pointer(&mut self, k: usize) {
        let argument = self.argument(k);
        let Some(bytes) = self.good().bytes(k).filter(|&bytes| bytes > 0) else { return };
        if argument.or_null {
            let mut case = self.good();
            case.pass_address(k, null_mut());
            case.succeeds(&format!("{} NULL", argument.name));
        } else {
            let expected = status_of(status::Null, argument.name);
            self.refuse(expected, |case| case.pass_address(k, null_mut()));
        }
        if matches!(argument.kind, Kind::Error) {
            // A message gets to any address.
            let mut case = self.good();
            let address = case.address(k).wrapping_add(1);
            case.pass_address(k, address);
            assert_eq!(case.call(), status::Ok, "{}", self.row.name);
        } else {
            let expected = status_of(status::Misaligned, argument.name);
            self.refuse(expected, |case| {
                let address = case.address(k).wrapping_add(1);
                case.pass_address(k, address);
            });
        }
        for other in 0..self.row.arguments.len() {
            let used = is_used(self.argument(other), self.values);
            let written = is_written(argument) || is_written(self.argument(other));
            // A struct stays where it is, or it would hold something else than a struct.
            let is_struct = matches!(argument.kind, Kind::Structure(..));
            if other != k && used && written && !is_struct {
                self.overlap(k, other, bytes);
            }
        }
    }

    /// Argument k over the beginning and the end of another's memory.
    fn overlap(&mut self, k: usize, other: usize, bytes: usize) {
        let length = self.good().bytes(other).filter(|&length| length > 0);
        let Some(length) = length else { return };
        for offset in [0, length - 1] {
            let mut case = Case::with_gaps(self.rows, self.row, self.values, false);
            let address = case.address(other).wrapping_add(offset);
            // Down to what the argument is aligned to, but not so far that nothing of it reaches the other's memory.
            let address = address.wrapping_sub(address.addr() % 8.min(bytes.next_power_of_two()));
            case.pass_address(k, address);
            let names = [self.argument(k).name, self.argument(other).name];
            if names.contains(&"error") {
                // There is no memory for a message then.
                let before = case.snapshot();
                assert_eq!(case.call(), status::Overlap, "{} {names:?}", self.row.name);
                assert_eq!(case.snapshot(), before, "{} {names:?}: changed", self.row.name);
                self.refused += 1;
            } else {
                self.check(&case, &Expected { status: status::Overlap, names: names.to_vec() });
                let message = case.error().1;
                assert!(names.iter().all(|name| message.contains(&format!("`{name}`"))), "{message}");
            }
        }
    }
}
