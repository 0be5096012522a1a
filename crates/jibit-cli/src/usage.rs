//! What is wrong with a command line, said without repeating what is private.

use std::ffi::OsString;

use jibit_hyper::Mobile;

use crate::report::Failure;

/// Whether the answer has to be JSON, on a line that may not parse.
pub(crate) fn wants_json(arguments: &[OsString]) -> bool {
    options(arguments).any(|argument: &str| argument == "--json" || argument.starts_with("--json="))
}

/// A password on the command line is in every process list and shell history.
pub(crate) fn password_argument(arguments: &[OsString]) -> Option<Failure> {
    let is_password =
        |argument: &str| argument == "--password" || argument.starts_with("--password=");
    if options(arguments).any(is_password) {
        return Some(Failure::usage(
            "password is never an argument, where every process list shows it; set JIBIT_PASSWORD or \
             JIBIT_PASSWORD_FILE, or give --password-file",
        ));
    }
    options(arguments).any(holds_password).then(|| {
        Failure::usage(
            "an address with a password is never an argument, where every process list shows it; set \
             JIBIT_STORE or JIBIT_STORE_FILE, or give --store-file",
        )
    })
}

/// Whether it is a database's address, or the value of an option that is, with a
/// password in it: `postgres://name:password@host`, or `password=` as a parameter.
fn holds_password(argument: &str) -> bool {
    let Some(begin) = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| Some(argument.find(scheme)? + scheme.len()))
    else {
        return argument.starts_with("--store") && argument.contains("password=");
    };
    let rest = argument.get(begin..).unwrap_or_default();
    // A password may hold anything, so everything up to the last @ may be one.
    let user = rest.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':')) || rest.contains("password=")
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

    #[test]
    fn an_address_with_a_password_is_no_argument() {
        for address in [
            "postgres://shop:hunter2@db/shop",
            "postgresql://shop:hun@ter/2@db/shop",
            "--store=postgres://shop:hunter2@db",
            "postgres://db/shop?user=shop&password=hunter2",
            "postgres://shop:@db",
            "--store=host=db password=hunter2",
        ] {
            assert!(holds_password(address), "{address}");
        }
        for address in [
            "postgres://shop@db:5432/shop",
            "postgres:///shop?host=/run/postgresql",
            "--store=shop.sqlite3",
            "order-17",
            "password=mine",
        ] {
            assert!(!holds_password(address), "{address}");
        }
    }
}
