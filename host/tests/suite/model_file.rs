//! The model file: what is saved comes back, PyTorch's layout, and one clear line for each kind of bad file.

use std::fs;
use std::path::Path;

use altmin::Error;
use altmin::data::{Column, Columns, Encoding, Header, Labels, Missing, Outputs, Preprocessing};
use altmin::network::blocks::dense_blocks;
use altmin::network::init::{Initializer, fill};
use altmin::network::{Model, Network, Notation};
use altmin::settings::parse;
use altmin_core::block::Shape;
use altmin_core::view::view_mut;
use altmin_core::{Activation, Loss, Real};
use serde_json::{Value, json};

/// Weights, column by column, and bias.
fn layer<T: Real>(index: u32, n_out: usize, n_in: usize) -> Vec<T> {
    let mut weight = vec![T::ZERO; n_out * n_in];
    fill(Initializer::He, 1, index, &mut view_mut("W", &mut weight, n_out, n_in, n_out).unwrap());
    let bias = (0..n_out).map(|row| Initializer::He.value(2, index, row, 0, n_out, 1)).map(T::from_f64);
    weight.into_iter().chain(bias).collect()
}

/// A network with twelve layers, so that the names' order is not that of their numbers.
fn model<T: Real>() -> Model<T> {
    let widths = [4, 7, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 3];
    let layers = widths.windows(2).zip(0..).flat_map(|(pair, index)| layer(index, pair[1], pair[0]));
    let blocks = dense_blocks(&widths[1..12], Activation::LeakyRelu { slope: 0.1 + 0.2 }, widths[12]);
    Model {
        network: Network::new(blocks, Shape::flat(widths[0])).unwrap(),
        notation: Notation::Layers,
        parameters: layers.collect(),
        readouts: Vec::new(),
        loss: Loss::CrossEntropy,
        outputs: Outputs::Classes(["1", "20", "\"drei\"\nü"].map(str::to_owned).to_vec()),
        preprocessing: Preprocessing {
            test: None,
            data: "a \"folder\"".to_owned(),
            divisor: 1.0 / 3.0,
            pool: 2,
            classes: Some(vec![1, 20, 3]),
            split_seed: u64::MAX,
            columns: None,
            channels: None,
            header: Header::Auto,
            delimiter: None,
            labels: Labels::Fine,
        },
    }
}

fn round_trip<T: Real, U: Real>(model: &Model<T>) -> Model<U> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), model.to_bytes().unwrap());
    Model::load(&path).unwrap()
}

fn bits<T: Real>(model: &Model<T>) -> Vec<u64> {
    model.parameters.iter().map(|value| value.to_f64().to_bits()).collect()
}

fn with_extremes<T: Real>(values: &[T]) -> Model<T> {
    let mut model = model();
    model.parameters[..values.len()].copy_from_slice(values);
    model
}

#[test]
fn a_model_comes_back_bit_for_bit() {
    let single = with_extremes(&[-0.0f32, f32::MAX, f32::MIN_POSITIVE, 1e-45, 0.1]);
    let back = round_trip(&single);
    assert_eq!(single, back);
    assert_eq!(bits(&single), bits(&back));
    let double = with_extremes(&[-0.0f64, f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1]);
    let back = round_trip(&double);
    assert_eq!(double, back);
    assert_eq!(bits(&double), bits(&back));
}

#[test]
fn the_other_precision_is_converted() {
    let single = model::<f32>();
    let widened: Model<f64> = round_trip(&single);
    assert_eq!(bits(&single), bits(&widened));
    let double = model::<f64>();
    let narrowed: Model<f32> = round_trip(&double);
    let pairs = double.parameters.iter().zip(&narrowed.parameters);
    assert!(double.parameters.len() == narrowed.parameters.len());
    assert!(pairs.into_iter().all(|(&wide, &narrow)| wide as f32 == narrow));
    assert_eq!(narrowed.network, double.network);
    assert_eq!((narrowed.outputs, narrowed.preprocessing), (double.outputs, double.preprocessing));
}

#[test]
fn equal_models_give_equal_bytes() {
    let bytes = model::<f32>().to_bytes().unwrap();
    assert!((0..20).all(|_| model::<f32>().to_bytes().unwrap() == bytes));
}

/// A file taken apart by hand: its header and the bytes after it.
fn take_apart(bytes: &[u8]) -> (Value, &[u8]) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), &bytes[8 + length..])
}

