//! TLS verifies, and what it refuses was not sent.
#![allow(clippy::missing_errors_doc, reason = "a case's error is its verdict")]

use super::{
    Failed, Kit,
    check::{Checked, answered, ensure, get, must_be_not_sent, post},
};
use crate::peer::{Identity, Peer, Reply};

const HERE: &str = "127.0.0.1";

/// TLS is spoken with a gateway whose certificate is trusted.
pub fn own_root(kit: &Kit) -> Checked {
    let identity = Identity::new(HERE)?;
    let peer = Peer::tls(&identity, |_| Reply::ok("hello"))?;
    let transport = kit.trusting(&identity);
    for sent in [
        get(&*transport, &peer.url("/"))?,
        post(&*transport, &peer.url("/"), "x")?,
    ] {
        ensure!(answered(sent)?.body() == "hello", "another body came");
    }
    Ok(())
}

/// Checks that a transport which trusts `trusted` sends nothing to `identity`.
fn refuses(kit: &Kit, trusted: &Identity, identity: &Identity) -> Checked {
    let peer = Peer::tls(identity, |_| Reply::ok("hello"))?;
    must_be_not_sent(&post(&*kit.trusting(trusted), &peer.url("/"), "x")?)?;
    ensure!(peer.begun() == 0, "it was sent all the same");
    Ok(())
}

/// A certificate that nobody vouches for is not sent.
pub fn stranger(kit: &Kit) -> Checked {
    refuses(kit, &Identity::new(HERE)?, &Identity::new(HERE)?)
}

/// A certificate for another name is not sent.
pub fn another_name(kit: &Kit) -> Checked {
    let identity = Identity::new("elsewhere.example")?;
    refuses(kit, &identity, &identity)
}

/// A certificate that has expired is not sent.
pub fn expired(kit: &Kit) -> Checked {
    let identity = Identity::expired(HERE)?;
    refuses(kit, &identity, &identity)
}

/// A gateway that answers TLS with something else is not sent.
pub fn no_tls(kit: &Kit) -> Checked {
    let peer = Peer::raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")?;
    let url = peer.url("/").replacen("http:", "https:", 1);
    let transport = kit.trusting(&Identity::new(HERE).map_err(Failed::from)?);
    must_be_not_sent(&post(&*transport, &url, "x")?)
}
