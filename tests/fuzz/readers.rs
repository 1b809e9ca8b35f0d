//! What is fuzzed of the readers: any bytes are taken or refused with one line, and what is taken is sound.
//!
//! The host's tests call these functions with the corpora and with changes of them.

use std::cell::RefCell;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use altmin::data::{DataSource, Dataset, Header, Labels, Part, Parts, Preprocessing, Table, cifar, idx};
use altmin::network::{Architecture, Model, Network};
use altmin::run::History;
use altmin::run::checkpoint::Snapshot as _;
use altmin::settings::{Settings, TrainOptions};
use altmin::{Result, Trainer, data};
use altmin_core::Real;
use altmin_core::block::Shape;
use altmin_core::view::dense;

/// Reads bytes, and says whether they were taken.
type Reader = fn(&[u8]) -> bool;

/// Every reader by the name of its corpus; true where it takes what it reads.
pub(crate) const READERS: [(&str, Reader); 8] = [
    ("idx", idx_files),
    ("cifar", cifar_files),
    ("csv", |bytes| tables(bytes, ["table.csv", "table.tsv"])),
    ("arrays", |bytes| tables(bytes, ["table.npy", "table.npz"])),
    ("model", model_file),
    ("checkpoint", checkpoint_file),
    ("config", config_text),
    ("network", network_text),
];

thread_local! {
    /// The reasons of the present input.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What was taken; what was refused has one line of a reason.
fn taken<R>(result: Result<R>) -> Option<R> {
    match result {
        Ok(taken) => Some(taken),
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.lines().count() == 1, "{text:?}");
            SAID.with_borrow_mut(|said| said.push_str(&text));
            None
        }
    }
}

/// A folder that is gone when it goes out of scope.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("altmin-fuzz-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.join(name) } else { std::env::temp_dir().join(name) };
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing depends on it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether there are both parts of a data set, each of which is then what it says of itself.
fn are_sound<T: Real>(parts: Option<Parts<T>>) -> bool {
    parts.inspect(|(train, test)| [train, test].into_iter().for_each(require_sound)).is_some()
}

fn require_sound<T: Real>(data: &Dataset<T>) {
    assert!(data.n_samples() > 0 && data.n_features() > 0 && data.n_outputs() > 0);
    assert_eq!(data.features().len(), data.n_features() * data.n_samples());
    assert!(data.features().iter().chain(data.values()).all(|number| number.is_finite()));
    assert!(data.labels().iter().all(|&label| (label as usize) < data.n_outputs()));
    assert!(data.image().is_none_or(|image| image.n_features() == Some(data.n_features())));
}

/// The bytes before and after a mark, which a fuzzer finds easily.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mark = b"|||";
    match bytes.windows(mark.len()).position(|window| window == mark) {
        Some(place) => (&bytes[..place], &bytes[place + mark.len()..]),
        None => (bytes, bytes),
    }
}

fn idx_files(bytes: &[u8]) -> bool {
    let (images, labels) = halves(bytes);
    let folder = Folder::new();
    for part in ["train", "t10k"] {
        folder.write(&format!("{part}-images-idx3-ubyte"), images);
        folder.write(&format!("{part}-labels-idx1-ubyte"), labels);
    }
    are_sound(taken(idx::load::<f32>(&folder.0)))
}

fn cifar_files(bytes: &[u8]) -> bool {
    let (images, names) = halves(bytes);
    let folder = Folder::new();
    for name in ["data_batch_1.bin", "test_batch.bin", "train.bin", "test.bin"] {
        folder.write(name, images);
    }
    for name in ["batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt"] {
        folder.write(name, names);
    }
    let load = |variant, labels| are_sound(taken(cifar::load::<f32>(&folder.0, variant, labels)));
    let ten = load(cifar::Variant::Cifar10, Labels::Fine);
    load(cifar::Variant::Cifar100, Labels::Fine) | load(cifar::Variant::Cifar100, Labels::Coarse) | ten
}

/// The same bytes as the two files of these names.
fn tables(bytes: &[u8], names: [&str; 2]) -> bool {
    let (folder, mut is_taken) = (Folder::new(), false);
    for name in names {
        let path = folder.write(name, bytes);
        let tables =
            [Header::Auto, Header::Yes, Header::No].map(|header| taken(Table::read(&path, header, None)));
        for table in tables.into_iter().flatten() {
            for row in 0..table.n_rows() {
                for column in 0..table.names().len() {
                    taken(table.text(row, column));
                    assert!(taken(table.number(row, column)).is_none_or(f64::is_finite));
                }
            }
        }
        let source = DataSource::Csv(path.clone());
        for options in [
            "",
            "loss = 'least-squares'",
            "missing = 'mean'\nscale = false",
            "missing = 'indicator'\ncategorical = '1'\ntarget = '2'",
            "missing = 'drop'\ndelimiter = ';'\nloss = 'least-squares'",
        ] {
            let options = settings(&format!("data = 'x.csv'\nvalidation = 'none'\n{options}")).data_options();
            let Some((train, test)) = taken(data::load::<f64>(&source, &options)) else { continue };
            is_taken |= are_sound(Some((train.clone(), test.clone())));
            // A model that was trained on them gets the same numbers from the same file.
            let trained = Preprocessing::new(&source, &options).with_columns(train.columns());
            let again = data::load_like::<f64>(&trained, &source, &trained.options(), Part::Test);
            assert_eq!(taken(again).expect("the same file").features(), test.features());
            let table = taken(data::table_for(&trained, &source)).flatten().expect("the same file");
            // A row that training left out, as its target is missing, may have a cell that is no number.
            if let Some(inputs) = taken(data::load_inputs::<f64>(&trained, &table)) {
                assert_eq!(inputs.inputs.len(), inputs.rows.len() * train.n_features());
            }
        }
    }
    is_taken
}

