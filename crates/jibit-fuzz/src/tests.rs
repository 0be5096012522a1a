//! Every target over its seeds, and over what a fuzzer once found.

use std::{collections::BTreeSet, fs, path::Path};

use super::TARGETS;

#[test]
fn what_there_is_to_begin_with_holds() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(seeds.len() > 5, "{}", target.name);
        for seed in seeds {
            (target.run)(&seed);
            // Half of it, and it with a bit turned here and there.
            (target.run)(&seed[..seed.len() / 2]);
            for place in (0..seed.len()).step_by(seed.len() / 20 + 1) {
                let mut other = seed.clone();
                other[place] ^= 1 << (place % 8);
                (target.run)(&other);
            }
        }
    }
}

#[test]
fn what_was_found_holds_today() {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/found");
    let Ok(folders) = fs::read_dir(found) else {
        return;
    };
    for folder in folders.map(|folder| folder.unwrap().path()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let target = TARGETS.iter().find(|target| target.name == name);
        let target = target.unwrap_or_else(|| panic!("nothing is called {name}"));
        for case in fs::read_dir(&folder).unwrap() {
            let case = case.unwrap().path();
            eprintln!("{}", case.display());
            (target.run)(&fs::read(case).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_binary_and_no_other_has() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let files: BTreeSet<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let names: BTreeSet<_> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(files, names);
}
