//! `cargo xtask fixtures check`: the format of the exchanges in `fixtures/`.
//!
//! The format is described in `fixtures/README.md`.

use std::fs;
use std::path::Path;

use crate::shell::{self, Failure};

/// The folders that may be in `fixtures/`, one per operation of the gateway.
const OPERATIONS: [&str; 5] = ["authenticate", "refresh", "initiate", "verify", "inquiry"];

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    match args {
        ["check"] => Ok(check()?),
        ["check", arg, ..] => Err(Failure::Usage(format!(
            "`fixtures check` takes no argument `{arg}`"
        ))),
        [other, ..] => Err(Failure::Usage(format!(
            "no subcommand `fixtures {other}`; there is `fixtures check`"
        ))),
        [] => Err(Failure::Usage(
            "`fixtures` needs a subcommand; there is `fixtures check`".to_owned(),
        )),
    }
}

/// Checks every fixture and prints how many there are.
pub(crate) fn check() -> Result<(), String> {
    let (count, findings) = inspect(&shell::root()?.join("fixtures"))?;
    if findings.is_empty() {
        println!("fixtures: {count} ok");
        Ok(())
    } else {
        Err(format!(
            "{} findings in {count} fixtures:\n  {}",
            findings.len(),
            findings.join("\n  ")
        ))
    }
}

/// Counts the fixtures in a folder and says what is wrong with any of them.
///
/// No fixtures at all is fine, so that the check can precede the first one.
pub(crate) fn inspect(folder: &Path) -> Result<(usize, Vec<String>), String> {
    let mut files = Vec::new();
    if folder.is_dir() {
        list(folder, "", &mut files)?;
    }
    files.sort();
    let (mut count, mut findings) = (0, Vec::new());
    for file in files {
        match kind(&file) {
            Kind::Readme => {}
            Kind::Unexpected(why) => findings.push(format!("fixtures/{file}: {why}")),
            Kind::Fixture => {
                count += 1;
                let bytes = fs::read(folder.join(&file))
                    .map_err(|error| format!("cannot read fixtures/{file}: {error}"))?;
                let faults = match std::str::from_utf8(&bytes) {
                    Ok(text) => faults(text),
                    Err(_) => vec!["is not UTF-8".to_owned()],
                };
                findings.extend(faults.iter().map(|why| format!("fixtures/{file}: {why}")));
            }
        }
    }
    Ok((count, findings))
}

/// Collects all files below `folder` as paths relative to where it began,
/// with `/` on every system so that they compare and print the same.
fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<(), String> {
    let failed = |error| format!("cannot list {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            list(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push(name);
        }
    }
    Ok(())
}

/// What a file in `fixtures/` is, going by its path.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The description of the format.
    Readme,
    /// A recorded exchange.
    Fixture,
    /// Something that does not belong there, and why.
    Unexpected(String),
}

/// Tells the kind of a file from its path inside `fixtures/`.
fn kind(path: &str) -> Kind {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["README.md"] => Kind::Readme,
        [operation, _] if !OPERATIONS.contains(operation) => Kind::Unexpected(format!(
            "`{operation}` is not one of the operations {}",
            OPERATIONS.join(", ")
        )),
        [_, file]
            if file
                .strip_suffix(".http")
                .is_some_and(|case| !case.is_empty()) =>
        {
            Kind::Fixture
        }
        _ => Kind::Unexpected("unexpected file, fixtures are <operation>/<case>.http".to_owned()),
    }
}

/// Everything that is wrong with the text of one fixture.
fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.contains('\r') {
        faults.push("has a carriage return, line endings are LF only".to_owned());
    }
    if !text.ends_with('\n') {
        faults.push("does not end in a newline".to_owned());
    }

    let mut sourced = false;
    for line in text.lines().take_while(|line| line.starts_with('#')) {
        match note(line) {
            Some(("source", _)) => sourced = true,
            Some(_) => {}
            None => faults.push(format!("`{line}` is not of the form `# key: value`")),
        }
    }
    if !sourced {
        faults.push("does not name its source in a `# source: ...` line at the top".to_owned());
    }

    // `lines()` drops a carriage return, which has been reported by now.
    let places = |is_head: fn(&str) -> bool| -> Vec<usize> {
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| is_head(line))
            .map(|(at, _)| at)
            .collect()
    };
    let requests = places(is_request_head);
    let answers = places(is_answer_head);
    if requests.len() != 1 {
        faults.push(format!("has {} request heads, not one", requests.len()));
    }
    if answers.len() != 1 {
        faults.push(format!("has {} answer heads, not one", answers.len()));
    }
    if let ([request], [answer]) = (requests.as_slice(), answers.as_slice())
        && answer < request
    {
        faults.push("has the answer before the request".to_owned());
    }
    if text.lines().any(is_content_length) {
        faults.push("has a Content-Length line, whoever replays it works that out".to_owned());
    }
    faults
}

