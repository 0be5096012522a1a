use std::time::Duration;

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
