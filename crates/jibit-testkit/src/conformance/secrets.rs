//! What nobody may show.
#![allow(clippy::missing_errors_doc, reason = "a case's error is its verdict")]

use super::{
    Kit,
    check::{BEARER, Checked, answered, ensure, post, post_briefly, words},
};
use crate::peer::{Peer, Reply};

const BODY: &str = r#"{"password":"h0rse"}"#;

/// `Debug` shows nothing of what was sent.
pub fn debug(kit: &Kit) -> Checked {
    let peer = Peer::plain(|_| Reply::ok(r#"{"token":"st4ple"}"#))?;
    let transport = kit.transport();
    answered(post(&*transport, &peer.url("/"), BODY)?)?;
    let shown = transport.debug();
    for secret in [BEARER, "s3cr3t", "h0rse", "st4ple"] {
        ensure!(!shown.contains(secret), "it shows {secret}");
    }
    Ok(())
}

/// Errors repeat nothing of what was sent or answered.
pub fn errors(kit: &Kit) -> Checked {
    let peer = Peer::plain(|arrived| match arrived.target().as_str() {
        "/head" => Reply::Close(b"HTTP/1.1 200 So\r\nst4ple st4ple\r\n\r\n".to_vec()),
        "/body" => Reply::Close(b"HTTP/1.1 200 So\r\nContent-Length: 99\r\n\r\nst4ple".to_vec()),
        "/length" => Reply::Close(b"HTTP/1.1 200 So\r\nContent-Length: st4ple\r\n\r\n".to_vec()),
        "/hang" => Reply::Hang(Vec::new()),
        _ => Reply::Close(b"HTTP/1.1 st4ple\r\n\r\n".to_vec()),
    })?;
    let transport = kit.transport();
    let mut lost = vec![
        post_briefly(&*transport, &peer.url("/hang"))?,
        post(&*transport, "http://gateway.invalid/", BODY)?,
    ];
    for target in ["/head", "/body", "/length", "/line"] {
        lost.push(post(&*transport, &peer.url(target), BODY)?);
    }
    for error in lost.iter().filter_map(|sent| sent.as_ref().err()) {
        let words = words(error).to_lowercase();
        for secret in [BEARER, "s3cr3t", "h0rse", "st4ple"] {
            ensure!(!words.contains(&secret.to_lowercase()), "it says {secret}");
        }
    }
    Ok(())
}
