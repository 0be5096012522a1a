use std::collections::{BTreeMap, BTreeSet};

use super::Refusal;
use crate::scenario::Scenario;

/// Who holds money.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Where the wallets' opening balances come from: below zero by what it gave out.
    Issue,
    /// A customer's wallet, by mobile number.
    Wallet(String),
    /// What customers paid and nobody has verified yet.
    Escrow,
    /// A merchant's account, by merchant id.
    Merchant(String),
}

/// The money, in Rial: a double-entry book.
///
/// Money only moves from one account to another, so the sum over all accounts
/// is always 0, and what wallets, escrow and merchants hold together is what
/// was issued.
#[derive(Debug, Default)]
pub struct Book {
    balances: BTreeMap<Account, i128>,
    opening_balance: u64,
    /// What each wallet was given from outside, by mobile number.
    issued: BTreeMap<String, i128>,
    /// The mobile numbers of wallets that cannot pay.
    blocked: BTreeSet<String>,
}

/// A customer's wallet, as the page shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wallet {
    pub(super) balance: i128,
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
        self.balances.get(account).copied().unwrap_or(0)
    }

    /// Every account with its balance.
    pub fn balances(&self) -> impl Iterator<Item = (&Account, i128)> {
        self.balances.iter().map(|(account, rial)| (account, *rial))
    }

    /// Whether all accounts together come to 0.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.balances.values().sum::<i128>() == 0
    }

    /// The wallet of a mobile number, opened when it is first seen.
    pub(super) fn wallet(&mut self, mobile: &str) -> Wallet {
        let account = self.opened(mobile);
        Wallet {
            balance: self.balance(&account),
            blocked: self.blocked.contains(mobile),
        }
    }

    /// Has a wallet hold this much: what is too much or too little was issued.
    pub(super) fn set_wallet(&mut self, mobile: &str, balance: u64, blocked: bool) {
        let wallet = self.opened(mobile);
        let held = u64::try_from(self.balance(&wallet)).unwrap_or_default();
        let issued = self.issued.entry(mobile.to_owned()).or_default();
        *issued += i128::from(balance) - i128::from(held);
        if balance >= held {
            self.post(&Account::Issue, &wallet, balance - held);
        } else {
            self.post(&wallet, &Account::Issue, held - balance);
        }
        if blocked {
            self.blocked.insert(mobile.to_owned());
        } else {
            self.blocked.remove(mobile);
        }
    }

    fn opened(&mut self, mobile: &str) -> Account {
        let wallet = Account::Wallet(mobile.to_owned());
        if !self.balances.contains_key(&wallet) {
            let scenario = Scenario::of(mobile);
            let given = match scenario {
                Some(Scenario::Empty) => 0,
                _ => self.opening_balance,
            };
            if scenario == Some(Scenario::Blocked) {
                self.blocked.insert(mobile.to_owned());
            }
            self.issued.insert(mobile.to_owned(), i128::from(given));
            self.post(&Account::Issue, &wallet, given);
        }
        wallet
    }

    /// What a wallet was given from outside.
    pub(super) fn issued_to(&self, mobile: &str) -> i128 {
        self.issued.get(mobile).copied().unwrap_or_default()
    }

    /// The customer pays: the money waits in escrow.
    pub(super) fn pay(&mut self, mobile: &str, amount: u64) -> Result<(), Refusal> {
        let wallet = self.opened(mobile);
        if self.blocked.contains(mobile) {
            return Err(Refusal::WalletBlocked);
        }
        if self.balance(&wallet) < i128::from(amount) {
            return Err(Refusal::InsufficientFunds);
        }
        self.post(&wallet, &Account::Escrow, amount);
        Ok(())
    }

    /// The merchant verified: the money is the merchant's.
    pub(super) fn capture(&mut self, merchant: &str, amount: u64) {
        let merchant = Account::Merchant(merchant.to_owned());
        self.post(&Account::Escrow, &merchant, amount);
    }

    /// Nobody verified in time: the customer has the money back.
    pub(super) fn refund(&mut self, mobile: &str, amount: u64) {
        let wallet = self.opened(mobile);
        self.post(&Account::Escrow, &wallet, amount);
    }

    pub(super) fn post(&mut self, from: &Account, to: &Account, amount: u64) {
        *self.balances.entry(from.clone()).or_default() -= i128::from(amount);
        *self.balances.entry(to.clone()).or_default() += i128::from(amount);
    }
}
