//! `jibit capture`: passes a shop's requests on to a gateway, and writes what
//! was said as fixtures that give nobody away.

mod files;
mod operation;
mod proxy;
mod recorder;
mod redact;

use std::{sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use crate::{
    account::{self, Moves},
    args::{Capture, Settings},
    interrupt, print_line,
    report::{Failure, Report, to_json},
};
use files::Files;
use proxy::Proxy;
use recorder::{Recorder, Summary};

/// How many connections may be open at once.
const MAX_CONNECTIONS: u32 = 128;

/// How long a connection may be idle or take for a request's head: longer than
/// the client keeps one, so that it is never closed under a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the end may take without a word about it.
const SOON: Duration = Duration::from_millis(500);

const MAX_HEADERS: usize = 64;
const MAX_HEAD: usize = 16 * 1024;

#[derive(Serialize)]
struct Listening<'a> {
    listening: &'a str,
    upstream: &'a str,
    into: &'a str,
}

/// Runs until the process is told to end.
pub(crate) async fn run(args: &Capture, settings: &Settings) -> Result<Option<Report>, Failure> {
    let upstream = account::gateway(&args.upstream, "--upstream", settings, Moves::Money)?;
    if !args.listen.ip().is_loopback() {
        return Err(Failure::configuration(format!(
            "listen: {} is not this machine alone; passwords pass here in clear, so give an address \
             such as 127.0.0.1:8091",
            args.listen
        )));
    }
    if upstream.is_exposed() {
        tracing::warn!("plain http: whoever listens on the way reads passwords and tokens");
    }
    let transport = account::transport(&upstream)
        .max_body(proxy::MAX_BODY)
        .build()?;
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        Failure::configuration(format!("listen: {} cannot be used: {error}", args.listen))
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);
    let url = format!("http://{address}");
    let own_port = format!(":{}", address.port());
    if upstream.is_loopback() && upstream.origin().ends_with(&own_port) {
        return Err(Failure::configuration(
            "upstream: this is where the proxy itself listens; give the gateway's URL",
        ));
    }
    let into = args.into.display().to_string();
    let files = Files::open(&args.into)
        .map_err(|error| Failure::configuration(format!("into: {into} cannot be used: {error}")))?;
    let host = upstream.origin().rsplit('/').next().unwrap_or_default();
    let source = format!("captured from {host} by jibit capture");
    let (recorder, recording) = Recorder::start(files, source, settings.json);
    let upstream_url = upstream.to_string();
    let proxy = Arc::new(Proxy {
        upstream,
        transport,
        patience: settings.deadline,
        recorder,
    });
    print_line(&if settings.json {
        to_json(&Listening {
            listening: &url,
            upstream: &upstream_url,
            into: &into,
        })
    } else {
        format!("listening on {url}\npassing to {upstream_url}\nwriting to {into}")
    });
    serve(listener, &proxy).await;
    proxy.recorder.end();
    let summary = recording.join().unwrap_or_default();
    Ok(Some(Report::new(&summary, told(summary))))
}

fn told(summary: Summary) -> String {
    let Summary {
        exchanges,
        files,
        unanswered,
    } = summary;
    format!("exchanges: {exchanges}, without an answer: {unanswered}, files written: {files}")
}

/// Takes connections until somebody wants to end, and then lets what is under
/// way come to its end, unless somebody wants to end twice.
async fn serve(listener: TcpListener, proxy: &Arc<Proxy>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let (ending, ends) = watch::channel(());
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            tokio::spawn(connection(stream, Arc::clone(proxy), place, ends.clone()));
        }
    };
    tokio::select! {
        () = accepting => {}
        () = interrupt::pressed() => {}
    }
    drop(listener);
    drop(ending);
    let all = || room.acquire_many(MAX_CONNECTIONS);
    if tokio::time::timeout(SOON, all()).await.is_ok() {
        return;
    }
    anstream::eprintln!("waiting for requests that are under way; Ctrl-C ends at once");
    tokio::select! {
        _ = all() => {}
        () = interrupt::pressed() => {}
        () = tokio::time::sleep(proxy.patience) => {}
    }
    let left = MAX_CONNECTIONS as usize - room.available_permits();
    if left > 0 {
        recorder::loud(&format!(
            "requests without an answer yet: {left}; the gateway may have acted on them"
        ));
    }
}

async fn connection(
    stream: TcpStream,
    proxy: Arc<Proxy>,
    place: OwnedSemaphorePermit,
    mut ends: watch::Receiver<()>,
) {
    // An exchange holds the place too, since it may outlast its connection.
    let place = Arc::new(place);
    let service = service_fn(|request| Arc::clone(&proxy).answer(request, Arc::clone(&place)));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    // A shop that goes away is no failure of the proxy's.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = ends.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}
