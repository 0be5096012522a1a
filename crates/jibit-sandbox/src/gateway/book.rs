use std::{collections::BTreeMap, fmt};

use super::Refusal;
use crate::{mobile::Mobile, scenario::Scenario};

/// Who holds money.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Where the wallets' opening balances come from: below zero by what it gave out.
    Issue,
    /// What customers paid and nobody has verified yet.
    Escrow,
    /// A merchant's account, by merchant id.
    Merchant(String),
    /// A customer's wallet, by mobile number.
    Wallet(String),
}

/// The money, in Rial: a double-entry book.
///
/// Money only moves from one account to another, so the sum over all accounts
/// is always 0, and what wallets, escrow and merchants hold together is what
/// was issued.
#[derive(Default)]
pub struct Book {
    issue: i128,
    escrow: i128,
    merchants: BTreeMap<String, i128>,
    wallets: BTreeMap<Mobile, Wallet>,
    opening_balance: u64,
}

/// Where money is, as [`Account`] says it, without a name to copy.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Issue,
    Escrow,
    Merchant(&'a str),
    Wallet(Mobile),
}

/// A customer's wallet.
#[derive(Clone, Copy, Default)]
pub(super) struct Wallet {
    pub(super) balance: i128,
    /// What it was given from outside.
    pub(super) issued: i128,
    /// It cannot pay.
    pub(super) blocked: bool,
}

impl Book {
    /// A book that gives each new wallet `opening_balance`.
    pub(super) fn new(opening_balance: u64) -> Self {
        Self {
            opening_balance,
            ..Self::default()
        }
    }

    /// What an account holds.
    #[must_use]
    pub fn balance(&self, account: &Account) -> i128 {
        match account {
            Account::Issue => self.issue,
            Account::Escrow => self.escrow,
            Account::Merchant(id) => self.merchants.get(id).copied().unwrap_or_default(),
            Account::Wallet(mobile) => (mobile.parse().ok())
                .and_then(|mobile| self.wallets.get(&mobile))
                .map_or(0, |wallet| wallet.balance),
        }
    }

    /// Every account with its balance, the wallets last.
    pub fn balances(&self) -> impl Iterator<Item = (Account, i128)> {
        let own = [(Account::Issue, self.issue), (Account::Escrow, self.escrow)];
        let merchants = self.merchants.iter();
        let merchants = merchants.map(|(id, rial)| (Account::Merchant(id.clone()), *rial));
        let wallets = self.wallets.iter();
        let wallets =
            wallets.map(|(mobile, wallet)| (Account::Wallet(mobile.to_string()), wallet.balance));
        own.into_iter().chain(merchants).chain(wallets)
    }

    /// What all accounts hold together: 0.
    #[must_use]
    pub fn sum(&self) -> i128 {
        let wallets = self.wallets.values().map(|wallet| wallet.balance);
        self.issue + self.escrow + self.merchants.values().sum::<i128>() + wallets.sum::<i128>()
    }

    pub(super) const fn merchants(&self) -> &BTreeMap<String, i128> {
        &self.merchants
    }

    pub(super) const fn wallets(&self) -> &BTreeMap<Mobile, Wallet> {
        &self.wallets
    }

    /// The wallet of a mobile number. A look opens none: anybody can look for
    /// any number.
    pub(super) fn wallet(&self, mobile: Mobile) -> Wallet {
        let known = self.wallets.get(&mobile).copied();
        known.unwrap_or_else(|| self.new_wallet(mobile))
    }

    /// A wallet as it is when it is opened.
    fn new_wallet(&self, mobile: Mobile) -> Wallet {
        let scenario = Scenario::of(mobile);
        let given = match scenario {
            Some(Scenario::Empty) => 0,
            _ => i128::from(self.opening_balance),
        };
        Wallet {
            balance: given,
            issued: given,
            blocked: scenario == Some(Scenario::Blocked),
        }
    }

    /// Opens the wallet of a mobile number, if it is not open.
    fn open(&mut self, mobile: Mobile) {
        if !self.wallets.contains_key(&mobile) {
            let new = self.new_wallet(mobile);
            let empty = Wallet { balance: 0, ..new };
            self.wallets.insert(mobile, empty);
            self.post(Place::Issue, Place::Wallet(mobile), new.balance);
        }
    }

    /// Has a wallet hold this much: what is too much or too little was issued.
    pub(super) fn set_wallet(&mut self, mobile: Mobile, balance: u64, blocked: bool) {
        self.open(mobile);
        if let Some(wallet) = self.wallets.get_mut(&mobile) {
            let more = i128::from(balance) - wallet.balance;
            wallet.issued += more;
            wallet.blocked = blocked;
            self.post(Place::Issue, Place::Wallet(mobile), more);
        }
    }

    /// The customer pays: the money waits in escrow.
    pub(super) fn pay(&mut self, mobile: Mobile, amount: u64) -> Result<(), Refusal> {
        self.open(mobile);
        let wallet = self.wallet(mobile);
        if wallet.blocked {
            return Err(Refusal::WalletBlocked);
        }
        if wallet.balance < i128::from(amount) {
            return Err(Refusal::InsufficientFunds);
        }
        self.post(Place::Wallet(mobile), Place::Escrow, amount);
        Ok(())
    }

    /// The merchant verified: the money is the merchant's.
    pub(super) fn capture(&mut self, merchant: &str, amount: u64) {
        self.post(Place::Escrow, Place::Merchant(merchant), amount);
    }

    /// Nobody verified in time: the customer has the money back.
    pub(super) fn refund(&mut self, mobile: Mobile, amount: u64) {
        self.post(Place::Escrow, Place::Wallet(mobile), amount);
    }

    pub(super) fn post(&mut self, from: Place<'_>, to: Place<'_>, amount: impl Into<i128>) {
        let amount = amount.into();
        self.add(from, -amount);
        self.add(to, amount);
    }

    fn add(&mut self, place: Place<'_>, amount: i128) {
        if let Place::Merchant(id) = place
            && let Some(balance) = self.merchants.get_mut(id)
        {
            *balance += amount;
            return;
        }
        *match place {
            Place::Issue => &mut self.issue,
            Place::Escrow => &mut self.escrow,
            Place::Merchant(id) => self.merchants.entry(id.to_owned()).or_default(),
            Place::Wallet(mobile) => &mut self.wallets.entry(mobile).or_default().balance,
        } += amount;
    }
}

impl fmt::Debug for Book {
    // Whose wallets there are is private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("escrow", &self.escrow)
            .field("wallets", &self.wallets.len())
            .finish_non_exhaustive()
    }
}
