//! `cargo xtask openapi`: an independent fuzzer reads the OpenAPI documents of the
//! sandbox and of the agent, and holds every operation against them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
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

/// The agent's orders, over a sandbox, and what else it answers. A query of a callback
/// is refused that the schema cannot know to be a stranger's.
const AGENT: [&str; 4] = [
    "--phases",
    "examples,coverage,fuzzing,stateful",
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

/// Fuzzes both, or says that it cannot on this machine.
pub(crate) fn run(seed: &str) -> Result<(), String> {
    if !shell::is_there(FUZZER) {
        return shell::skip("the API fuzzer", FUZZER, REMEDY);
    }
    shell::run("cargo", &["build", "--locked", "-p", "jibit-cli"])?;
    for (operations, examples) in [(&PAYMENTS[..], "100"), (&CONTROLS[..], "50")] {
        let sandbox = Server::sandbox()?;
        let document = format!("http://{}/_sandbox/openapi.json", sandbox.address);
        fuzz(&document, &sandbox.log_in()?, seed, examples, operations)?;
    }
    let sandbox = Server::sandbox()?;
    let agent = Server::agent(&sandbox)?;
    let document = format!("http://{}/openapi.json", agent.address);
    fuzz(&document, AGENT_TOKEN, seed, "100", &AGENT)
}

fn fuzz(
    document: &str,
    token: &str,
    seed: &str,
    examples: &str,
    operations: &[&str],
) -> Result<(), String> {
    // No secret: whom it is for ends with the command.
    let bearer = format!("Authorization: Bearer {token}");
    let mut args = vec!["run", document, "--header", &bearer, "--seed", seed];
    args.extend(["--max-examples", examples, "--checks", "all"]);
    args.extend(["--generation-database", "none"]);
    args.extend(operations);
    shell::run(FUZZER, &args)
}

/// What the agent is asked with.
const AGENT_TOKEN: &str = "a-token-of-this-run";

/// A sandbox or an agent of its own, as a user starts one.
struct Server {
    process: Child,
    address: String,
    /// Open as long as it runs, since it may write to it.
    _output: BufReader<ChildStdout>,
    /// Where an agent's orders are.
    folder: Option<PathBuf>,
}

impl Server {
    fn sandbox() -> Result<Self, String> {
        Self::start(&["sandbox"], &[], None)
    }

    fn agent(sandbox: &Self) -> Result<Self, String> {
        let folder = shell::root()?.join("target/tmp/openapi-agent");
        // One that was left by a run that was cut short.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let gateway = format!("http://{}", sandbox.address);
        let variables = [
            ("JIBIT_BASE_URL", &*gateway),
            ("JIBIT_USERNAME", "7746"),
            ("JIBIT_PASSWORD", "123456"),
            ("JIBIT_AGENT_TOKEN", AGENT_TOKEN),
            ("JIBIT_CALLBACK_URL", "https://shop.example/paid"),
        ];
        Self::start(&["agent", "--no-token-cache"], &variables, Some(folder))
    }

    fn start(
        command: &[&str],
        variables: &[(&str, &str)],
        folder: Option<PathBuf>,
    ) -> Result<Self, String> {
        let program = shell::root()?.join("target/debug/jibit");
        let name = command.first().copied().unwrap_or_default();
        let mut process = Command::new(program);
        process
            .args(command)
            .args(["--listen", "127.0.0.1:0", "--json"])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped());
        if let Some(folder) = &folder {
            process.current_dir(folder);
        }
        let mut process = process
            .spawn()
            .map_err(|error| format!("cannot start `jibit {name}`: {error}"))?;
        let output = process.stdout.take().ok_or("a server is mute")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        (output.read_line(&mut line)).map_err(|error| error.to_string())?;
        // From here on it ends with whatever ends this.
        let mut server = Self {
            process,
            address: String::new(),
            _output: output,
            folder,
        };
        let listening: Value = serde_json::from_str(&line)
            .map_err(|error| format!("`jibit {name}` says {line:?}: {error}"))?;
        let url = listening.get("listening").and_then(Value::as_str);
        let address = url.and_then(|url| url.strip_prefix("http://"));
        address
            .ok_or_else(|| format!("`jibit {name}` does not say where it listens"))?
            .clone_into(&mut server.address);
        Ok(server)
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

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
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
