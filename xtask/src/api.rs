//! `cargo xtask api`: the public signatures of every crate name only their own
//! types, the shared vocabulary, and what an adapter is there to wrap.
//!
//! Whatever else a signature names would be a major release of ours whenever it
//! is one of theirs. All signatures are listed in `docs/api/`, so that a change says
//! what it does to those who use the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    files,
    shell::{self, Failure},
};

/// What every crate may name.
const SHARED: [&str; 7] = [
    "alloc",
    "bytes",
    "core",
    "http",
    "serde",
    "serde_core",
    "std",
];

/// Each published library, with what it is there to wrap.
const CRATES: [(&str, &[&str]); 12] = [
    ("jibit-proto", &[]),
    ("jibit-driver", &[]),
    ("jibit-client", &[]),
    ("jibit-checkout", &[]),
    ("jibit-agent", &["axum", "axum_core"]),
    ("jibit-axum", &["axum", "axum_core"]),
    ("jibit-blocking", &[]),
    ("jibit-hyper", &[]),
    ("jibit-reqwest", &["reqwest"]),
    (
        "jibit-tower",
        &["http_body", "http_body_util", "tower_service"],
    ),
    ("jibit-sandbox", &[]),
    ("jibit-testkit", &[]),
];

/// Where the signatures are listed, a file a crate.
const LISTS: &str = "docs/api";

/// What becomes of the lists.
#[derive(Clone, Copy)]
enum Lists {
    Check,
    Write,
}

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let lists = match args {
        [] => Lists::Check,
        ["--write"] => Lists::Write,
        _ => {
            return Err(Failure::Usage(
                "`api` takes no argument but `--write`".to_owned(),
            ));
        }
    };
    Ok(go(lists)?)
}

/// Checks every crate, also after one has failed.
pub(crate) fn run() -> Result<(), String> {
    go(Lists::Check)
}

fn go(lists: Lists) -> Result<(), String> {
    let folder = shell::root()?.join(LISTS);
    let mut findings = Vec::new();
    for (name, wraps) in CRATES {
        let file = describe(name)?;
        let before = findings.len();
        for (crate_name, items) in foreign(&read(&file)?)? {
            if !may_name(name, wraps, &crate_name) {
                let items = items.into_iter().collect::<Vec<_>>().join(", ");
                findings.push(format!("{name} names {crate_name} in {items}"));
            }
        }
        let list = folder.join(format!("{name}.txt"));
        findings.extend(compare(&list, &signatures(&file)?, lists)?);
        let verdict = if findings.len() == before {
            "ok"
        } else {
            "FAILED"
        };
        println!("api: {name} ... {verdict}");
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(format!("public signatures:\n  {}", findings.join("\n  ")))
    }
}

/// The crate's public items, a line each; what the compiler adds to every type is
/// left out.
fn signatures(description: &Path) -> Result<String, String> {
    let api = public_api::Builder::from_rustdoc_json(description)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build();
    let api = api.map_err(|error| {
        format!(
            "cannot list the signatures in {}: {error}",
            description.display()
        )
    })?;
    Ok(api.to_string())
}

/// How a list differs from these signatures; or it is made to hold them.
fn compare(list: &Path, signatures: &str, lists: Lists) -> Result<Vec<String>, String> {
    if let Lists::Write = lists {
        fs::write(list, signatures)
            .map_err(|error| format!("cannot write {}: {error}", list.display()))?;
        return Ok(Vec::new());
    }
    let listed = files::read(list)?;
    let (listed, there): (BTreeSet<_>, BTreeSet<_>) =
        (listed.lines().collect(), signatures.lines().collect());
    let gone = listed.difference(&there).map(|line| format!("- {line}"));
    let new = there.difference(&listed).map(|line| format!("+ {line}"));
    let mut lines: Vec<_> = gone.chain(new).collect();
    if !lines.is_empty() {
        lines.push(format!(
            "if this is meant, say it in CHANGELOG.md and run `cargo xtask api --write`, \
             which mends {}",
            list.display()
        ));
    }
    Ok(lines)
}

