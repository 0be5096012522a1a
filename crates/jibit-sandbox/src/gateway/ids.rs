use sha2::{Digest as _, Sha256};

/// Eight lower-case base-36 characters, as in the document's sample. It lies in
/// place: there may be a million.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct OrderId([u8; 8]);

impl OrderId {
    /// Nothing if an order's id cannot be so.
    pub(super) fn new(text: &str) -> Option<Self> {
        text.as_bytes().try_into().ok().map(Self)
    }

    pub(super) fn as_str(&self) -> &str {
        // It was made of a text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Draws ids: the same ones from the same seed.
pub(super) struct Ids {
    seed: u64,
    drawn: u64,
}

impl Ids {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(super) fn order_id(&mut self) -> OrderId {
        loop {
            let id = self.draw(b"0123456789abcdefghijklmnopqrstuvwxyz");
            // `/order/initiate` is a path of its own.
            if id != *b"initiate" {
                return OrderId(id);
            }
        }
    }

    /// Nine digits, as in the document's sample.
    pub(super) fn ref_id(&mut self) -> String {
        self.draw::<9>(b"0123456789")
            .map(char::from)
            .into_iter()
            .collect()
    }

    fn draw<const LENGTH: usize>(&mut self, letters: &[u8]) -> [u8; LENGTH] {
        self.drawn += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(self.drawn.to_le_bytes());
        let digest = hash.finalize();
        let mut drawn = (digest.iter()).map(|byte| usize::from(*byte) % letters.len());
        std::array::from_fn(|_| {
            let letter = drawn.next().and_then(|at| letters.get(at));
            letter.copied().unwrap_or(b'0')
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_documents_form_and_follow_from_the_seed() {
        let (mut ids, mut same, mut other) = (Ids::new(1), Ids::new(1), Ids::new(2));
        let id = ids.order_id();
        assert_eq!(id.as_str().len(), 8);
        assert!(
            id.as_str()
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        );
        assert!(id == same.order_id() && id != other.order_id());
        let ref_id = ids.ref_id();
        assert!(ref_id.len() == 9 && ref_id.bytes().all(|b| b.is_ascii_digit()));
    }
}
