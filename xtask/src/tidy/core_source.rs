//! The source of the core does not reach outside either: time, randomness and
//! the world come in as arguments.

use std::path::Path;

use super::{first_word, group_members, in_sources, is_word, without_comments};

/// What the source of the core may not mention.
const IMPURE: [&str; 11] = [
    "SystemTime::now",
    "Instant::now",
    // `UNIX_EPOCH.elapsed()` reads the clock too.
    "elapsed",
    "std::env",
    "env::var",
    "thread::sleep",
    "std::net",
    "std::fs",
    "RandomState",
    "rand::",
    "getrandom",
];

pub(super) fn check(root: &Path) -> Result<Vec<String>, String> {
    in_sources(root, "crates/jibit-proto/src", impurities)
}

/// The forbidden names in a source text outside its comments, with their
/// line numbers.
fn impurities(source: &str) -> Vec<(usize, &'static str)> {
    let code = without_comments(source);
    let mut found: Vec<(usize, &'static str)> = Vec::new();
    for what in IMPURE {
        for (number, line) in (1..).zip(code.lines()) {
            if mentions(line, what) {
                found.push((number, what));
            }
        }
        // `use std::{fs, ...}` is `std::fs` spelled another way.
        if let Some(module) = what.strip_prefix("std::") {
            for (start, opening) in code.match_indices("std::{") {
                let (before, after) = code.split_at(start + opening.len());
                if group_members(after).any(|member| first_word(member) == module) {
                    found.push((before.matches('\n').count() + 1, what));
                }
            }
        }
    }
    found.sort_unstable();
    found
}

/// Whether a line has `what` in it as whole words: `operand::` is not `rand::`.
fn mentions(line: &str, what: &str) -> bool {
    line.match_indices(what).any(|(start, _)| {
        let (before, rest) = line.split_at(start);
        let after = rest.strip_prefix(what).unwrap_or_default();
        let goes_on = what.ends_with(is_word) && after.starts_with(is_word);
        !before.ends_with(is_word) && !goes_on
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_impure_name_is_found() {
        for what in IMPURE {
            let source = format!("//! Docs.\n\nfn f() {{ {what}(); }}\n");
            assert!(impurities(&source).contains(&(3, what)), "{what}");
        }
    }

    #[test]
    fn grouped_imports_do_not_hide_a_module() {
        let source =
            "use std::{\n    collections::{BTreeMap, HashMap},\n    fs::{self, File},\n};\n";
        assert_eq!(impurities(source), [(1, "std::fs")]);
        assert!(impurities("use std::{fmt, my::{fs, net}};").is_empty());
        assert_eq!(impurities("use std::{fmt, net};"), [(1, "std::net")]);
    }

    #[test]
    fn comments_may_say_anything() {
        let source = "\
//! Does not use `std::fs`.
/// Nor std::net.
fn f() {} // nor getrandom
/* nor /* rand:: */ RandomState
   Instant::now */
";
        assert_eq!(impurities(source), []);
    }

    #[test]
    fn literals_do_not_open_comments() {
        for literal in [
            r#""https://a""#,
            r#""\"//""#,
            r##"r#"" // "#"##,
            r##"br#"" /* "#"##,
            r#"('"', '/', '\'', '"')"#,
            r#"x::<'a>("//")"#,
        ] {
            let source = format!("let a = {literal}; std::fs::read(); // std::net\n");
            assert_eq!(impurities(&source), [(1, "std::fs")], "{literal}");
        }
    }

    #[test]
    fn parts_of_other_names_are_not_mentions() {
        assert_eq!(
            impurities("operand::f(); my_std::fs; std::fsx; MyRandomState"),
            []
        );
    }

    #[test]
    fn lines_are_counted_over_block_comments() {
        assert_eq!(impurities("/*\n\n*/\nuse std::env;\n"), [(4, "std::env")]);
    }
}