fn may_name(name: &str, wraps: &[&str], crate_name: &str) -> bool {
    let own = crate_name.starts_with("jibit_") || crate_name == name.replace('-', "_");
    own || SHARED.contains(&crate_name) || wraps.contains(&crate_name)
}

/// What the documentation tool says of a crate, for machines.
///
/// That form of its output is not stable yet, which one variable admits to; so
/// it is read by key, and what is not where it was is an error.
fn describe(name: &str) -> Result<PathBuf, String> {
    let cargo = [
        "rustdoc",
        "--locked",
        "--quiet",
        "--lib",
        "--all-features",
        "-p",
        name,
        "--target-dir",
        "target/api",
        "--",
        "-Z",
        "unstable-options",
        "--output-format",
        "json",
    ];
    shell::run_with_env("cargo", &cargo, &[("RUSTC_BOOTSTRAP", "1")])?;
    let file = format!("target/api/doc/{}.json", name.replace('-', "_"));
    Ok(shell::root()?.join(file))
}

fn read(description: &Path) -> Result<Value, String> {
    serde_json::from_str(&files::read(description)?)
        .map_err(|error| format!("cannot read {}: {error}", description.display()))
}

/// The crates that a crate's public items name, each with those items.
fn foreign(api: &Value) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let table = |key| {
        api.get(key)
            .and_then(Value::as_object)
            .ok_or_else(|| format!("the description has no `{key}`"))
    };
    let (index, paths, crates) = (table("index")?, table("paths")?, table("external_crates")?);
    if index.is_empty() || paths.is_empty() {
        return Err("the description is empty".to_owned());
    }
    let crate_of = |id: &str| {
        let number = paths.get(id)?.get("crate_id")?.to_string();
        crates.get(&number)?.get("name")?.as_str()
    };
    let names = crates.values().filter_map(|it| it.get("name")?.as_str());
    let names = names.collect::<BTreeSet<_>>();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in index.values() {
        // Items of other crates are here for their implementations only.
        if item.get("crate_id").and_then(Value::as_u64) != Some(0) {
            continue;
        }
        let Some(inner) = item.get("inner") else {
            return Err("an item of the description has no `inner`".to_owned());
        };
        if is_inherited(inner) {
            continue;
        }
        let mut ids = Vec::new();
        named(inner, &mut ids);
        let reexported = inner.get("use").filter(|it| !is_own(it, index));
        let reexported = reexported.and_then(|it| it.get("source")?.as_str());
        let reexported =
            reexported.and_then(|path| path.trim_start_matches("::").split("::").next());
        let reexported = reexported.filter(|name| names.contains(name));
        for crate_name in ids.iter().filter_map(|id| crate_of(id)).chain(reexported) {
            let item = item
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or("an impl");
            found
                .entry(crate_name.to_owned())
                .or_default()
                .insert(item.to_owned());
        }
    }
    if !["core", "std", "alloc"]
        .iter()
        .any(|name| found.contains_key(*name))
    {
        return Err(
            "the description names nothing of the standard library: its form is another".to_owned(),
        );
    }
    Ok(found)
}

/// Whether what is exported again is the crate's own: its path may begin with a
/// module that has the name of a crate.
fn is_own(reexported: &Value, index: &serde_json::Map<String, Value>) -> bool {
    let id = reexported.get("id").map(ToString::to_string);
    id.is_some_and(|id| index.contains_key(&id))
}

/// Whether this is an implementation that nobody wrote: of an automatic trait,
/// or for every type there is.
fn is_inherited(inner: &Value) -> bool {
    let Some(implementation) = inner.get("impl") else {
        return false;
    };
    let holds = |key| {
        implementation
            .get(key)
            .is_some_and(|value| !value.is_null() && value != false)
    };
    holds("is_synthetic") || holds("blanket_impl")
}

