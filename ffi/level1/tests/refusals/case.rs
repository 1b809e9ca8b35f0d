//! A call of a function, with memory for each of its arguments.

use std::ops::Range;
use std::ptr::null_mut;

use altmin_level1::description::{Access, Kind, Value};
use altmin_level1::error::{ALTMIN_MESSAGE_SIZE, altmin_error, altmin_status};

use crate::expected;
use crate::memory::Buffer;
use crate::row::{Row, Values, is_size, is_used, shape};

/// Rows that a leading dimension has more than its matrix.
const GAP: usize = 2;

/// A call that is good until something is changed.
pub(crate) struct Case<'a> {
    row: &'a Row,
    pub(crate) values: Values,
    calls: Vec<Value>,
    buffers: Vec<Option<Buffer>>,
}

/// What all memory held.
pub(crate) type Snapshot = Vec<Option<Vec<u8>>>;

impl<'a> Case<'a> {
    /// A good call. What matrices have between their columns is NaN.
    pub(crate) fn new(rows: &[Row], row: &'a Row, values: &Values) -> Self {
        Self::with_gaps(rows, row, values, true)
    }

    /// A good call; without NaN the gaps hold what the margins hold.
    pub(crate) fn with_gaps(rows: &[Row], row: &'a Row, values: &Values, nan: bool) -> Self {
        let mut values = values.clone();
        let mut matrix_rows = 0;
        for argument in row.arguments {
            match argument.kind {
                Kind::Matrix(..) => {
                    matrix_rows = shape(argument, &values).map_or(0, |(rows, _)| values.get(rows));
                }
                Kind::LeadingDimension => values.set(argument.name, matrix_rows + GAP),
                Kind::WorkspaceSize => values.set(argument.name, workspace(rows, row, &values)),
                _ => {}
            }
        }
        let mut case = Self { row, values, calls: Vec::new(), buffers: Vec::new() };
        let lengths: Vec<_> = (0..row.arguments.len()).map(|k| case.length(k)).collect();
        let margin = lengths.iter().flatten().max().unwrap_or(&0) + 64;
        for (k, length) in lengths.into_iter().enumerate() {
            let writable = case.writable(k);
            case.buffers.push(length.map(|length| Buffer::new(length, margin, writable)));
            case.fill(k, nan);
            let call = case.good(k);
            case.calls.push(call);
        }
        case
    }

    fn kind(&self, k: usize) -> Kind {
        self.row.arguments[k].kind
    }

    /// The place of an argument.
    pub(crate) fn index(&self, name: &str) -> usize {
        let found = self.row.arguments.iter().position(|argument| argument.name == name);
        found.unwrap_or_else(|| panic!("no argument `{name}`"))
    }

    /// Rows, columns and leading dimension of a matrix, or a vector as a matrix of one column.
    pub(crate) fn shape(&self, k: usize) -> Option<(usize, usize, usize)> {
        match self.kind(k) {
            Kind::Matrix(..) => {
                let ld = self.values.get(self.row.arguments[k + 1].name);
                let (rows, columns) = shape(&self.row.arguments[k], &self.values)?;
                Some((self.values.get(rows), self.values.get(columns), ld))
            }
            Kind::Vector(_, length) => {
                let length = self.values.length(length);
                Some((length, 1, length))
            }
            _ => None,
        }
    }

    /// Bytes of an argument's memory.
    fn length(&self, k: usize) -> Option<usize> {
        if let Some((rows, columns, ld)) = self.shape(k) {
            let elements = if rows == 0 || columns == 0 { 0 } else { (columns - 1) * ld + rows };
            return Some(elements * self.row.element);
        }
        match self.kind(k) {
            Kind::Classes => Some(self.values.get("m") * size_of::<i32>()),
            Kind::Workspace => Some(self.values.get("workspace_size")),
            Kind::Result(bytes) | Kind::Structure(_, bytes) => Some(bytes),
            Kind::Error => Some(size_of::<altmin_error>()),
            _ => None,
        }
    }

