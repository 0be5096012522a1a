#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jibit_fuzz::run("session", bytes));
