//! A gateway that costs next to nothing: it answers every order as paid, and remembers
//! none. An order's id is its merchantOrderId.

use std::{
    convert::Infallible,
    io,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use crate::{Outcome, requests::TOKEN, runtime, said};

/// How many connections there were so far; `GET /connections` tells.
static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);

#[derive(Args)]
pub(crate) struct Gateway {
    /// Speak TLS, and leave the certificate to trust in this file.
    #[arg(long)]
    certificate: Option<PathBuf>,
}

impl Gateway {
    pub(crate) fn run(&self) -> Outcome<()> {
        let tls = self.certificate.as_ref().map(certified).transpose()?;
        let listened = runtime()?.block_on(listen(tls));
        listened.map_err(|error| format!("the gateway cannot listen: {error}"))
    }
}

/// TLS with a certificate of its own for this machine.
fn certified(file: &PathBuf) -> Outcome<TlsAcceptor> {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).map_err(said)?;
    std::fs::write(file, own.cert.pem()).map_err(said)?;
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(said)?
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .map_err(said)?;
    Ok(Arc::new(config).into())
}

async fn listen(tls: Option<TlsAcceptor>) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let _ = stream.set_nodelay(true);
        let tls = tls.clone();
        tokio::spawn(async move {
            match tls {
                None => serve(stream).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
    // An error here is a client that went away.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Order<'a> {
        merchant_order_id: &'a str,
    }

    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let said = if path == "/connections" {
        CONNECTIONS.load(Ordering::Relaxed).to_string()
    } else if head.method == Method::GET {
        let order = path.strip_prefix("/order/inquiry/").unwrap_or_default();
        format!("{{\"statusV\":\"PURCHASE_BY_USER\",{}}}", payment(order))
    } else if let Some(order) = path.strip_prefix("/order/verify/") {
        success(&payment(order))
    } else {
        let body = body.collect().await.map(|body| body.to_bytes());
        let body = body.unwrap_or_default();
        match serde_json::from_slice::<Order<'_>>(&body) {
            Ok(Order { merchant_order_id }) => success(&format!(
                "\"orderId\":\"{merchant_order_id}\",\"merchantOrderId\":\"{merchant_order_id}\",\
                 \"redirectUrl\":\"https://pg.jibit.mobi/order/{merchant_order_id}\""
            )),
            Err(_) => success(&format!(
                "\"token\":\"{TOKEN}\",\"refreshToken\":\"{TOKEN}\""
            )),
        }
    };
    Response::new(Full::new(said.into()))
}

fn success(result: &str) -> String {
    format!("{{\"errorCode\":0,\"result\":{{{result}}}}}")
}

fn payment(order: &str) -> String {
    format!(
        "\"merchantOrderId\":\"{order}\",\"amount\":125000,\"refId\":\"775743540\",\
         \"userIdentity\":\"09121234567\",\"clientIp\":\"37.32.127.129\""
    )
}
