//! What is sent arrives.
#![allow(clippy::missing_errors_doc, reason = "a case's error is its verdict")]

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use super::{
    Failed, Kit,
    check::{Checked, LONG, answered, ensure, get, must_be_not_sent, post, request},
};
use crate::peer::{Arrived, Peer, Reply, answer_with};

fn peer() -> Result<Peer, Failed> {
    Ok(Peer::plain(|_| Reply::ok("{}"))?)
}

/// The method arrives as it is.
pub fn method(kit: &Kit) -> Checked {
    let peer = peer()?;
    let transport = kit.transport();
    for method in ["GET", "POST", "PUT"] {
        let request = request(method, &peer.url(&format!("/{method}")), "")?;
        answered(transport.send(request, LONG))?;
    }
    for arrived in peer.requests() {
        let (method, target) = (arrived.method(), arrived.target());
        ensure!(target == format!("/{method}"), "{target} came by {method}");
    }
    Ok(())
}

/// Path and query arrive byte for byte.
pub fn target(kit: &Kit) -> Checked {
    let peer = peer()?;
    let target = "/a%20b/c//d;e=1/~'%D9%BE?f=g%2Fh&&i=+%00&j=%d9";
    answered(get(&*kit.transport(), &peer.url(target))?)?;
    let arrived = peer.requests().first().map(Arrived::target);
    ensure!(arrived.as_deref() == Some(target), "{arrived:?} arrived");
    Ok(())
}

/// Dots in a path arrive as they are, or nothing is sent.
pub fn dots(kit: &Kit) -> Checked {
    let peer = peer()?;
    let target = "/a/%2e%2E/b";
    let sent = get(&*kit.transport(), &peer.url(target))?;
    let arrived = peer.requests().first().map(Arrived::target);
    match &arrived {
        Some(arrived) => ensure!(arrived == target, "{arrived} arrived"),
        None => must_be_not_sent(&sent)?,
    }
    Ok(())
}

/// Every header arrives, with every byte of its value.
pub fn headers(kit: &Kit) -> Checked {
    let peer = peer()?;
    let mut request = request("POST", &peer.url("/"), "x")?;
    let bytes = (b'!'..=b'~').chain(0x80..=0xff).collect::<Vec<_>>();
    let bytes = HeaderValue::from_bytes(&bytes).map_err(http::Error::from)?;
    let headers = request.headers_mut();
    headers.insert(HeaderName::from_static("x-every-byte"), bytes);
    headers.append("x-twice", HeaderValue::from_static("a, b"));
    headers.append("x-twice", HeaderValue::from_static("c"));
    headers.insert("x-empty", HeaderValue::from_static(""));
    let sent = headers.clone();
    answered(kit.transport().send(request, LONG))?;
    let requests = peer.requests();
    let arrived = requests
        .first()
        .ok_or_else(|| Failed::new("nothing arrived"))?;
    for name in sent.keys() {
        let values = sent
            .get_all(name)
            .iter()
            .map(|value| value.as_bytes().to_vec());
        let (sent, came) = (values.collect::<Vec<_>>(), arrived.values(name.as_str()));
        ensure!(
            sent == came,
            "{name} came {} times, or otherwise",
            came.len()
        );
    }
    Ok(())
}

/// The body arrives byte for byte.
pub fn body(kit: &Kit) -> Checked {
    let peer = peer()?;
    let body = (0..=255).collect::<Vec<u8>>().repeat(64);
    let request = request("POST", &peer.url("/"), Bytes::from(body.clone()))?;
    answered(kit.transport().send(request, LONG))?;
    let arrived = peer.requests().pop().map(|arrived| arrived.body);
    ensure!(arrived == Some(body), "another body arrived");
    Ok(())
}

/// A POST without a body says that it has none.
pub fn empty_body(kit: &Kit) -> Checked {
    let peer = peer()?;
    let request = request("POST", &peer.url("/"), "")?;
    answered(kit.transport().send(request, LONG))?;
    let lengths = peer
        .requests()
        .pop()
        .map(|arrived| arrived.values("content-length"));
    ensure!(
        lengths == Some(vec![b"0".to_vec()]),
        "the lengths that it states are {lengths:?}"
    );
    Ok(())
}

/// No content encoding is asked for.
pub fn no_encoding(kit: &Kit) -> Checked {
    let peer = peer()?;
    answered(post(&*kit.transport(), &peer.url("/"), "x")?)?;
    for arrived in peer.requests() {
        for asked in arrived.values("accept-encoding") {
            let asked = String::from_utf8_lossy(&asked).into_owned();
            ensure!(
                asked.is_empty() || asked == "identity",
                "it asks for {asked}"
            );
        }
    }
    Ok(())
}

/// Cookies are neither kept nor sent.
pub fn no_cookies(kit: &Kit) -> Checked {
    let peer = Peer::plain(|_| Reply::Keep(answer_with(200, "Set-Cookie: a=b; Path=/\r\n", "{}")))?;
    let transport = kit.transport();
    for _ in 0..2 {
        answered(post(&*transport, &peer.url("/"), "x")?)?;
    }
    let cookies = peer
        .requests()
        .iter()
        .map(|arrived| arrived.values("cookie").len())
        .sum::<usize>();
    ensure!(cookies == 0, "a cookie came back");
    Ok(())
}
