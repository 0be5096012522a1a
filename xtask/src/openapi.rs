//! `cargo xtask openapi`: an independent fuzzer reads the sandbox's OpenAPI
//! document and holds every operation against it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::shell::{self, Failure};

/// The fuzzer, and how to get it.
const FUZZER: &str = "schemathesis";
const REMEDY: &str = "pip install schemathesis==4.32.5";

/// Shops and their orders: links lead from one operation to the next.
const PAYMENTS: [&str; 4] = [
    "--include-path-regex",
    "^/(authenticate|order|_sandbox/orders)",
    "--phases",
    "examples,coverage,fuzzing,stateful",
];

/// The other controls, but for a stream without an end, which has tests of its
/// own. They may refuse what no schema rules out: a text that is no plan of faults.
const CONTROLS: [&str; 6] = [
    "--exclude-path-regex",
    "^/(authenticate|order|_sandbox/(orders|events))",
    "--phases",
    "examples,coverage,fuzzing",
    "--exclude-checks",
    "positive_data_acceptance",
];

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let seed = match args {
        [] => "1",
        ["--seed", seed] if seed.parse::<u32>().is_ok() => seed,
        _ => {
            return Err(Failure::Usage(
                "`openapi` takes no argument but `--seed NUMBER`".to_owned(),
            ));
        }
    };
    Ok(run(seed)?)
}

/// Fuzzes the sandbox, or says that it cannot on this machine.
pub(crate) fn run(seed: &str) -> Result<(), String> {
    if !shell::is_there(FUZZER) {
        return shell::skip("the API fuzzer", FUZZER, REMEDY);
    }
    shell::run("cargo", &["build", "--locked", "-p", "jibit-cli"])?;
    for (operations, examples) in [(&PAYMENTS[..], "100"), (&CONTROLS[..], "50")] {
        let sandbox = Sandbox::start()?;
        // No secret: this sandbox ends with the command.
        let bearer = format!("Authorization: Bearer {}", sandbox.log_in()?);
        let document = format!("http://{}/_sandbox/openapi.json", sandbox.address);
        let mut args = vec!["run", &document, "--header", &bearer, "--seed", seed];
        args.extend(["--max-examples", examples, "--checks", "all"]);
        args.extend(["--generation-database", "none"]);
        args.extend(operations);
        shell::run(FUZZER, &args)?;
    }
    Ok(())
}

/// A sandbox of its own, as a user starts one.
struct Sandbox {
    process: Child,
    address: String,
    /// Open as long as the sandbox runs, which may write to it.
    _output: BufReader<ChildStdout>,
}

impl Sandbox {
    fn start() -> Result<Self, String> {
        let program = shell::root()?.join("target/debug/jibit");
        let mut process = Command::new(program)
            .args(["sandbox", "--listen", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start `jibit sandbox`: {error}"))?;
        let output = process.stdout.take().ok_or("`jibit sandbox` is mute")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        (output.read_line(&mut line)).map_err(|error| error.to_string())?;
        // From here on it ends with whatever ends this.
        let mut sandbox = Self {
            process,
            address: String::new(),
            _output: output,
        };
        let listening: Value = serde_json::from_str(&line)
            .map_err(|error| format!("`jibit sandbox` says {line:?}: {error}"))?;
        let url = listening.get("listening").and_then(Value::as_str);
        let address = url.and_then(|url| url.strip_prefix("http://"));
        address
            .ok_or("`jibit sandbox` does not say where it listens")?
            .clone_into(&mut sandbox.address);
        Ok(sandbox)
    }

    /// A token of the merchant that every sandbox has.
    fn log_in(&self) -> Result<String, String> {
        const LOGIN: &str = r#"{"username":"7746","password":"123456"}"#;
        let request = format!(
            "POST /authenticate HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{LOGIN}",
            self.address,
            LOGIN.len()
        );
        let mut answer = String::new();
        TcpStream::connect(&self.address)
            .and_then(|mut stream| {
                stream.write_all(request.as_bytes())?;
                stream.read_to_string(&mut answer)
            })
            .map_err(|error| format!("the sandbox cannot be reached: {error}"))?;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let token = body.pointer("/result/token").and_then(Value::as_str);
        Ok(token.ok_or("the sandbox gives no token")?.to_owned())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_arguments_are_usage_errors() {
        for args in [&["--seed"][..], &["--seed", "x"], &["all"]] {
            assert!(matches!(command(args), Err(Failure::Usage(_))));
        }
    }
}
