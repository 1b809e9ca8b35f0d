//! The data set, and what is done to its samples.

#[rustfmt::skip]
macro_rules! data_settings {
    ($rest:tt $($before:tt)*) => { collect! { $rest $($before)* "Data" {

    /// Data set: `digits`, `fashion-mnist`, a folder with IDX or CIFAR files, a .csv, .tsv, .npy or .npz file, or `-` [default: digits]
    ///
    /// `digits` is built in: 1,797 images of 8x8 pixels, split into 1,437 for training and 360 for testing. `fashion-mnist`
    /// is read from where Debian's package dataset-fashion-mnist installs it. A folder contains the four files of MNIST under
    /// their usual names, plain or gzip (KMNIST has the same names and format), or the binary files of CIFAR-10
    /// (data_batch_1.bin to data_batch_5.bin, as many as there are, and test_batch.bin) or of CIFAR-100 (train.bin and
    /// test.bin), plain or gzip.
    ///
    /// A .csv or .tsv file, plain or gzip (.csv.gz), is a table with one row per sample; `-` is a table on standard input. --target
    /// names the columns to learn; all others that --exclude does not name are features: numbers, or categories (see
    /// --categorical). A fifth of the rows, drawn with --seed, is used for testing.
    ///
    /// A file of NumPy, .npz or .npy, is such a table too. Each array of an .npz file has a row for each sample, and a column for each
    /// number of a row: x0, x1 and so on; what is called y, target, label or class comes last. Where arrays are called x_train,
    /// y_train, x_test and y_test, the test samples are those of the file. What is said of CSV files holds for these files.
    data: DataSource {
        arg(value_name = "NAME|DIR|FILE"),
        default = DataSource::Digits,
    }

    /// Columns of a CSV file to learn: names separated by commas as in a row of the file, or `last` [default: last]
    ///
    /// A number that is not the name of a column counts the columns from 1. A name that contains a comma, or is `last`, must
    /// be in double quotes. With a --loss for arbitrary values these columns are numeric, each is one output of the network, and
    /// the coefficient of determination is reported instead of accuracy: R^2 = 1 - SSE/SST, 1 for no error, 0 for predicting
    /// the mean, negative for worse. With cross-entropy there is one such column, of class names: text or integers.
    target: Target as Option<Vec<String>> {
        arg(value_name = "COLUMNS|last"),
        default = None, when(of) = of.data.has_columns(),
    }

    /// Columns of a CSV file to leave out: names separated by commas as in --target, or `none` [default: none]
    ///
    /// Use this for what should not be learnt from: an index, a name, a number that is known only afterwards.
    exclude: Excluded as Option<Vec<String>> {
        arg(value_name = "COLUMNS|none"),
        default = None, when(of) = of.data.has_columns(),
    }

    /// Columns of a CSV file to learn from: names separated by commas as in --target, or `all` that are not learnt or left out
    /// [default: all]
    features: Features as Option<Vec<String>> {
        arg(value_name = "COLUMNS|all"),
        default = None, when(of) = of.data.has_columns(),
    }

    /// Features whose cells name categories, such as a postcode: names separated by commas as in --target, or `auto`
    /// [default: auto]
    ///
    /// Each category of the training samples becomes an input that is 1 where a cell names it and 0 elsewhere. A category that no
    /// training sample has gives 0 in all of them, and a note. Columns in which more cells are text than numbers are categorical
    /// without being named, if they have at most 100 different texts.
    categorical: Categorical as Option<Vec<String>> {
        arg(value_name = "COLUMNS|auto"),
        default = None, when(of) = of.data.has_columns(),
    }

    /// The features of a CSV file are the pixels of images, HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS such as 28x28 or 32x32x3, or `none`
    /// [default: none]
    ///
    /// Columns go through an image row by row, with the channels of a pixel beside each other. The network can then begin with
    /// convolutions, and --scale applies to each channel, not to each column.
    shape: Shape as Option<ImageShape> {
        arg(value_name = "HxWxC|none"),
        default = None, when(of) = of.data.has_columns(),
    }

    /// What to do about missing values in a CSV file [default: error]
    ///
    /// A value is missing if its cell is empty, `NA`, `N/A`, `n/a`, `<NA>`, `NaN`, `nan`, `NULL`, `null` or `?`. Means are those of the training
    /// samples, and are stored in the model. In a categorical column a missing value is none of the categories. A missing value in
    /// a target is always an error, unless its row is dropped. `evaluate` and `predict` do the same as training did.
    missing: Missing {
        arg(value_name = "WHAT"),
        default = Missing::Error, when(of) = of.data.has_columns(),
    }

    /// What separates the cells of a CSV file: a character, `tab`, `space`, or `auto` [default: auto]
    ///
    /// `auto` takes the one of comma, semicolon, tab and bar that gives all rows equally many cells; in a .tsv file a tab. Where it
    /// is not a comma, numbers with a decimal comma are recognised.
    delimiter: Delimiter as Option<u8> {
        arg(value_name = "CHAR|auto"),
        default = None, when(of) = of.data.has_columns(),
    }

    /// Whether the first row of a CSV file names the columns [default: auto]
    ///
    /// `auto` takes it for a header if it contains text and no number above numeric columns, or if it is 0, 1, 2 and so on, as
    /// pandas writes it above columns without names. Without a header, columns are named 1, 2, 3.
    header: Header {
        arg(value_name = "WHEN"),
        default = Header::Auto, when(of) = of.data.has_columns(),
    }

    /// Scale the columns of a CSV file, or the channels of images, to mean 0 and standard deviation 1
    /// [default: true for a CSV file, false for images]
    ///
    /// In a CSV file this applies to features, and to numeric targets; in images to each channel, over all
    /// its pixels. Means and deviations are computed from the training samples that are used, and stored in the model, so
    /// that `evaluate` and `predict` apply the same scaling and `predict` returns the file's units. A constant feature
    /// of a table is moved to 0 and not divided, and a note says so; a constant channel is an error.
    scale: bool {
        arg(
            value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
            hide_possible_values = true
        ),
        default(of) = of.data().has_columns(),
    }

    /// Labels of CIFAR-100 to learn [default: fine]
    labels: Labels {
        arg(value_name = "LABELS"),
        default = Labels::Fine, when(of) = matches!(of.data, DataSource::Directory(_)),
    }

    /// Average pooling over F x F pixels of each channel; 2 reduces 28x28 to 14x14, the 196 features of the papers, and
    /// CIFAR's 3x32x32 to 3x16x16, their 768 [default: 1]
    pool: usize {
        arg(value_name = "F"),
        default = 1, range = at_least_one,
    }

    /// Train on the first N samples, or on `all` [default: all]
    samples: Samples as Option<usize> {
        arg(value_name = "N|all"),
        default = None, range = if_any(at_least_one),
    }

    /// Use only these classes, renumbered from 0 in this order: `0,1,2` or `all` [default: all]
    ///
    /// Classes of a CSV file are numbered from 0 in the order of their names.
    classes: Classes as Option<Vec<u32>> {
        arg(value_name = "LIST|all"),
        default = None, range = different_classes,
    }

    /// How much the samples of each class count in the training loss: `balanced`, a weight for each class in their order such as
    /// `1,2.5,1`, or `none` [default: none]
    ///
    /// `balanced` gives class c the weight M/(C M_c), with M_c of the M training samples and C classes, so that a rare class counts
    /// as much as a frequent one. The loss of a sample is multiplied by its class's weight, in every method's steps and in
    /// the losses of training samples and of samples that are set aside, and the best sweep is that of the lowest loss. Accuracies,
    /// and the loss of test samples, count every sample alike. What the theorems ask of rho grows with the largest weight.
    class_weights: Weighted as Option<ClassWeights> {
        arg(value_name = "WEIGHTS|none"),
        default = None, range = positive_weights, when(of) = !of.is_regression(),
    }

    /// A CSV file with the test samples; all rows of --data are then training samples, or `none` [default: none]
    ///
    /// Its columns are found by name, in any order. Without it a fifth of the rows of --data is for testing.
    test: TestFile as Option<PathBuf> {
        arg(value_name = "FILE|none"),
        default = None, when(of) = of.data.has_columns(),
    }

    /// Share of the training samples that is set aside to tell by when to stop and which sweep is best, a CSV file of such samples, or
    /// `none` [default: 0.1 for a CSV file, else none]
    ///
    /// These samples are not trained on. A file needs the columns of --data, in any order. Every sweep is scored on them, --patience says when to stop, and --keep which model is
    /// left: by default the best. The test samples are passed once, at the end, through that model. Samples are drawn with
    /// --split-seed, of each class its share.
    validation: SetAside as Option<Validation> {
        arg(value_name = "SHARE|FILE|none"),
        default(of) = of.data().has_columns().then_some(Validation::Share(VALIDATION)), range = if_any(set_aside),
    }

    /// Test on the last training samples instead of the test set, and do not train on them [default: false]
    ///
    /// Use this to choose settings without looking at the test set. The last 5,000 samples of MNIST and other files are held
    /// out (images 55,001 to 60,000), the last fifth of `digits` and of a CSV file, and whichever is fewer for CIFAR, before
    /// --classes and --samples select from the rest.
    holdout: bool {
        arg(
            value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
            hide_possible_values = true
        ),
        default = false,
    }

    /// Seed of the initial weights, of the split of `digits` or of a CSV file (unless --split-seed), of the order of mini-batches and of what is drawn in
    /// them [default: 0]
    seed: u64 {
        arg(value_name = "S"),
        default = 0, range = toml_integer,
    }

    /// Seed of the split of `digits` or of a CSV file into training and test samples, or `seed`, that of --seed
    /// [default: seed]
    ///
    /// Fix it to train with several --seed on the same samples.
    split_seed: SplitSeed as Option<u64> {
        arg(value_name = "S|seed"),
        default = None, range = if_any(toml_integer), when(of) = of.data.is_split(),
    }

    } } };
}
