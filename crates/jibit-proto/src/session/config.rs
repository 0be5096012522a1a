use std::time::Duration;

use crate::{BaseUrl, HttpHosts, InvalidInput, Secret};

/// Which gateway, which merchant, and how long to try.
#[derive(Clone, Debug)]
pub struct Config {
    base_url: String,
    pub(super) username: String,
    pub(super) password: Secret,
    pub(super) hosts: HttpHosts,
    pub(super) attempt_timeout: Duration,
    pub(super) deadline: Duration,
    pub(super) max_in_flight: usize,
}

impl Config {
    /// The merchant `username` at the gateway under `base_url`
    /// ([`BaseUrl::PRODUCTION`] is the document's).
    #[must_use]
    pub fn new(base_url: impl Into<String>, username: impl Into<String>, password: Secret) -> Self {
        Self {
            base_url: base_url.into(),
            username: username.into(),
            password,
            hosts: HttpHosts::loopback(),
            attempt_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            max_in_flight: 64,
        }
    }

    /// Allows plain http to `host`, for the base URL and for redirects.
    #[must_use]
    pub fn allow_http(mut self, host: &str) -> Self {
        self.hosts = self.hosts.allow(host);
        self
    }

    /// How long one request may take; 10 s if it is not set.
    #[must_use]
    pub const fn attempt_timeout(mut self, time: Duration) -> Self {
        self.attempt_timeout = time;
        self
    }

    /// How long a whole call may take, retries and all; 30 s if it is not set.
    #[must_use]
    pub const fn deadline(mut self, time: Duration) -> Self {
        self.deadline = time;
        self
    }

    /// How many requests may be under way at once; 64 if it is not set.
    #[must_use]
    pub const fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    pub(super) fn check(&self) -> Result<BaseUrl, InvalidInput> {
        if self.username.trim().is_empty() {
            return Err(InvalidInput::new(
                "username",
                "is empty",
                "give the merchant id",
            ));
        }
        if self.password.expose().is_empty() {
            return Err(InvalidInput::new(
                "password",
                "is empty",
                "give the merchant's password",
            ));
        }
        if self.attempt_timeout.is_zero() || self.deadline.is_zero() {
            return Err(InvalidInput::new(
                "time-out",
                "is 0",
                "give a time of a second or more",
            ));
        }
        if self.max_in_flight == 0 {
            return Err(InvalidInput::new(
                "max_in_flight",
                "is 0",
                "allow one request or more",
            ));
        }
        BaseUrl::new(&self.base_url, &self.hosts)
    }
}
