//! What is random in a run, and the same again with the same seed.

/// A number that a run's random choices follow from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) u64);

/// What a choice is about, so that choices do not follow each other.
#[derive(Clone, Copy)]
pub(crate) enum About {
    /// What a customer does.
    Plan = 1,
    /// Which shop is asked.
    Shop,
    /// When a shop is killed, and which.
    Kill,
    /// What becomes of a webhook.
    Webhook,
}

impl Seed {
    /// A number for the `place`th choice of its kind (SplitMix64).
    pub(crate) const fn at(self, about: About, place: u64) -> u64 {
        let place = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0.rotate_left(about as u32 * 8) ^ place;
        mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
