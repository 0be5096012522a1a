//! What is wrong with a command line, said without repeating what is private.

use std::ffi::OsString;

use jibit_hyper::Mobile;

use crate::report::Failure;

/// Whether the answer has to be JSON, on a line that may not parse.
pub(crate) fn wants_json(arguments: &[OsString]) -> bool {
    options(arguments).any(|argument| argument == "--json" || argument.starts_with("--json="))
}

/// A password on the command line is in every process list and shell history.
pub(crate) fn password_argument(arguments: &[OsString]) -> Option<Failure> {
    options(arguments)
        .any(|argument| argument == "--password" || argument.starts_with("--password="))
        .then(|| {
            Failure::usage(
                "password is never an argument, where every process list shows it; set JIBIT_PASSWORD or \
                 JIBIT_PASSWORD_FILE, or give --password-file",
            )
        })
}

/// The parser's own text, with what could be a mobile number masked.
pub(crate) fn failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    Failure::usage(Mobile::mask_in(text.trim_end()))
}

fn options(arguments: &[OsString]) -> impl Iterator<Item = &str> {
    (arguments.iter().skip(1))
        .take_while(|argument| *argument != "--")
        .filter_map(|argument| argument.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_after_two_dashes_is_a_value() {
        let line = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(wants_json(&line(&["jibit", "--json", "nonsense"])));
        assert!(!wants_json(&line(&["jibit", "inquiry", "--", "--json"])));
        assert!(password_argument(&line(&["jibit", "--password=x"])).is_some());
        assert!(password_argument(&line(&["jibit", "--password-file", "x"])).is_none());
    }
}
