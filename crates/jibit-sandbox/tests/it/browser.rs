//! A real browser, if this machine has one.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// For what a busy machine may take long over, yet never takes for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with a profile of its own. It ends, with all its processes, when it
/// is dropped, also by a failed test.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Driver,
}

struct Driver {
    process: Child,
    profile: PathBuf,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver's browser is in its group.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

impl Browser {
    /// Starts one. Nothing if the machine has none, unless `JIBIT_NO_SKIP` is
    /// set: then that is a failure.
    pub(crate) async fn start(name: &str) -> Option<Self> {
        Self::start_with(name, &json!({})).await
    }

    pub(crate) async fn without_scripts(name: &str) -> Option<Self> {
        let off = json!({"profile.managed_default_content_settings.javascript": 2});
        Self::start_with(name, &off).await
    }

    async fn start_with(name: &str, preferences: &Value) -> Option<Self> {
        let Some(chromium) = find("chromium") else {
            return skip();
        };
        let Some(chromedriver) = find("chromedriver") else {
            return skip();
        };
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("browser-{}-{name}", std::process::id()));
        let mut process = Command::new(chromedriver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let driver = Driver {
            process,
            profile: profile.clone(),
        };
        let started = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--hide-scrollbars",
            "--window-size=480,1000",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let options = json!({"binary": chromium, "args": arguments, "prefs": preferences});
        let capabilities = json!({"goog:chromeOptions": options});
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{}", started.unwrap()))
            .await
            .unwrap();
        Some(Self { client, driver })
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The element, once it is there. A page that is being left answers with
    /// errors of every kind; the next try meets the next page.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let begun = Instant::now();
        loop {
            match self.client.find(Locator::Css(selector)).await {
                Ok(element) => return element,
                Err(error) if begun.elapsed() > PATIENCE => panic!("no {selector}: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    pub(crate) async fn text(&self, selector: &str) -> String {
        loop {
            if let Ok(text) = self.find(selector).await.text().await {
                return text;
            }
        }
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    pub(crate) async fn has(&self, selector: &str) -> bool {
        let found = self.client.find_all(Locator::Css(selector)).await;
        !found.unwrap().is_empty()
    }

    /// Keeps a picture for people to look at.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        fs::create_dir_all(&folder).unwrap();
        let picture = self.client.screenshot().await.unwrap();
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
        drop(self.driver);
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let mut places = env::split_paths(&folders).map(|folder| folder.join(program));
    places.find(|place| place.is_file())
}

fn skip() -> Option<Browser> {
    assert!(
        env::var_os("JIBIT_NO_SKIP").is_none(),
        "there is no chromium with chromedriver, and no test may be skipped"
    );
    eprintln!("skipped: there is no chromium with chromedriver");
    None
}