fn put_together(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn floats(header: &Value, data: &[u8], name: &str) -> Vec<f32> {
    let offset = |i: usize| header[name]["data_offsets"][i].as_u64().unwrap() as usize;
    let (numbers, rest) = data[offset(0)..offset(1)].as_chunks::<4>();
    assert!(rest.is_empty());
    numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

/// Two layers whose weights can be told by eye: 2 inputs, 3 hidden, 2 outputs.
fn small() -> Model<f32> {
    Model {
        network: Network::new(dense_blocks(&[3], Activation::Relu, 2), Shape::flat(2)).unwrap(),
        notation: Notation::Layers,
        parameters: [&[11.0, 21.0, 31.0, 12.0, 22.0, 32.0][..], &[1.0, 2.0, 3.0], &[0.5; 6], &[4.0, 5.0]]
            .concat(),
        readouts: Vec::new(),
        loss: Loss::LeastSquares,
        outputs: Outputs::Classes(vec!["0".to_owned(), "1".to_owned()]),
        preprocessing: Preprocessing {
            test: None,
            data: "digits".to_owned(),
            divisor: 16.0,
            pool: 1,
            classes: None,
            split_seed: 0,
            columns: None,
            channels: None,
            header: Header::Auto,
            delimiter: None,
            labels: Labels::Fine,
        },
    }
}

#[test]
fn the_layout_is_that_of_a_linear_layer_in_pytorch() {
    let bytes = small().to_bytes().unwrap();
    let (header, data) = take_apart(&bytes);
    // torch.nn.Linear(2, 3).weight is [out, in] = [3, 2], row by row.
    assert_eq!(header["layers.0.weight"]["shape"], json!([3, 2]));
    assert_eq!(header["layers.0.weight"]["dtype"], json!("F32"));
    assert_eq!(floats(&header, data, "layers.0.weight"), [11.0, 12.0, 21.0, 22.0, 31.0, 32.0]);
    assert_eq!(header["layers.0.bias"]["shape"], json!([3]));
    assert_eq!(floats(&header, data, "layers.0.bias"), [1.0, 2.0, 3.0]);
    assert_eq!(header["layers.1.weight"]["shape"], json!([2, 3]));
    assert_eq!(floats(&header, data, "layers.1.bias"), [4.0, 5.0]);
    // Four tensors and the metadata, whose values must be strings.
    assert_eq!(header.as_object().unwrap().len(), 5);
    let metadata = header["__metadata__"].as_object().unwrap();
    assert!(metadata.values().all(Value::is_string));
    let ours: Value = serde_json::from_str(metadata["altmin"].as_str().unwrap()).unwrap();
    assert_eq!(
        ours,
        json!({
            "version": 1, "activation": "relu", "loss": "least-squares", "classes": ["0", "1"],
            "preprocessing": {"data": "digits", "divisor": 16.0, "pool": 1, "classes": null, "split_seed": 0}
        })
    );
    let (header, _) = take_apart_double();
    assert_eq!(header["layers.0.weight"]["dtype"], json!("F64"));
}

fn take_apart_double() -> (Value, Vec<u8>) {
    let bytes = model::<f64>().to_bytes().unwrap();
    let (header, data) = take_apart(&bytes);
    (header, data.to_vec())
}

fn load_bytes(bytes: &[u8]) -> altmin::Result<Model<f32>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.safetensors");
    fs::write(&path, bytes).unwrap();
    Model::load(&path)
}

/// The error of a file, which must be one line that names the file and `part`.
fn refused(bytes: &[u8], part: &str) -> Error {
    let error = load_bytes(bytes).unwrap_err();
    let line = error.to_string();
    assert!(
        line.contains("bad.safetensors") && line.contains(part) && !line.contains('\n'),
        "`{part}`: {line}"
    );
    assert!(matches!(error, Error::Format { .. }) && !error.is_usage());
    error
}

/// A file with these tensors and the small model's metadata, written by hand.
fn by_hand(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let bytes = small().to_bytes().unwrap();
    let mut header = json!({"__metadata__": take_apart(&bytes).0["__metadata__"]});
    let mut data = Vec::new();
    for (name, dtype, shape, content) in tensors {
        let offsets = [data.len(), data.len() + content.len()];
        header[name] = json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
        data.extend(content);
    }
    put_together(&header, &data)
}

fn single(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn double(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn a_file_made_by_other_means_is_read() {
    let bytes = by_hand(&[
        ("layers.1.bias", "F32", &[2], single(&[4.0, 5.0])),
        ("layers.0.weight", "F32", &[3, 2], single(&[11.0, 12.0, 21.0, 22.0, 31.0, 32.0])),
        ("layers.1.weight", "F32", &[2, 3], single(&[0.5; 6])),
        ("layers.0.bias", "F32", &[3], single(&[1.0, 2.0, 3.0])),
    ]);
    assert_eq!(load_bytes(&bytes).unwrap(), small());
}

#[test]
fn what_is_no_model_file_is_refused() {
    refused(b"", "no whole safetensors file");
    refused(b"<!DOCTYPE html><html><body>not found</body></html>", "no whole safetensors file");
    refused(&[0xff; 100], "no whole safetensors file");
    let foreign =
        put_together(&json!({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}), &[0; 4]);
    refused(&foreign, "without `altmin` in its metadata");
    let error = Model::<f32>::load(Path::new("absent.safetensors")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("absent.safetensors"), "{error}");
}

#[test]
fn every_cut_and_any_added_byte_is_noticed() {
    let bytes = small().to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert!(refused(&bytes[..length], "no whole").hint().unwrap().contains("truncated"), "{length}");
    }
    refused(&[bytes.as_slice(), &[0]].concat(), "no whole safetensors file");
}

/// The small model's file with its header changed.
fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let bytes = small().to_bytes().unwrap();
    let (mut header, data) = take_apart(&bytes);
    change(&mut header);
    put_together(&header, data)
}

#[test]
fn tensors_of_wrong_shape_type_or_name_are_refused() {
    refused(&changed(|h| h["layers.0.weight"]["shape"] = json!([2, 3])), "layers.0.bias of shape [3]");
    refused(&changed(|h| h["layers.0.weight"]["shape"] = json!([6])), "layers.0.weight of shape [6]");
    refused(&changed(|h| h["layers.0.bias"]["shape"] = json!([3, 1])), "layers.0.bias of shape [3, 1]");
    refused(&changed(|h| h["layers.0.bias"]["shape"] = json!([4])), "no whole safetensors file");
    refused(&changed(|h| h["layers.0.weight"]["dtype"] = json!("I32")), "`layers.0.weight` of type I32");
    let rename = |from: &'static str, to: &'static str| {
        changed(move |header| {
            let tensor = header.as_object_mut().unwrap().remove(from).unwrap();
            header[to] = tensor;
        })
    };
    refused(&rename("layers.1.bias", "layers.1.offset"), "no tensor `layers.1.bias`");
    refused(&rename("layers.1.weight", "layers.2.weight"), "no tensor `layers.1.weight`");
    refused(
        &changed(|h| h["further"] = json!({"dtype": "F32", "shape": [0], "data_offsets": [68, 68]})),
        "further",
    );
}

#[test]
fn mixed_types_are_refused() {
    let tensors = |dtype, bias| {
        by_hand(&[
            ("layers.0.weight", "F32", &[2, 1], single(&[1.0, 2.0])),
            ("layers.0.bias", dtype, &[2], bias),
        ])
    };
    assert!(load_bytes(&tensors("F32", single(&[3.0, 4.0]))).is_ok());
    refused(&tensors("F64", double(&[3.0, 4.0])), "expected one type for all");
}

#[test]
fn layers_that_do_not_chain_are_refused() {
    let bytes = by_hand(&[
        ("layers.0.weight", "F32", &[3, 2], single(&[0.5; 6])),
        ("layers.0.bias", "F32", &[3], single(&[0.0; 3])),
        ("layers.1.weight", "F32", &[2, 4], single(&[0.5; 8])),
        ("layers.1.bias", "F32", &[2], single(&[0.0; 2])),
    ]);
    refused(&bytes, "4 inputs of layers.1, expected the 3 outputs of layers.0");
    refused(&by_hand(&[]), "no layers");
    let empty = by_hand(&[
        ("layers.0.weight", "F32", &[2, 0], vec![]),
        ("layers.0.bias", "F32", &[2], single(&[0.0; 2])),
    ]);
    refused(&empty, "layers.0 of 2x0");
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let bytes = small().to_bytes().unwrap();
    let (header, data) = take_apart(&bytes);
    let at = header["layers.1.weight"]["data_offsets"][0].as_u64().unwrap() as usize;
    for bad in [f32::NAN, f32::INFINITY] {
        let mut data = data.to_vec();
        data[at..at + 4].copy_from_slice(&bad.to_le_bytes());
        refused(&put_together(&header, &data), "layers.1 that is NaN or infinite");
        let mut model = small();
        let second = model.network.maps()[1].offset;
        model.parameters[second] = bad;
        assert!(model.to_bytes().unwrap_err().to_string().contains("NaN or infinite"));
    }
    // Finite in double precision, infinite in single.
    let too_large = with_extremes(&[1e300f64]);
    refused(&too_large.to_bytes().unwrap(), "layers.0 that is NaN or infinite");
}

/// The small model's file with its metadata changed.
fn changed_metadata(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    changed(|header| {
        let mut ours: Value =
            serde_json::from_str(header["__metadata__"]["altmin"].as_str().unwrap()).unwrap();
        change(&mut ours);
        header["__metadata__"]["altmin"] = json!(ours.to_string());
    })
}

#[test]
fn another_version_is_refused_whatever_else_it_holds() {
    let newer = changed_metadata(|ours| *ours = json!({"version": 2, "layers": []}));
    assert!(refused(&newer, "version 2, expected version 1").hint().unwrap().contains("newer"));
    assert!(refused(&changed_metadata(|ours| ours["version"] = json!(0)), "version 0").hint().is_none());
    refused(&changed_metadata(|ours| ours["version"] = json!("1")), "version");
}

#[test]
fn metadata_must_be_there_and_fit() {
    refused(&changed(|h| h["__metadata__"]["altmin"] = json!("{")), "metadata");
    for key in ["version", "activation", "loss", "classes", "preprocessing"] {
        let without = changed_metadata(|ours| drop(ours.as_object_mut().unwrap().remove(key)));
        refused(&without, &format!("missing field `{key}`"));
    }
    refused(&changed_metadata(|ours| ours["activation"] = json!("step")), "`activation` is `step`");
    let negative = changed_metadata(|ours| ours["activation"] = json!("leaky-relu:-0.5"));
    refused(
        &negative,
        "`activation` is `leaky-relu:-0.5`, expected a slope that is a finite number, 0 or above",
    );
    refused(&changed_metadata(|ours| ours["loss"] = json!("hinge")), "`loss` is `hinge`");
    refused(&changed_metadata(|ours| ours["classes"] = json!(["0"])), "1 classes, expected 2");
    refused(&changed_metadata(|ours| ours["preprocessing"]["pool"] = json!(0)), "pooling 0");
    refused(&changed_metadata(|ours| ours["preprocessing"]["pool"] = json!(-1)), "metadata");
    refused(&changed_metadata(|ours| ours["preprocessing"]["divisor"] = json!(0.0)), "divisor 0");
    refused(&changed_metadata(|ours| ours["preprocessing"]["classes"] = json!([1])), "1 chosen classes");
}

#[test]
fn saving_a_broken_model_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    small().save(&path).unwrap();
    let mut broken = small();
    broken.parameters.pop();
    let error = broken.save(&path).unwrap_err().to_string();
    assert!(error.contains("16 parameters, expected 17, those of the network"), "{error}");
    assert_eq!(Model::load(&path).unwrap(), small());
}

