//! HTTP/2 by ALPN.
#![allow(clippy::missing_errors_doc, reason = "a case's error is its verdict")]

use std::thread;

use super::{
    Failed, Kit,
    check::{Checked, answered, at_most_once, ensure, get, must_be_unknown, post},
};
use crate::peer::{Identity, http2::Server};

fn server() -> Result<(Identity, Server), Failed> {
    let identity = Identity::new("127.0.0.1")?;
    let server = Server::start(&identity)?;
    Ok((identity, server))
}

/// HTTP/2 is spoken where it is offered.
pub fn spoken(kit: &Kit) -> Checked {
    let (identity, server) = server()?;
    let transport = kit.trusting(&identity);
    answered(get(&*transport, &server.url("/"))?)?;
    let version = server.versions().pop();
    ensure!(
        version == Some(http::Version::HTTP_2),
        "{version:?} was spoken"
    );
    Ok(())
}

/// Fifty requests at once over HTTP/2 get their own answers.
pub fn fifty(kit: &Kit) -> Checked {
    let (identity, server) = server()?;
    let transport = kit.trusting(&identity);
    thread::scope(|scope| {
        let sends = (0..50).map(|n| {
            let (transport, target) = (&*transport, format!("/{n}"));
            let url = server.url(&target);
            scope.spawn(move || -> Checked {
                let answer = answered(post(transport, &url, "x")?)?;
                ensure!(
                    answer.body() == target.as_bytes(),
                    "one got another's answer"
                );
                Ok(())
            })
        });
        let sends = sends.collect::<Vec<_>>();
        sends.into_iter().try_for_each(|send| {
            send.join()
                .unwrap_or_else(|_| Err(Failed::new("it panics")))
        })
    })
}

/// A body over HTTP/2 that is too long is unknown.
pub fn too_long(kit: &Kit) -> Checked {
    let (identity, server) = server()?;
    let transport = kit.trusting(&identity);
    must_be_unknown(&post(&*transport, &server.url("/long"), "x")?)?;
    answered(get(&*transport, &server.url("/"))?)?;
    Ok(())
}

/// A POST that meets the end of an HTTP/2 connection arrives at most once.
pub fn closing(kit: &Kit) -> Checked {
    let (identity, server) = server()?;
    let transport = kit.trusting(&identity);
    let mut all = Vec::new();
    for n in 0..30 {
        // This one may meet the end of the connection before.
        let _ = get(&*transport, &server.url("/close"))?;
        let target = format!("/post/{n}");
        all.push((post(&*transport, &server.url(&target), "x")?, target));
    }
    // The same, when the request is taken and then reset: on a connection that
    // nobody closes, so that none of these can be `not_sent`.
    drop(transport);
    let transport = kit.trusting(&identity);
    for n in 0..5 {
        let target = format!("/reset/{n}");
        let sent = post(&*transport, &server.url(&target), "x")?;
        must_be_unknown(&sent)?;
        all.push((sent, target));
    }
    // Nothing can arrive late: every connection is over.
    drop(transport);
    server.wait_until_closed();
    for (sent, target) in all {
        at_most_once(&sent, server.deliveries(&target))?;
    }
    Ok(())
}