    /// Bytes of an argument that the function may write if it succeeds.
    fn writable(&self, k: usize) -> Vec<Range<usize>> {
        match self.kind(k) {
            Kind::Matrix(Access::Update | Access::Write, ..)
            | Kind::Vector(Access::Update | Access::Write, _) => {
                let (rows, columns, ld) = self.shape(k).expect("a matrix or vector");
                let element = self.row.element;
                (0..columns).map(|j| j * ld * element..(j * ld + rows) * element).collect()
            }
            Kind::Workspace | Kind::Result(_) | Kind::Error => {
                std::iter::once(0..self.length(k).unwrap_or(0)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Good content.
    fn fill(&mut self, k: usize, nan: bool) {
        if let Some((rows, columns, ld)) = self.shape(k) {
            let mut elements: Vec<f64> = (0..rows * columns).map(|e| random(k, e)).collect();
            let (fill_rows, fill_columns) = match self.kind(k) {
                Kind::Vector(_, "sums") => (self.values.get("n_out"), self.values.get("n_in")),
                _ => (rows, columns),
            };
            expected::fill(self.row.arguments[k].name, fill_rows, fill_columns, &mut elements);
            for j in 0..columns {
                for i in 0..if rows > 0 && j + 1 < columns { ld } else { rows } {
                    if i < rows {
                        self.write_element(k, j * ld + i, elements[j * rows + i]);
                    } else if nan {
                        self.write_element(k, j * ld + i, f64::NAN);
                    }
                }
            }
        }
        match self.kind(k) {
            Kind::Classes => {
                for j in 0..self.values.get("m") {
                    let class = (7 * j + 1) % self.values.get("n_out");
                    self.write(k, j * size_of::<i32>(), &(class as i32).to_ne_bytes());
                }
            }
            Kind::Structure(of, _) => {
                let name = self.row.arguments[k].name;
                self.write(k, 0, &expected::structure(of, name).good[self.values.get(name)]);
            }
            _ => {}
        }
    }

    fn good(&self, k: usize) -> Value {
        let argument = &self.row.arguments[k];
        match argument.kind {
            Kind::Code(_) => Value::Code(self.values.get(argument.name) as i32),
            Kind::Number(_) if is_size(argument) => Value::Size(self.values.get(argument.name)),
            Kind::Number(kind) => Value::Scalar(expected::scalar(argument.name, kind).0),
            Kind::LeadingDimension | Kind::WorkspaceSize => Value::Size(self.values.get(argument.name)),
            Kind::Matrix(access, _) | Kind::Vector(access, _) => {
                self.pointer(k, self.row.element, access != Access::Read)
            }
            Kind::Classes => self.pointer(k, size_of::<i32>(), false),
            Kind::Workspace => self.pointer(k, 1, true),
            Kind::Result(bytes) => self.pointer(k, bytes, true),
            Kind::Structure(_, bytes) => self.pointer(k, bytes, false),
            Kind::Error => self.pointer(k, size_of::<altmin_error>(), true),
        }
    }

    /// To an argument's memory; NULL where one of a target's two is there in place of the other.
    fn pointer(&self, k: usize, element: usize, written: bool) -> Value {
        let argument = &self.row.arguments[k];
        let absent =
            argument.when.iter().any(|when| when.argument == "values") && !is_used(argument, &self.values);
        Value::Pointer { address: if absent { null_mut() } else { self.address(k) }, element, written }
    }

    /// Where an argument's memory begins.
    pub(crate) fn address(&self, k: usize) -> *mut u8 {
        self.buffers[k].as_ref().expect("a pointer").address()
    }

    /// Bytes of memory that an argument points to, if it is a pointer.
    pub(crate) fn bytes(&self, k: usize) -> Option<usize> {
        self.buffers[k].as_ref().map(Buffer::length)
    }

    /// Changes what is passed.
    pub(crate) fn pass(&mut self, k: usize, value: Value) {
        self.calls[k] = value;
    }

    /// Passes another address.
    pub(crate) fn pass_address(&mut self, k: usize, to: *mut u8) {
        match &mut self.calls[k] {
            Value::Pointer { address, .. } => *address = to,
            other => panic!("{other:?} is no pointer"),
        }
    }

    pub(crate) fn set_null(&mut self, name: &str) {
        self.pass_address(self.index(name), null_mut());
    }

    /// Passes NULL for all matrices and vectors that have no elements, and for a workspace of 0 bytes.
    pub(crate) fn set_empty_to_null(&mut self) {
        for k in 0..self.calls.len() {
            if self.bytes(k) == Some(0) {
                self.pass_address(k, null_mut());
            }
        }
    }

    /// Passes nonsense for all arguments that the function does not look at.
    pub(crate) fn spoil_unused(&mut self) {
        for (k, argument) in self.row.arguments.iter().enumerate() {
            if !is_used(argument, &self.values) {
                match self.calls[k] {
                    Value::Code(_) => self.pass(k, Value::Code(i32::MIN)),
                    Value::Size(_) => self.pass(k, Value::Size(usize::MAX)),
                    Value::Scalar(_) => self.pass(k, Value::Scalar(f64::NAN)),
                    Value::Pointer { .. } => self.pass_address(k, null_mut()),
                }
            }
        }
    }

    /// Writes bytes to an argument's memory.
    pub(crate) fn write(&mut self, k: usize, offset: usize, bytes: &[u8]) {
        self.buffers[k].as_mut().expect("a pointer").write(offset, bytes);
    }

    /// Writes an element of a matrix or vector.
    pub(crate) fn write_element(&mut self, k: usize, at: usize, value: f64) {
        match self.row.element {
            4 => self.write(k, at * 4, &(value as f32).to_ne_bytes()),
            _ => self.write(k, at * 8, &value.to_ne_bytes()),
        }
    }

    pub(crate) fn call(&self) -> altmin_status {
        // SAFETY: every pointer comes from a buffer of the documented shape, or the call must be refused.
        unsafe { (self.row.function.call)(&self.calls) }
    }

    /// The status and the message in the error struct.
    pub(crate) fn error(&self) -> (i32, String) {
        let bytes = self.buffers[self.index("error")].as_ref().expect("a pointer").content();
        let (status, message) = bytes.split_at(size_of::<i32>());
        assert_eq!(message.len(), ALTMIN_MESSAGE_SIZE);
        let end = message.iter().position(|&byte| byte == 0).expect("a message that ends");
        let status = i32::from_ne_bytes(status.try_into().expect("four bytes"));
        (status, String::from_utf8(message[..end].to_vec()).expect("a message in UTF-8"))
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.buffers.iter().map(|buffer| buffer.as_ref().map(Buffer::bytes)).collect()
    }

    fn changed(
        &self,
        before: &Snapshot,
        test: impl Fn(usize, &Buffer, &[u8]) -> bool,
    ) -> Option<&'static str> {
        let changed = |&k: &usize| {
            let (buffer, before) = (self.buffers[k].as_ref(), before[k].as_ref());
            buffer.zip(before).is_some_and(|(buffer, before)| test(k, buffer, before))
        };
        (0..self.buffers.len()).find(changed).map(|k| self.row.arguments[k].name)
    }

    /// An argument whose memory has changed where a function that succeeds may not write: margins, gaps, inputs.
    pub(crate) fn changed_what_it_may_not(&self, before: &Snapshot) -> Option<&'static str> {
        self.changed(before, |_, buffer, before| buffer.changed_outside(before))
    }

    /// An argument whose memory has changed at all, but for the error struct and what is inside the workspace.
    pub(crate) fn changed_anything(&self, before: &Snapshot) -> Option<&'static str> {
        self.changed(before, |k, buffer, before| match self.kind(k) {
            Kind::Workspace | Kind::Error => buffer.changed_outside(before),
            _ => buffer.bytes() != before,
        })
    }

    /// The bytes of a result.
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        self.buffers[self.index(name)].as_ref().expect("a pointer").content()
    }

