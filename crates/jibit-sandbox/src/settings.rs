use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use jibit_proto::Secret;

use crate::{Profile, Quirk, Returning};

/// From when the verify window counts, which the document leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WindowFrom {
    /// From the payment.
    #[default]
    Payment,
    /// From initiate: who pays late leaves the merchant little time.
    Initiate,
}

/// How a sandbox behaves. The default is one merchant `7746` with the password
/// `123456`, the printed profile and the document's times.
#[derive(Clone)]
pub struct Settings {
    pub(crate) merchants: BTreeMap<Arc<str>, Secret>,
    pub(crate) shop_names: BTreeMap<String, String>,
    pub(crate) quirks: BTreeSet<Quirk>,
    pub(crate) returning: Returning,
    pub(crate) verify_window: Duration,
    pub(crate) window_from: WindowFrom,
    pub(crate) unpaid_expiry: Duration,
    pub(crate) token_life: Duration,
    pub(crate) refresh_life: Duration,
    pub(crate) wallet_balance: u64,
    pub(crate) seed: Option<u64>,
    pub(crate) public_url: Option<String>,
    pub(crate) control_token: Option<Secret>,
    /// Whether others than this machine's own programs reach it.
    pub(crate) exposed: bool,
    pub(crate) max_orders: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            merchants: BTreeMap::from([("7746".into(), Secret::new("123456"))]),
            shop_names: BTreeMap::from([("7746".to_owned(), "فروشگاه نمونه".to_owned())]),
            quirks: Profile::Printed.quirks(),
            returning: Returning::Get,
            verify_window: Duration::from_secs(15 * 60),
            window_from: WindowFrom::Payment,
            unpaid_expiry: Duration::from_secs(30 * 60),
            token_life: Duration::from_secs(86_400),
            refresh_life: Duration::from_secs(7_776_000),
            wallet_balance: 1_000_000_000,
            seed: None,
            public_url: None,
            control_token: None,
            exposed: false,
            max_orders: 1_000_000,
        }
    }
}

impl Settings {
    /// The merchants, each with a password, in place of the default one.
    #[must_use]
    pub fn merchants<U: Into<String>>(
        mut self,
        merchants: impl IntoIterator<Item = (U, Secret)>,
    ) -> Self {
        self.merchants = merchants
            .into_iter()
            .map(|(username, password)| (Arc::from(username.into()), password))
            .collect();
        self
    }

    /// What the customer's page calls a merchant's shop; the merchant id if it
    /// is not set.
    #[must_use]
    pub fn shop_name(mut self, merchant: impl Into<String>, name: impl Into<String>) -> Self {
        self.shop_names.insert(merchant.into(), name.into());
        self
    }

    /// How answers are written: exactly the profile's quirks.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.quirks = profile.quirks();
        self
    }

    /// Switches a single quirk on or off.
    #[must_use]
    pub fn quirk(mut self, quirk: Quirk, on: bool) -> Self {
        if on {
            self.quirks.insert(quirk);
        } else {
            self.quirks.remove(&quirk);
        }
        self
    }

    /// How the customer's browser comes back to the shop, unless an order says
    /// otherwise.
    #[must_use]
    pub const fn returning(mut self, way: Returning) -> Self {
        self.returning = way;
        self
    }

    /// How long after the payment a verify is taken; 15 minutes if it is not set.
    #[must_use]
    pub const fn verify_window(mut self, window: Duration) -> Self {
        self.verify_window = window;
        self
    }

    /// From when the verify window counts; the payment if it is not set.
    #[must_use]
    pub const fn window_from(mut self, from: WindowFrom) -> Self {
        self.window_from = from;
        self
    }

    /// How long after initiate an order may be paid; 30 minutes if it is not
    /// set. The document does not say.
    #[must_use]
    pub const fn unpaid_expiry(mut self, time: Duration) -> Self {
        self.unpaid_expiry = time;
        self
    }

    /// How long a token lives; 86,400 s if it is not set.
    #[must_use]
    pub const fn token_life(mut self, life: Duration) -> Self {
        self.token_life = life;
        self
    }

    /// How long a refresh token lives; 7,776,000 s if it is not set.
    #[must_use]
    pub const fn refresh_life(mut self, life: Duration) -> Self {
        self.refresh_life = life;
        self
    }

    /// What a customer's wallet holds at first, in Rial; 1,000,000,000 if it
    /// is not set.
    #[must_use]
    pub const fn wallet_balance(mut self, rial: u64) -> Self {
        self.wallet_balance = rial;
        self
    }

    /// Makes ids and tokens repeat from run to run. Whoever knows the seed can
    /// make tokens; a server without one draws one at its start.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Where browsers reach the sandbox, for `redirectUrl`; the address that the
    /// server listens on if it is not set.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// What whoever uses the controls and the dashboard has to show: as a bearer
    /// token or, in a browser, as the password. Without one they are open to
    /// this machine's programs, and closed on a server that listens beyond it.
    #[must_use]
    pub fn control_token(mut self, token: Secret) -> Self {
        self.control_token = Some(token);
        self
    }

    /// How many orders are kept at most; 1,000,000 if it is not set. The next
    /// one is refused.
    #[must_use]
    pub const fn max_orders(mut self, orders: usize) -> Self {
        self.max_orders = orders;
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("quirks", &self.quirks)
            .field("verify_window", &self.verify_window)
            .finish_non_exhaustive()
    }
}
