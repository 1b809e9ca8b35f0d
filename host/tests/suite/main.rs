//! The tests that need no process of their own, in one program: what the trainer is compiled for, is compiled once.

mod common;

mod atomic_file;
mod bench_epoch;
mod cifar;
mod command_line;
mod compare;
mod compare_command;
mod csv;
mod csv_table;
mod data;
mod diagnostics;
mod evaluation;
mod full_disk;
mod gemm_fast;
mod idx;
mod init;
mod memory_data;
mod model_file;
mod network_text;
mod observers;
mod prediction;
mod products;
mod random;
mod regression;
mod reproducible;
mod schedules;
mod settings;
mod smooth;
mod stepping;
mod subnetworks;
mod train_command;
mod training;
mod verify_command;
mod weights;