fn model_file(bytes: &[u8]) -> bool {
    let path = Path::new("fuzzed.safetensors");
    let model = taken(Model::<f64>::from_bytes(bytes, path));
    if let Some(model) = &model {
        let written = model.to_bytes().expect("what was read can be written");
        assert!(Model::from_bytes(&written, path).is_ok_and(|again| again == *model));
        let samples = vec![0.5; model.n_features()];
        let outputs = taken(altmin::network::evaluate::apply(model, &samples, 1)).expect("a sample");
        assert_eq!(outputs.len(), model.outputs.names().len());
    }
    taken(Model::<f32>::from_bytes(bytes, path));
    model.is_some()
}

/// Settings, with a limit on what they may make anybody allocate.
fn settings(text: &str) -> Settings {
    let options = TrainOptions::from_toml(text, Path::new("fuzzed.toml")).expect("readable");
    options.resolve().expect("valid")
}

/// A trainer after a sweep; the same for every input.
fn trainer() -> Trainer<f64> {
    let x: Vec<f64> = (0..24).map(|k| f64::from(k * 7 % 11) / 11.0).collect();
    let train = Dataset::from_classes(&dense(&x, 3, 8), &[0, 1, 2, 0, 1, 2, 0, 1], None).expect("samples");
    let settings = settings("method = 'adam'\nhidden = '4'\nbatch = 4\nthreads = 1\nprecision = 'f64'");
    let settings = Settings { data: DataSource::Memory, ..settings };
    let mut trainer = Trainer::without_test(&settings, Arc::new(train)).expect("a trainer");
    let outcome = trainer.step(1, &mut History::default(), &false.into());
    outcome.expect("a sweep");
    trainer
}

/// A checkpoint but for its checksum, which is made good here: a fuzzer would not find it.
fn checkpoint_file(bytes: &[u8]) -> bool {
    let mut trainer = trainer();
    let state = |trainer: &Trainer<f64>| (trainer.parameters().to_vec(), trainer.info());
    let before = state(&trainer);
    let mut sealed = bytes.to_vec();
    sealed.extend(crc32fast::hash(bytes).to_le_bytes());
    match taken(trainer.resume(&mut Cursor::new(&sealed), Path::new("fuzzed"))) {
        None => {
            assert!(state(&trainer) == before);
            false
        }
        Some(history) => {
            let mut written = Vec::new();
            trainer.write(&history, &mut written).expect("room");
            trainer.resume(&mut Cursor::new(&written), Path::new("fuzzed")).expect("its own checkpoint");
            taken(trainer.step(1, &mut History::default(), &false.into()));
            true
        }
    }
}

/// The checkpoint of [`trainer`], without its checksum: where a corpus begins.
pub(crate) fn checkpoint() -> Vec<u8> {
    let mut written = Vec::new();
    let mut history = History::default();
    let mut trainer = trainer();
    trainer.step(1, &mut history, &false.into()).expect("a sweep");
    trainer.write(&history, &mut written).expect("room");
    written.truncate(written.len() - 4);
    written
}

fn config_text(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let Some(options) = taken(TrainOptions::from_toml(text, Path::new("fuzzed.toml"))) else { return false };
    let Some(settings) = taken(options.resolve()) else { return false };
    let written = settings.to_toml().expect("what was read can be written");
    let again = TrainOptions::from_toml(&written, Path::new("written.toml")).and_then(TrainOptions::resolve);
    let again = again.unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(again.to_toml().expect("readable"), written);
    // What fits no data is refused by the run.
    let small = Settings { threads: 1, max_memory: Some(1 << 22), data: DataSource::Memory, ..settings };
    let x: Vec<f64> = (0..24).map(|k| f64::from(k * 7 % 11) / 11.0).collect();
    let train = Dataset::from_classes(&dense(&x, 3, 8), &[0, 1, 2, 0, 1, 2, 0, 1], None).expect("samples");
    if let Some(mut trainer) = taken(Trainer::without_test(&small, Arc::new(train))) {
        taken(trainer.step(2, &mut History::default(), &false.into()));
    }
    true
}

fn network_text(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let Some(architecture) = taken(text.parse::<Architecture>()) else { return false };
    let again = architecture.to_string().parse::<Architecture>();
    assert_eq!(again.expect("what it says of itself"), architecture);
    for input in [Shape::flat(12), Shape { channels: 3, height: 8, width: 6 }] {
        let Some(network) = taken(architecture.network(input, 5)) else { continue };
        assert_eq!((network.outputs(), network.input().features()), (5, input.features()));
        let Some(Architecture::Blocks(blocks)) = taken(network.to_string().parse::<Architecture>()) else {
            panic!("the blocks of `{architecture}`");
        };
        let same = Network::new(blocks, network.input()).expect("the same blocks");
        assert_eq!(same.parameters(), network.parameters());
    }
    true
}

/// Reads bytes by the reader of this name: whether it takes them, and why not.
pub(crate) fn read(name: &str, bytes: &[u8]) -> (bool, String) {
    let reader = READERS.iter().find(|(known, _)| *known == name);
    SAID.with_borrow_mut(String::clear);
    let is_taken = reader.expect("a reader of this name").1(bytes);
    (is_taken, SAID.take())
}