/// The ids of the types and traits that a signature names: a path has an `id`
/// beside its `path`, in whatever part of a signature it stands.
fn named(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("path")
                && let Some(id) = fields.get("id").filter(|id| id.is_number())
            {
                ids.push(id.to_string());
            }
            fields.values().for_each(|value| named(value, ids));
        }
        Value::Array(values) => values.iter().for_each(|value| named(value, ids)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn api(inner: Value) -> Value {
        json!({
            "index": {
                "1": {"crate_id": 0, "name": "f", "inner": inner},
                "2": {"crate_id": 0, "name": "g", "inner": {"function": {"path": "Vec", "id": 9}}},
            },
            "paths": {"7": {"crate_id": 3}, "8": {"crate_id": 0}, "9": {"crate_id": 1}},
            "external_crates": {"1": {"name": "alloc"}, "3": {"name": "tracing"}},
        })
    }

    #[test]
    fn a_type_of_another_crate_is_found_wherever_it_stands() {
        let path = json!({"resolved_path": {"path": "Span", "id": 7, "args": null}});
        for inner in [
            json!({"function": {"sig": {"inputs": [["span", path]], "output": null}}}),
            json!({"function": {"sig": {"inputs": [], "output": {"resolved_path": {"path": "Option", "id": 8, "args": {"angle_bracketed": {"args": [{"type": path}]}}}}}}}),
            json!({"use": {"source": "tracing::Span", "name": "Span", "id": 77, "is_glob": false}}),
            json!({"use": {"source": "::tracing", "name": "tracing", "id": null, "is_glob": false}}),
            json!({"impl": {"trait": {"path": "Subscriber", "id": 7}, "is_synthetic": false, "blanket_impl": null}}),
        ] {
            let found = foreign(&api(inner)).unwrap();
            assert_eq!(found.keys().collect::<Vec<_>>(), ["alloc", "tracing"]);
        }
    }

    #[test]
    fn what_nobody_wrote_is_passed_over() {
        for inner in [
            json!({"impl": {"trait": {"path": "WithSubscriber", "id": 7}, "is_synthetic": false, "blanket_impl": {"generic": "T"}}}),
            json!({"impl": {"trait": {"path": "Auto", "id": 7}, "is_synthetic": true, "blanket_impl": null}}),
        ] {
            let found = foreign(&api(inner)).unwrap();
            assert_eq!(found.keys().collect::<Vec<_>>(), ["alloc"]);
        }
    }

    #[test]
    fn a_description_of_another_form_is_an_error() {
        for other in [
            json!({}),
            json!({"index": {}, "paths": {}, "external_crates": {}}),
        ] {
            assert!(foreign(&other).is_err());
        }
    }

    #[test]
    fn what_a_change_takes_away_and_adds_is_told() {
        let folder = std::env::temp_dir().join(format!("jibit-api-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let list = folder.join("a.txt");
        let no_list = compare(&list, "pub fn a::f()\n", Lists::Check);
        assert!(no_list.is_err());
        compare(&list, "pub fn a::f()\npub fn a::g()\n", Lists::Write).unwrap();
        let told = compare(&list, "pub fn a::f(u8)\npub fn a::g()\n", Lists::Check).unwrap();
        assert_eq!(told[..2], ["- pub fn a::f()", "+ pub fn a::f(u8)"]);
        let same = compare(&list, "pub fn a::f()\npub fn a::g()\n", Lists::Check).unwrap();
        assert_eq!(same, [""; 0]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn adapters_may_name_what_they_wrap() {
        assert!(may_name("jibit-reqwest", &["reqwest"], "reqwest"));
        assert!(may_name("jibit-hyper", &[], "jibit_client"));
        assert!(!may_name("jibit-hyper", &[], "hyper"));
    }
}
