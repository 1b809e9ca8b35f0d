//! Models as the arrays of a `.npz` file of NumPy.

use super::model::Model;
use crate::error::{Error, Result};
use altmin_core::Real;
use std::io::{self, Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What the length of everything before an array's elements is a multiple of.
const ALIGNMENT: usize = 64;

impl<T: Real> Model<T> {
    /// The bytes of a `.npz` file with the tensors of [`Model::save`], read-outs included, each an array of its name, shape and numbers:
    /// weights are `outputs x inputs`, those of convolutions `outputs x channels x height x width`.
    ///
    /// # Errors
    /// As [`Model::file`]; [`Error::Data`] for more than an archive holds.
    pub fn to_npz(&self) -> Result<Vec<u8>> {
        let refused = |error: &dyn std::fmt::Display| {
            Error::data("the model", error.to_string(), "arrays that a zip file holds")
        };
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // As numpy.savez does: weights have no patterns that would make them smaller.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, shape, bytes) in self.file()?.arrays() {
            let options = options.large_file(bytes.len() as u64 >= u64::from(u32::MAX));
            archive.start_file(format!("{name}.npy"), options).map_err(|error| refused(&error))?;
            write_array::<T>(shape, &bytes, &mut archive).map_err(|error| refused(&error))?;
        }
        Ok(archive.finish().map_err(|error| refused(&error))?.into_inner())
    }
}

/// A `.npy` file of version 1.0: these bytes as little-endian numbers, the last index fastest.
fn write_array<T: Real>(shape: &[usize], bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
    // Python writes a tuple of one with a comma.
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let sides = if shape.len() > 1 { sides.trim_end_matches(", ") } else { sides.trim_end() };
    let mut header =
        format!("{{'descr': '<f{}', 'fortran_order': False, 'shape': ({sides}), }}", size_of::<T>());
    let start = b"\x93NUMPY\x01\x00";
    let before = start.len() + size_of::<u16>();
    let whole = (before + header.len() + 1).next_multiple_of(ALIGNMENT);
    header.extend(std::iter::repeat_n(' ', whole - before - header.len() - 1));
    header.push('\n');
    to.write_all(start)?;
    to.write_all(&(header.len() as u16).to_le_bytes())?;
    to.write_all(header.as_bytes())?;
    to.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::npy::{self, Elements};
    use crate::data::{DataOptions, DataSource, Outputs, Preprocessing};
    use crate::network::blocks::Architecture;
    use crate::network::{Loss, Notation};
    use altmin_core::block::Shape;
    use safetensors::SafeTensors;
    use std::io::Read as _;
    use std::path::Path;
    use zip::ZipArchive;

    /// A convolution, channels with running numbers and a map whose sides differ.
    fn model<T: Real>() -> Model<T> {
        let input = Shape { channels: 2, height: 4, width: 4 };
        let text = "conv 3 3x3 same, batchnorm, relu, flatten, dense 5";
        let network = text.parse::<Architecture>().and_then(|text| text.network(input, 5)).expect(text);
        let count: usize = network.maps().iter().map(|map| map.n_out * (map.n_in + 1)).sum();
        Model {
            network,
            notation: Notation::Blocks,
            parameters: (0..count).map(|index| T::from_f64(0.1 + 1.7 * index as f64)).collect(),
            readouts: Vec::new(),
            loss: Loss::CrossEntropy,
            outputs: Outputs::Classes((0..5).map(|class| class.to_string()).collect()),
            preprocessing: Preprocessing::new(&DataSource::Digits, &DataOptions::default()),
        }
    }

    fn arrays_are_the_tensors<T: Real>(number: fn(&[u8]) -> f64) {
        let model = model::<T>();
        let mut file = Vec::new();
        model
            .file()
            .and_then(|model| {
                model.write(&mut file).map_err(|error| Error::io("write", Path::new("x"), error))
            })
            .expect("a file");
        let tensors = SafeTensors::deserialize(&file).expect("tensors");
        let mut archive = ZipArchive::new(Cursor::new(model.to_npz().expect("arrays"))).expect("an archive");
        assert_eq!(archive.len(), tensors.len());
        for (name, tensor) in tensors.iter() {
            let mut bytes = Vec::new();
            archive.by_name(&format!("{name}.npy")).expect(name).read_to_end(&mut bytes).expect(name);
            // Where arrays begin that may be mapped into memory.
            assert_eq!((bytes.len() - tensor.data().len()) % 64, 0, "{name}");
            let array = npy::read(Path::new("model.npz"), name, &bytes).expect(name);
            let expected = tensor.data().chunks(size_of::<T>()).map(number).collect();
            assert_eq!(
                (&array.shape[..], array.elements),
                (tensor.shape(), Elements::Numbers(expected)),
                "{name}"
            );
        }
    }

    #[test]
    fn arrays_are_the_tensors_of_the_model_file() {
        arrays_are_the_tensors::<f32>(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes")).into());
        arrays_are_the_tensors::<f64>(|bytes| f64::from_le_bytes(bytes.try_into().expect("8 bytes")));
    }
}
