use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Response, header};

use crate::Timestamp;

const FIRST: u64 = 500;
const LONGEST: u64 = 30_000;

/// Pauses with full jitter: 0.5 s doubling to 30 s, each drawn from zero up.
/// The draws come from a seed, so that a run can be repeated.
#[derive(Debug)]
pub(super) struct Backoff(u64);

impl Backoff {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The pause after so many failures, and no shorter than the gateway asked
    /// for, as far as it is within the longest.
    pub(super) fn pause(&mut self, failures: u32, asked: Option<Duration>) -> Duration {
        let ceiling = FIRST
            .saturating_mul(1_u64.checked_shl(failures).unwrap_or(u64::MAX))
            .min(LONGEST);
        let drawn = Duration::from_millis(self.draw() % (ceiling + 1));
        drawn.max(
            asked
                .unwrap_or_default()
                .min(Duration::from_millis(LONGEST)),
        )
    }

    /// splitmix64: enough to keep hosts from retrying in step.
    const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A token bucket shared by the session's calls, so that a sick gateway is not
/// hammered: a retry costs 14 of 500, a success gives one back, and a retry that
/// succeeded gives back what it cost.
#[derive(Debug)]
pub(super) struct Budget(u32);

impl Budget {
    const FULL: u32 = 500;
    const RETRY: u32 = 14;

    pub(super) const fn new() -> Self {
        Self(Self::FULL)
    }

    pub(super) const fn take(&mut self) -> bool {
        match self.0.checked_sub(Self::RETRY) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }

    pub(super) fn succeeded(&mut self, retried: bool) {
        self.0 = (self.0 + if retried { Self::RETRY } else { 1 }).min(Self::FULL);
    }
}

/// How long a gateway that is short of room asks us to wait: seconds or a date.
pub(super) fn retry_after(answer: &Response<Bytes>, now: Timestamp) -> Option<Duration> {
    if !matches!(answer.status().as_u16(), 408 | 429 | 503) {
        return None;
    }
    let asked = text(answer, &header::RETRY_AFTER)?;
    if !asked.is_empty() && asked.bytes().all(|b| b.is_ascii_digit()) {
        // More seconds than fit are still a wish to be left alone for long.
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX)));
    }
    // The gateway's clock is not ours: its own date says what it counts from.
    let from = text(answer, &header::DATE).and_then(date).unwrap_or(now);
    Some(date(asked)?.since(from))
}

fn text<'a>(answer: &'a Response<Bytes>, name: &header::HeaderName) -> Option<&'a str> {
    Some(answer.headers().get(name)?.to_str().ok()?.trim())
}

fn date(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text).ok()?;
    let passed = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::default() + passed)
}