    /// Fails the test unless the call succeeds, touches nothing that it may not, and writes its results.
    pub(crate) fn succeeds(&self, what: &str) {
        let before = self.snapshot();
        let status = self.call();
        let label = format!("{}, {what}, {:?}", self.row.name, self.values);
        assert_eq!(status, altmin_status::Ok, "{label}: {}", self.error().1);
        assert_eq!(self.changed_what_it_may_not(&before), None, "{label}: written where it may not be");
        if self.is_passed("error") {
            assert_eq!(self.error(), (0, String::new()), "{label}");
        }
        for (k, argument) in self.row.arguments.iter().enumerate() {
            if matches!(argument.kind, Kind::Result(_)) && self.is_passed(argument.name) {
                assert_ne!(
                    self.buffers[k].as_ref().map(Buffer::bytes),
                    before[k],
                    "{label}: `{}`",
                    argument.name
                );
            }
        }
    }

    fn is_passed(&self, name: &str) -> bool {
        matches!(self.calls[self.index(name)], Value::Pointer { address, .. } if !address.is_null())
    }
}

/// Bytes that the function's `_workspace` twin says for these values.
fn workspace(rows: &[Row], row: &Row, values: &Values) -> usize {
    let (stem, suffix) = row.name.rsplit_once('_').expect("a name with a suffix");
    let twin = format!("{stem}_workspace_{suffix}");
    let twin = rows.iter().find(|row| row.name == twin).unwrap_or_else(|| panic!("no row {twin}"));
    let case = Case::new(rows, twin, values);
    case.succeeds("query");
    usize::from_ne_bytes(case.content("bytes").try_into().expect("a size"))
}

/// Between -1 and 1, never 0.
fn random(argument: usize, element: usize) -> f64 {
    let seed = (argument as u64 * 1009 + element as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (seed ^ (seed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 12) | 1) as f64 / (1u64 << 51) as f64 - 1.0
}