#[test]
fn data_of_other_shape_is_told_apart() {
    let model = small();
    assert_eq!((model.n_features(), model.n_parameters()), (2, 17));
    assert!(model.require_data(2, 2).is_ok());
    let error = model.require_data(784, 2).unwrap_err();
    assert_eq!(error.to_string(), "the data set has 784 features, the model expects 2");
    assert!(error.hint().unwrap().contains("pooling"));
    assert!(model.require_data(2, 10).unwrap_err().to_string().contains("10 classes"));
}

#[test]
fn names_of_parts_are_read_as_they_are_written() {
    for text in ["relu", "leaky-relu:0.01", "leaky-relu:0.30000000000000004", "sigmoid", "tanh", "softplus"] {
        assert_eq!(parse::<Activation<f64>>(text).unwrap().to_string(), text);
    }
    assert_eq!(parse::<Activation<f64>>("leaky-relu").unwrap(), Activation::LeakyRelu { slope: 0.01 });
    for text in [
        "",
        "ReLU",
        "relu:1",
        "leaky-relu:",
        "leaky-relu:nan",
        "leaky-relu:inf",
        "leaky-relu:-0.5",
        "leaky:0.1",
        "tanh:2",
        "softplus:1",
    ] {
        let error = parse::<Activation<f64>>(text).unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains(&format!("`activation` is `{text}`")),
            "{error}"
        );
    }
    for text in ["cross-entropy", "least-squares"] {
        assert_eq!(parse::<Loss>(text).unwrap().to_string(), text);
    }
    assert!(parse::<Loss>("mse").unwrap_err().is_usage());
}

