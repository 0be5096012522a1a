//! Names are resolved where a connection is made, and nowhere else.
//!
//! ureq resolves before it looks for a connection that it has kept, and on a thread of
//! its own, because the system's resolver knows no time limit: that would be a thread
//! and a look-up for every request.

use std::{fmt::Debug, time::Instant};

use http::Uri;
use ureq::{
    Error,
    config::Config,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{ConnectionDetails, Connector, NextTimeout, Transport, time::Duration},
    },
};

/// Leaves it to [`Resolving`].
#[derive(Debug)]
pub(super) struct Later;

impl Resolver for Later {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// Resolves, then connects by what it wraps, all within the time for connecting.
#[derive(Debug)]
pub(super) struct Resolving<C>(pub(super) C);

impl<In: Transport, C: Connector<In>> Connector<In> for Resolving<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        connected: Option<In>,
    ) -> Result<Option<C::Out>, Error> {
        let begun = Instant::now();
        let &ConnectionDetails {
            uri,
            config,
            request_level,
            now,
            mut timeout,
            ..
        } = details;
        let resolver = DefaultResolver::default();
        let addrs = resolver.resolve(uri, config, timeout)?;
        if let Duration::Exact(limit) = timeout.after {
            let left = limit.saturating_sub(begun.elapsed());
            // None would count as a second.
            if left.is_zero() {
                return Err(Error::Timeout(timeout.reason));
            }
            timeout.after = Duration::Exact(left);
        }
        self.0.connect(
            &ConnectionDetails {
                uri,
                addrs,
                config,
                request_level,
                resolver: &resolver,
                now,
                timeout,
                current_time: details.current_time.clone(),
                run_connector: details.run_connector.clone(),
                register_shutdown: details.register_shutdown.clone(),
            },
            connected,
        )
    }
}
