//! Secrets, which come from files and variables and never from arguments.

use std::{env, ffi::OsString, fs, path::Path};

use jibit_hyper::Secret;

use crate::report::Failure;

/// The names by which a secret is given.
pub(crate) struct Names {
    file_argument: &'static str,
    variable: &'static str,
    file_variable: &'static str,
}

pub(crate) const PASSWORD: Names = Names {
    file_argument: "--password-file",
    variable: "JIBIT_PASSWORD",
    file_variable: "JIBIT_PASSWORD_FILE",
};

/// What a sandbox's controls ask for, if it has one.
pub(crate) const CONTROL_TOKEN: Names = Names {
    file_argument: "--control-token-file",
    variable: "JIBIT_CONTROL_TOKEN",
    file_variable: "JIBIT_CONTROL_TOKEN_FILE",
};

/// What callers of an agent send.
pub(crate) const AGENT_TOKEN: Names = Names {
    file_argument: "--token-file",
    variable: "JIBIT_AGENT_TOKEN",
    file_variable: "JIBIT_AGENT_TOKEN_FILE",
};

/// What an agent signs webhooks with.
pub(crate) const WEBHOOK: Names = Names {
    file_argument: "--webhook-secret-file",
    variable: "JIBIT_WEBHOOK_SECRET",
    file_variable: "JIBIT_WEBHOOK_SECRET_FILE",
};

/// Where a shop's orders are; it may hold a password.
pub(crate) const STORE: Names = Names {
    file_argument: "--store-file",
    variable: "JIBIT_STORE",
    file_variable: "JIBIT_STORE_FILE",
};

/// The secret, from the file that an argument names or by a variable.
pub(crate) fn read(names: &Names, file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    if let Some(file) = file {
        return in_file(file, names.file_argument).map(Some);
    }
    if let Some(secret) = variable(names.variable) {
        let name = names.variable;
        let secret = secret
            .into_string()
            .map_err(|_| Failure::configuration(format!("{name} is not UTF-8; set it anew")))?;
        return Ok(Some(Secret::new(secret)));
    }
    let file = variable(names.file_variable);
    file.map(|file| in_file(Path::new(&file), names.file_variable))
        .transpose()
}

/// An empty variable is as good as none.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn in_file(file: &Path, setting: &str) -> Result<Secret, Failure> {
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::configuration(format!(
            "{setting}: {} cannot be read: {error}",
            file.display()
        ))
    })?;
    // Editors end a file with a line break that is no part of the secret.
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        let file = file.display();
        return Err(Failure::configuration(format!(
            "{setting}: {file} is empty"
        )));
    }
    Ok(Secret::new(text))
}