/// A model for values in two columns of a table.
fn of_a_table() -> Model<f32> {
    let column = |name: &str, mean, deviation| Column { mean, deviation, ..Column::new(name) };
    let mut model = small();
    model.outputs = Outputs::Values(vec!["price, net".to_owned(), "\"y\"\n".to_owned()]);
    model.preprocessing.data = "houses.csv".to_owned();
    model.preprocessing.columns = Some(Columns {
        features: vec![column("size", 0.1 + 0.2, 1.0 / 3.0), column("ü", -1e300, 5e-324)],
        targets: vec![column("price, net", 1e-300, f64::MAX), column("\"y\"\n", -0.0, 1.0)],
        classes: vec![],
        missing: Missing::Error,
        image: None,
    });
    model
}

#[test]
fn columns_and_values_come_back_bit_for_bit() {
    let model = of_a_table();
    let back: Model<f32> = round_trip(&model);
    assert_eq!(back, model);
    let mut encoded = model.clone();
    let columns = encoded.preprocessing.columns.as_mut().expect("columns");
    columns.missing = Missing::Indicator;
    for fill in [None, Some(0.1 + 0.2)] {
        let encodings =
            [Encoding::Number { fill }, Encoding::Category("\"a\",\n".to_owned()), Encoding::Missing];
        for pair in encodings.windows(2) {
            let columns = encoded.preprocessing.columns.as_mut().expect("columns");
            for (column, encoding) in columns.features.iter_mut().zip(pair) {
                column.encoding = encoding.clone();
            }
            assert_eq!(round_trip::<f32, f32>(&encoded), encoded);
        }
    }
    encoded.preprocessing.delimiter = Some(b';');
    assert_eq!(round_trip::<f32, f32>(&encoded), encoded);

    let mut classes = small();
    let columns = model.preprocessing.columns.expect("columns");
    classes.preprocessing.columns = Some(Columns {
        targets: columns.targets[..1].to_vec(),
        classes: ["0", "1", "2"].map(str::to_owned).to_vec(),
        ..columns
    });
    assert_eq!(round_trip::<f32, f32>(&classes), classes);
}

