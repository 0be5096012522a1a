//! From settings to a client.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header};
use jibit_checkout::AccountKey;
use jibit_hyper::{
    Certainty, Client, Config, FileTokens, HyperTransport, Roots, Secret, Transport,
    TransportBuilder, TransportError,
};
use jibit_proto::{BaseUrl, HttpHosts};

use crate::{args::Settings, report::Failure, secret};

/// Whether a command moves money.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moves {
    Money,
    Nothing,
}

/// What a command asks the gateway with.
pub(crate) struct Account {
    pub(crate) client: Client,
    left: Arc<AtomicBool>,
    skew: Arc<Mutex<Option<Skew>>>,
}

/// How far the gateway's clock is from this machine's, in milliseconds: what the last
/// answer's `Date`, which is cut to a second, leaves possible.
#[derive(Clone, Copy)]
pub(crate) struct Skew {
    pub(crate) least: i64,
    pub(crate) most: i64,
}

impl Skew {
    fn of(answer: &Response<Bytes>, sent: SystemTime) -> Option<Self> {
        let date = answer.headers().get(header::DATE)?.to_str().ok()?;
        let date = millis(httpdate::parse_http_date(date).ok()?);
        Some(Self {
            least: date - millis(SystemTime::now()),
            most: date + 1000 - millis(sent),
        })
    }
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 4)
}

impl Account {
    /// What the last answer's `Date` says, if one came with it.
    pub(crate) fn skew(&self) -> Option<Skew> {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What may have happened when a person stops the command: its own request
    /// is under way, or only a login.
    pub(crate) fn certainty(&self) -> Certainty {
        if self.left.load(SeqCst) {
            Certainty::Unknown
        } else {
            Certainty::NothingHappened
        }
    }
}

/// A transport that notes when something other than a login is sent, and what
/// time the gateway says it is.
struct Watched {
    transport: HyperTransport,
    left: Arc<AtomicBool>,
    skew: Arc<Mutex<Option<Skew>>>,
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if request.uri().path().contains("/order/") {
            self.left.store(true, SeqCst);
        }
        let sent = SystemTime::now();
        let answer = self.transport.send(request).await?;
        if let Some(skew) = Skew::of(&answer, sent) {
            *self.skew.lock().unwrap_or_else(PoisonError::into_inner) = Some(skew);
        }
        Ok(answer)
    }
}

/// The gateway at a URL that this option gave, if the command may talk to it.
pub(crate) fn gateway(
    url: &str,
    option: &str,
    settings: &Settings,
    moves: Moves,
) -> Result<BaseUrl, Failure> {
    let hosts = allowed(settings).fold(HttpHosts::loopback(), HttpHosts::allow);
    let base =
        BaseUrl::new(url, &hosts).map_err(|invalid| Failure::configuration(invalid.to_string()))?;
    if moves == Moves::Money && !base.is_loopback() && !settings.live {
        return Err(Failure::configuration(format!(
            "this moves money at {}; say so with --live or JIBIT_LIVE=1, or try it at a sandbox \
             (jibit sandbox, then {option} http://127.0.0.1:8090)",
            base.origin()
        )));
    }
    Ok(base)
}

pub(crate) fn allowed(settings: &Settings) -> impl Iterator<Item = &str> {
    settings.allow_http.iter().map(|host| host.trim())
}

/// A transport for that gateway.
pub(crate) fn transport(base: &BaseUrl) -> TransportBuilder {
    transport_to(base.origin())
}

/// A transport for whoever is at this URL.
pub(crate) fn transport_to(url: &str) -> TransportBuilder {
    let transport = HyperTransport::builder();
    // A machine without authorities can still reach a host without TLS.
    if url.starts_with("http:") {
        transport.roots(Roots::none())
    } else {
        transport
    }
}

/// Whose orders the settings speak of. It takes no password.
pub(crate) fn key(settings: &Settings) -> Result<AccountKey, Failure> {
    let base = gateway(&settings.base_url, "--base-url", settings, Moves::Nothing)?;
    Ok(AccountKey::new(username(settings)?, base.origin()))
}

fn username(settings: &Settings) -> Result<&str, Failure> {
    settings.username.as_deref().ok_or_else(|| {
        Failure::configuration("username is missing; give --username or JIBIT_USERNAME")
    })
}

/// A client for the account that the settings name.
pub(crate) fn open(settings: &Settings, moves: Moves) -> Result<Account, Failure> {
    let base = gateway(&settings.base_url, "--base-url", settings, moves)?;
    let username = username(settings)?;
    let mut config = Config::new(&settings.base_url, username, password(settings)?)
        .attempt_timeout(settings.timeout)
        .deadline(settings.deadline);
    for host in allowed(settings) {
        config = config.allow_http(host);
    }
    let left = Arc::new(AtomicBool::new(false));
    let skew = Arc::<Mutex<Option<Skew>>>::default();
    let watched = Watched {
        transport: transport(&base).build()?,
        left: left.clone(),
        skew: skew.clone(),
    };
    let client = jibit_hyper::client_with(config, watched)?;
    if let Some(folder) = (!settings.no_token_cache).then(state_folder).flatten() {
        client.share_tokens(FileTokens::new(folder));
    }
    Ok(Account { client, left, skew })
}

fn password(settings: &Settings) -> Result<Secret, Failure> {
    if let Some(password) = secret::read(&secret::PASSWORD, settings.password_file.as_deref())? {
        return Ok(password);
    }
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        let password = rpassword::prompt_password("Password: ")
            .map_err(|error| Failure::configuration(format!("password cannot be read: {error}")))?;
        return Ok(Secret::new(password));
    }
    Err(Failure::configuration(
        "password is missing; set JIBIT_PASSWORD or JIBIT_PASSWORD_FILE, or give --password-file",
    ))
}

/// Where the system has programs keep what they can do without; nowhere if it
/// names no such place.
fn state_folder() -> Option<PathBuf> {
    let state = secret::variable("XDG_STATE_HOME").map(PathBuf::from);
    let home = || secret::variable("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    // A relative one is to be passed over, says the specification of the former.
    let folder = state.filter(|folder| folder.is_absolute()).or_else(home)?;
    Some(folder.join("jibit"))
}
