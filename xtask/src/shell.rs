//! Running other programs from the workspace root, and how a command fails.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Why a command did not succeed; the two kinds have different exit codes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The command line makes no sense: exit code 2.
    Usage(String),
    /// A check found something or could not run: exit code 1.
    Check(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Check(message)
    }
}

/// Refuses arguments to a command that takes none.
pub(crate) fn no_arguments(command: &str, args: &[&str]) -> Result<(), Failure> {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(Failure::Usage(format!(
            "`{command}` takes no argument `{arg}`"
        ))),
    }
}

/// The workspace root, wherever the command was called from.
pub(crate) fn root() -> Result<PathBuf, String> {
    let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_dir
        .parent()
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} has no parent folder", manifest_dir.display()))
}

/// Runs a program in the workspace root and fails if it does.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<(), String> {
    run_with_env(program, args, &[])
}

/// [`run`] with environment variables, which are printed too so that the
/// printed line can be pasted into a shell.
pub(crate) fn run_with_env(
    program: &str,
    args: &[&str],
    env: &[(&str, &str)],
) -> Result<(), String> {
    let line = command_line(program, args, env);
    eprintln!("$ {line}");
    let status = Command::new(program)
        .args(args)
        .envs(env.iter().copied())
        .current_dir(root()?)
        .status()
        .map_err(|error| format!("cannot start `{program}`: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{line}` failed: {status}"))
    }
}

/// Like [`run`], but what the program prints goes to standard error, so that
/// standard output holds nothing but our own.
pub(crate) fn run_to_stderr(program: &str, args: &[&str]) -> Result<(), String> {
    let line = command_line(program, args, &[]);
    eprintln!("$ {line}");
    let status = Command::new(program)
        .args(args)
        .current_dir(root()?)
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| format!("cannot start `{program}`: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{line}` failed: {status}"))
    }
}

/// Like [`run`], but hands back what the program wrote to standard output.
pub(crate) fn output(program: &str, args: &[&str]) -> Result<String, String> {
    let line = command_line(program, args, &[]);
    eprintln!("$ {line}");
    let output = Command::new(program)
        .args(args)
        .current_dir(root()?)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start `{program}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` failed: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{line}` printed text that is not UTF-8"))
}

/// A program that `cargo build --release` made.
pub(crate) fn built(name: &str) -> Result<String, String> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    let program = target()?.join("release").join(name);
    (program.to_str().map(ToOwned::to_owned))
        .ok_or_else(|| format!("{} is not UTF-8", program.display()))
}

/// Where cargo puts what it builds.
fn target() -> Result<PathBuf, String> {
    let metadata = output(
        "cargo",
        &["metadata", "--no-deps", "--format-version", "1", "--locked"],
    )?;
    let metadata: Value = serde_json::from_str(&metadata)
        .map_err(|error| format!("cannot read cargo's metadata: {error}"))?;
    (metadata.get("target_directory").and_then(Value::as_str))
        .map(PathBuf::from)
        .ok_or_else(|| "cargo's metadata names no target directory".to_owned())
}

/// Whether a program is in the search path.
pub(crate) fn is_there(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// Says what is skipped for want of a program; a failure where nothing may be.
pub(crate) fn skip(what: &str, wanting: &str, remedy: &str) -> Result<(), String> {
    let skipped = format!("{what}, for want of {wanting}. To run it too: {remedy}");
    if env::var_os("JIBIT_NO_SKIP").is_some() {
        return Err(skipped);
    }
    println!("skipped: {skipped} (JIBIT_NO_SKIP=1 makes it a failure)");
    Ok(())
}

/// The command as a reader would type it.
fn command_line(program: &str, args: &[&str], env: &[(&str, &str)]) -> String {
    let env = env
        .iter()
        .map(|(name, value)| format!("{name}={}", quoted(value)));
    let words = std::iter::once(program).chain(args.iter().copied());
    env.chain(words.map(quoted)).collect::<Vec<_>>().join(" ")
}

/// Quotes the words a shell would split or expand.
fn quoted(word: &str) -> String {
    if word.contains([' ', '{', '}', '(', ')', '|']) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_workspace() {
        assert!(root().unwrap().join("Cargo.lock").is_file());
    }

    #[test]
    fn cargo_says_where_it_builds() {
        let target = target().unwrap();
        assert!(target.is_absolute());
        assert!(built("jibit-bench").unwrap().contains("jibit-bench"));
    }

    #[test]
    fn printed_commands_can_be_pasted() {
        assert_eq!(
            command_line(
                "cargo",
                &["tree", "{p}"],
                &[("RUSTDOCFLAGS", "-D warnings")]
            ),
            "RUSTDOCFLAGS='-D warnings' cargo tree '{p}'"
        );
    }

    #[test]
    fn a_failing_program_is_an_error() {
        assert!(run("cargo", &["--no-such-option"]).is_err());
        assert!(output("cargo", &["--no-such-option"]).is_err());
        assert!(
            run("no-such-program-as-this", &[])
                .unwrap_err()
                .contains("cannot start")
        );
    }

    #[test]
    fn programs_are_looked_for_in_the_search_path() {
        assert!(is_there("cargo"));
        assert!(!is_there("no-such-program-as-this"));
    }

    #[test]
    fn output_is_captured() {
        assert!(
            output("cargo", &["--version"])
                .unwrap()
                .starts_with("cargo ")
        );
    }

    #[test]
    fn unwanted_arguments_are_usage_errors() {
        assert_eq!(no_arguments("tidy", &[]), Ok(()));
        assert!(matches!(
            no_arguments("tidy", &["x"]),
            Err(Failure::Usage(_))
        ));
    }
}