#[test]
fn columns_that_do_not_fit_are_refused() {
    let refused = |change: fn(&mut Model<f32>), part: &str| {
        let mut model = of_a_table();
        change(&mut model);
        let message = model.to_bytes().unwrap_err().to_string();
        assert!(message.contains(part), "{part}: {message}");
    };
    fn columns(model: &mut Model<f32>) -> &mut Columns {
        model.preprocessing.columns.as_mut().unwrap()
    }
    refused(|model| drop(columns(model).features.pop()), "1 feature columns, expected 2");
    refused(|model| drop(columns(model).targets.pop()), "1 target columns, expected 2");
    refused(|model| columns(model).features[1].deviation = 0.0, "standard deviation 0e0 of column `ü`");
    refused(|model| columns(model).targets[0].deviation = f64::INFINITY, "standard deviation inf");
    refused(|model| columns(model).targets[0].mean = f64::NAN, "mean NaN");
    refused(
        |model| columns(model).features[1].encoding = Encoding::Number { fill: Some(f64::NAN) },
        "no finite number for missing values of column `ü`",
    );
    refused(
        |model| {
            columns(model).features[0].name = "ü".to_owned();
            columns(model).features[0].encoding = Encoding::Category("red".to_owned());
        },
        "numbers and categories of column `ü`",
    );
    refused(
        |model| columns(model).targets[0].encoding = Encoding::Missing,
        "target column `price, net` with an encoding",
    );
    refused(|model| columns(model).classes.push("0".to_owned()), "1 classes in a column");
    refused(|model| model.outputs = Outputs::Values(vec!["y".to_owned()]), "1 values, expected 2");
    refused(
        |model| model.outputs = Outputs::Classes(vec!["0".to_owned(); 2]),
        "2 target columns, expected 1",
    );
    let error = of_a_table().require_data(2, 3).unwrap_err().to_string();
    assert_eq!(error, "the data set has 3 values, the model expects 2");
}