/// Splits a `# key: value` line; neither side may be empty.
fn note(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix("# ")?.split_once(": ")?;
    let value = value.trim();
    let key_is_word = !key.is_empty() && !key.contains(char::is_whitespace);
    (key_is_word && !value.is_empty()).then_some((key, value))
}

/// Whether a line is `METHOD /path HTTP/1.1`.
fn is_request_head(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    matches!(words.as_slice(), [method, path, "HTTP/1.1"]
        if !method.is_empty()
            && method.bytes().all(|byte| byte.is_ascii_uppercase())
            && path.starts_with('/'))
}

/// Whether a line is `HTTP/1.1 NNN` with or without a reason.
fn is_answer_head(line: &str) -> bool {
    line.strip_prefix("HTTP/1.1 ").is_some_and(|rest| {
        let code = rest.split(' ').next().unwrap_or_default();
        code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a line is a Content-Length header, in any case.
fn is_content_length(line: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
# source: section 3.1 of the manual
# note: amounts changed

POST /v2/orders HTTP/1.1
Content-Type: application/json

{\"amount\": 1}

HTTP/1.1 200 OK
Content-Type: application/json

{\"errors\": null}
";

    /// Asserts that a text has exactly one fault, saying `expected`.
    fn assert_fault(text: &str, expected: &str) {
        let faults = faults(text);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(expected), "{faults:?}");
    }

    #[test]
    fn a_good_fixture_has_no_fault() {
        assert_eq!(faults(GOOD), Vec::<String>::new());
        assert!(faults(&GOOD.replace("200 OK", "200")).is_empty());
    }

    #[test]
    fn each_planted_fault_is_found() {
        assert_fault(&GOOD.replace("# source", "# origin"), "source");
        assert_fault(
            &GOOD.replace("section 3.1 of the manual", "x\n#y"),
            "# key: value",
        );
        assert_fault(&format!("{GOOD}GET / HTTP/1.1\n"), "2 request heads");
        assert_fault(&GOOD.replace("POST /", "POST "), "0 request heads");
        assert_fault(&GOOD.replace("POST", "post"), "0 request heads");
        assert_fault(&format!("{GOOD}HTTP/1.1 404\n"), "2 answer heads");
        assert_fault(&GOOD.replace("1.1 200", "1.1 20"), "0 answer heads");
        assert_fault(&format!("{GOOD}content-length: 3\n"), "Content-Length");
        assert_fault(GOOD.trim_end(), "newline");
        assert_fault(&GOOD.replace('\n', "\r\n"), "LF");
        assert_fault(
            "# source: x\nHTTP/1.1 200\nGET / HTTP/1.1\n",
            "answer before",
        );
    }

    #[test]
    fn an_empty_source_is_no_source() {
        let text = GOOD.replace("section 3.1 of the manual", " ");
        assert!(faults(&text).iter().any(|fault| fault.contains("source")));
    }

    #[test]
    fn a_source_below_the_top_does_not_count() {
        assert_fault(&format!("\n{GOOD}"), "source");
    }

    #[test]
    fn paths_outside_the_format_are_unexpected() {
        assert_eq!(kind("README.md"), Kind::Readme);
        for operation in OPERATIONS {
            assert_eq!(kind(&format!("{operation}/a.http")), Kind::Fixture);
        }
        for path in [
            "refund/a.http",
            "a.http",
            "verify/a.json",
            "verify/.http",
            "verify/b/a.http",
            "verify/README.md",
        ] {
            assert!(matches!(kind(path), Kind::Unexpected(_)), "{path}");
        }
    }

    #[test]
    fn a_folder_is_inspected_whole() {
        let folder = std::env::temp_dir().join(format!("xtask-fixtures-{}", std::process::id()));
        assert_eq!(inspect(&folder).unwrap(), (0, Vec::new()));
        fs::create_dir_all(folder.join("verify")).unwrap();
        fs::write(folder.join("README.md"), "").unwrap();
        assert_eq!(inspect(&folder).unwrap(), (0, Vec::new()));
        fs::write(folder.join("verify/good.http"), GOOD).unwrap();
        fs::write(folder.join("verify/raw.http"), b"\xff").unwrap();
        fs::write(folder.join("stray.txt"), "").unwrap();
        let (count, findings) = inspect(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(count, 2);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].starts_with("fixtures/stray.txt: unexpected"));
        assert_eq!(findings[1], "fixtures/verify/raw.http: is not UTF-8");
    }

    #[test]
    fn usage_errors_name_what_exists() {
        for args in [&[][..], &["record"]] {
            let Err(Failure::Usage(message)) = command(args) else {
                panic!("{args:?} is not a usage error");
            };
            assert!(message.contains("there is `fixtures check`"));
        }
        assert!(matches!(command(&["check", "x"]), Err(Failure::Usage(_))));
    }
}
