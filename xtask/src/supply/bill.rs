//! The bill of materials of the command: a CycloneDX document of every crate in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    files,
    packages::{self, text},
    shell,
};

/// The package whose program is given to people.
const PROGRAM: &str = "jibit-cli";

/// Writes the bill, and hands back how many crates it lists.
pub(super) fn write(file: &Path, metadata: &Value) -> Result<usize, String> {
    let args = [
        "--edges=normal,build",
        "--target=x86_64-unknown-linux-gnu",
        "--package",
        PROGRAM,
    ];
    let lock = files::read(&shell::root()?.join("Cargo.lock"))?;
    let bill = bill(metadata, &packages::built(&args)?, &checksums(&lock)?)?;
    let components = bill.get("components").and_then(Value::as_array);
    let count = components.map_or(0, Vec::len);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    fs::write(file, format!("{bill:#}\n"))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(count)
}

/// SHA-256 of the archive of every crate that came from a registry.
fn checksums(lock: &str) -> Result<BTreeMap<String, String>, String> {
    let lock: toml::Table =
        toml::from_str(lock).map_err(|error| format!("cannot read Cargo.lock: {error}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let packages = packages.ok_or("Cargo.lock lists no packages")?;
    let told = |package: &toml::Value| {
        let text = |key| package.get(key)?.as_str();
        let name = format!("{} {}", text("name")?, text("version")?);
        Some((name, text("checksum")?.to_owned()))
    };
    Ok(packages.iter().filter_map(told).collect())
}

/// The document, of the crates with these names and versions.
fn bill(
    metadata: &Value,
    built: &BTreeSet<String>,
    checksums: &BTreeMap<String, String>,
) -> Result<Value, String> {
    let (members, others) = packages::packages(metadata)?;
    let all: Vec<_> = members.into_iter().chain(others).collect();
    // By the id that cargo has for each, which may name a folder of this machine.
    let mut references = BTreeMap::new();
    let mut components = Vec::new();
    let mut program = None;
    for package in all {
        let name = packages::name(package).ok_or("cargo's metadata has a nameless package")?;
        if !built.contains(&name) {
            continue;
        }
        let id = text(package, "id").ok_or("cargo's metadata has a package without an id")?;
        let component = component(package, checksums.get(&name));
        references.insert(id, reference(package));
        if text(package, "name") == Some(PROGRAM) {
            program = Some(component);
        } else {
            components.push(component);
        }
    }
    if references.len() != built.len() {
        return Err("cargo's metadata does not tell of every crate that is built".to_owned());
    }
    let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array);
    let nodes = nodes.ok_or("cargo's metadata does not tell what needs what")?;
    let edges: Vec<_> = nodes
        .iter()
        .filter_map(|node| {
            let reference = references.get(text(node, "id")?)?;
            let needed: BTreeSet<_> = node
                .get("deps")?
                .as_array()?
                .iter()
                .filter_map(|it| {
                    is_built(it).then_some(())?;
                    references.get(text(it, "pkg")?)
                })
                .collect();
            Some(json!({"ref": reference, "dependsOn": needed}))
        })
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": program},
        "components": components,
        "dependencies": edges,
    }))
}

/// Whether something is needed for more than tests.
fn is_built(dependency: &Value) -> bool {
    let kinds = dependency.get("dep_kinds").and_then(Value::as_array);
    kinds.is_some_and(|it| it.iter().any(|it| it.get("kind") != Some(&json!("dev"))))
}

fn component(package: &Value, checksum: Option<&String>) -> Value {
    let is_program = text(package, "name") == Some(PROGRAM);
    let licence = text(package, "license").map(|it| it.replace('/', " OR "));
    let fields = [
        (
            "type",
            Some(json!(if is_program { "application" } else { "library" })),
        ),
        ("bom-ref", Some(json!(reference(package)))),
        ("purl", Some(json!(reference(package)))),
        ("name", Some(json!(text(package, "name")))),
        ("version", Some(json!(text(package, "version")))),
        ("licenses", licence.map(|it| json!([{"expression": it}]))),
        (
            "hashes",
            checksum.map(|it| json!([{"alg": "SHA-256", "content": it}])),
        ),
    ];
    let known = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(known.collect())
}

/// A crate's package URL.
fn reference(package: &Value) -> String {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let version = version.unwrap_or_default().replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", name.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Value {
        let dependency = |pkg, kind| json!({"pkg": pkg, "dep_kinds": [{"kind": kind}]});
        json!({
            "workspace_members": ["path+file:///here#jibit-cli@0.1.0"],
            "packages": [
                {"id": "path+file:///here#jibit-cli@0.1.0", "name": "jibit-cli", "version": "0.1.0", "license": "MIT"},
                {"id": "r#a@1.0.0", "name": "a", "version": "1.0.0+x", "license": "MIT/Apache-2.0"},
                {"id": "r#b@2.0.0", "name": "b", "version": "2.0.0"},
            ],
            "resolve": {"nodes": [
                {"id": "path+file:///here#jibit-cli@0.1.0", "deps": [dependency("r#a@1.0.0", Value::Null), dependency("r#b@2.0.0", json!("dev"))]},
                {"id": "r#a@1.0.0", "deps": []},
                {"id": "r#b@2.0.0", "deps": []},
            ]},
        })
    }

    #[test]
    fn it_lists_what_is_built_and_names_no_folder() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0+x\"\nchecksum = \"00ff\"\n";
        let built = ["jibit-cli 0.1.0", "a 1.0.0+x"].map(str::to_owned).into();
        let bill = bill(&metadata(), &built, &checksums(lock).unwrap()).unwrap();
        assert_eq!(bill["metadata"]["component"]["type"], "application");
        assert_eq!(
            bill["components"],
            json!([{
                "type": "library", "bom-ref": "pkg:cargo/a@1.0.0%2Bx", "purl": "pkg:cargo/a@1.0.0%2Bx",
                "name": "a", "version": "1.0.0+x", "licenses": [{"expression": "MIT OR Apache-2.0"}],
                "hashes": [{"alg": "SHA-256", "content": "00ff"}],
            }])
        );
        assert_eq!(
            bill["dependencies"],
            json!([
                {"ref": "pkg:cargo/jibit-cli@0.1.0", "dependsOn": ["pkg:cargo/a@1.0.0%2Bx"]},
                {"ref": "pkg:cargo/a@1.0.0%2Bx", "dependsOn": []},
            ])
        );
        assert!(!bill.to_string().contains("/here"));
    }

    #[test]
    fn a_crate_that_nothing_is_known_of_is_an_error() {
        let built = ["jibit-cli 0.1.0", "c 1.0.0"].map(str::to_owned).into();
        assert!(bill(&metadata(), &built, &BTreeMap::new()).is_err());
        assert!(checksums("version = 4").is_err());
    }
}
