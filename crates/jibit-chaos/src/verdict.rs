//! The sandbox's book held against the shop's.

use std::{collections::BTreeMap, fmt};

use jibit_sandbox::State;

use crate::{
    customers::{Plan, Visit},
    faults::Struck,
    goods::Handed,
    shop::PRICE,
};

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) payments: u64,
    pub(crate) kills: u64,
    pub(crate) struck: Struck,
    /// What became of webhooks, if there were any.
    pub(crate) webhooks: Option<String>,
    counts: Counts,
    pub(crate) disagreements: Vec<Disagreement>,
    /// Where to look further, if it is kept.
    pub(crate) kept: Option<String>,
}

/// How many orders.
#[derive(Debug, Default)]
struct Counts {
    cancelled: u64,
    paid_twice: u64,
    never_returned: u64,
    returned_thrice: u64,
    captured: u64,
    fulfilled: u64,
    /// Orders whose goods the outbox gave out again after a death.
    asked_again: u64,
    refunded: u64,
    not_paid: u64,
}

/// Something that is not as it has to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Disagreement {
    /// The order that it is about, or nothing.
    pub(crate) number: Option<String>,
    pub(crate) what: String,
    /// What the store says happened to it.
    pub(crate) timeline: Vec<String>,
}

/// What the two books say at the end.
pub(crate) struct Books<'a> {
    pub(crate) visits: &'a [Visit],
    /// How the sandbox's order of this id stands.
    pub(crate) state: &'a dyn Fn(&str) -> Option<State>,
    /// What the sandbox's merchant has, and what waits for a verify, in Rial.
    pub(crate) merchant: i128,
    pub(crate) escrow: i128,
    pub(crate) goods: &'a [Handed],
}

impl Verdict {
    pub(crate) fn of(books: &Books<'_>) -> Self {
        let mut verdict = Self::default();
        let goods = books.goods.iter().map(|row| (row.number.as_str(), row));
        let mut goods: BTreeMap<_, _> = goods.collect();
        for visit in books.visits {
            verdict.judge(visit, books.state, goods.remove(visit.number.as_str()));
        }
        for number in goods.into_keys() {
            verdict.disagree(Some(number), "handed out, and nobody ordered it");
        }
        let captured = i128::from(verdict.counts.captured * PRICE);
        if books.merchant != captured {
            let what = format!(
                "the merchant has {} Rial, and what was captured comes to {captured}",
                books.merchant
            );
            verdict.disagree(None, &what);
        }
        if books.escrow != 0 {
            let what = format!("{} Rial are neither captured nor refunded", books.escrow);
            verdict.disagree(None, &what);
        }
        verdict
    }

    /// Whether the books agree.
    pub(crate) const fn is_clean(&self) -> bool {
        self.disagreements.is_empty()
    }

    fn judge(
        &mut self,
        visit: &Visit,
        state: &dyn Fn(&str) -> Option<State>,
        handed: Option<&Handed>,
    ) {
        let number = visit.number.as_str();
        let states: Vec<_> = visit.pages.iter().filter_map(|page| state(page)).collect();
        let count = |wanted| states.iter().filter(|state| **state == wanted).count() as u64;
        let captured = count(State::PurchaseConfirmByMerchant);
        let refunded = if visit.paid {
            count(State::CancelBySystem)
        } else {
            0
        };
        let times = handed.map_or(0, |row| row.handed);

        let counts = &mut self.counts;
        match visit.plan {
            Plan::Cancels => counts.cancelled += 1,
            Plan::PaysTwice => counts.paid_twice += 1,
            Plan::NeverReturns => counts.never_returned += 1,
            Plan::ReturnsThrice => counts.returned_thrice += 1,
            Plan::Returns => {}
        }
        counts.captured += captured;
        counts.refunded += refunded;
        counts.fulfilled += u64::from(times > 0);
        counts.asked_again += u64::from(handed.is_some_and(|row| row.asked > 1));
        counts.not_paid += u64::from(!visit.paid);

        if let Some(trouble) = &visit.trouble {
            self.disagree(Some(number), trouble);
        }
        if captured > 1 {
            self.disagree(Some(number), &format!("captured {captured} times"));
        }
        if visit.paid && captured == 0 {
            self.disagree(Some(number), "paid, and never captured");
        }
        match (captured, times) {
            (0, 0) | (1.., 1) => {}
            (0, _) => self.disagree(Some(number), "handed out, and not captured"),
            (_, 0) => self.disagree(Some(number), "captured, and not handed out"),
            _ => self.disagree(Some(number), &format!("handed out {times} times")),
        }
    }

    pub(crate) fn disagree(&mut self, number: Option<&str>, what: &str) {
        self.disagreements.push(Disagreement {
            number: number.map(ToOwned::to_owned),
            what: what.to_owned(),
            timeline: Vec::new(),
        });
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            cancelled,
            paid_twice,
            never_returned,
            returned_thrice,
            captured,
            fulfilled,
            asked_again,
            refunded,
            not_paid,
        } = &self.counts;
        let struck = &self.struck;
        writeln!(f, "  payments         {:>6}", self.payments)?;
        writeln!(f, "  kills            {:>6}", self.kills)?;
        writeln!(f, "  calls            {:>6}", struck.calls)?;
        writeln!(f, "  faults           {:>6}", struck.total())?;
        for (kind, count) in &struck.kinds {
            writeln!(f, "    {kind:<20} {count:>6}")?;
        }
        if let Some(webhooks) = &self.webhooks {
            writeln!(f, "  webhooks         {webhooks}")?;
        }
        writeln!(f, "  cancelled        {cancelled:>6}")?;
        writeln!(f, "  paid by two      {paid_twice:>6}")?;
        writeln!(f, "  never returned   {never_returned:>6}")?;
        writeln!(f, "  returned thrice  {returned_thrice:>6}")?;
        writeln!(f, "  captured         {captured:>6}")?;
        writeln!(
            f,
            "  fulfilled        {fulfilled:>6}  ({asked_again} asked for again after a death)"
        )?;
        writeln!(f, "  refunded         {refunded:>6}")?;
        writeln!(f, "  not paid         {not_paid:>6}")?;
        writeln!(f, "  disagreements    {:>6}", self.disagreements.len())?;
        for disagreement in &self.disagreements {
            let number = disagreement.number.as_deref().unwrap_or("the money");
            writeln!(f, "  {number}: {}", disagreement.what)?;
            for line in &disagreement.timeline {
                writeln!(f, "    {line}")?;
            }
        }
        if let Some(kept) = &self.kept {
            writeln!(f, "  the store, the shop's book and the logs are in {kept}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One customer, who paid on pages that came to these states, or cancelled.
    fn judged(states: &[State], handed: u64) -> Vec<String> {
        let paid = states != [State::CancelByUser];
        let visit = Visit {
            number: "order-1".to_owned(),
            plan: if paid { Plan::Returns } else { Plan::Cancels },
            pages: (0..states.len()).map(|page| page.to_string()).collect(),
            paid,
            trouble: None,
        };
        let goods = Handed {
            number: visit.number.clone(),
            handed,
            asked: 9,
        };
        let captured = states
            .iter()
            .filter(|it| **it == State::PurchaseConfirmByMerchant);
        said(&Books {
            visits: &[visit],
            state: &|page| states.get(page.parse::<usize>().ok()?).copied(),
            merchant: i128::from(PRICE) * captured.count() as i128,
            escrow: 0,
            goods: if handed > 0 {
                std::slice::from_ref(&goods)
            } else {
                &[]
            },
        })
    }

    fn said(books: &Books<'_>) -> Vec<String> {
        let verdict = Verdict::of(books);
        verdict
            .disagreements
            .into_iter()
            .map(|it| it.what)
            .collect()
    }

    const NOBODY: Books<'_> = Books {
        visits: &[],
        state: &|_| None,
        merchant: 0,
        escrow: 0,
        goods: &[],
    };

    #[test]
    fn captured_is_handed_out_once() {
        use State::{CancelBySystem, CancelByUser, PurchaseConfirmByMerchant};
        let nothing: [&str; 0] = [];
        assert_eq!(judged(&[PurchaseConfirmByMerchant], 1), nothing);
        assert_eq!(
            judged(&[CancelBySystem, PurchaseConfirmByMerchant], 1),
            nothing
        );
        assert_eq!(judged(&[CancelByUser], 0), nothing);
    }

    #[test]
    fn all_else_is_a_disagreement() {
        use State::{CancelBySystem, CancelByUser, PurchaseConfirmByMerchant as Captured};
        assert_eq!(judged(&[Captured], 0), ["captured, and not handed out"]);
        assert_eq!(judged(&[Captured], 2), ["handed out 2 times"]);
        assert_eq!(judged(&[CancelByUser], 1), ["handed out, and not captured"]);
        assert_eq!(judged(&[CancelBySystem], 0), ["paid, and never captured"]);
        assert_eq!(judged(&[Captured, Captured], 1), ["captured 2 times"]);
    }

    #[test]
    fn money_and_goods_that_nobody_ordered_are_seen() {
        let goods = [Handed {
            number: "order-2".to_owned(),
            handed: 1,
            asked: 1,
        }];
        let strange = Books {
            goods: &goods,
            ..NOBODY
        };
        assert_eq!(said(&strange), ["handed out, and nobody ordered it"]);
        let unknown = Books {
            merchant: 5,
            ..NOBODY
        };
        assert_eq!(
            said(&unknown),
            ["the merchant has 5 Rial, and what was captured comes to 0"]
        );
        let waiting = Books {
            escrow: 7,
            ..NOBODY
        };
        assert_eq!(said(&waiting), ["7 Rial are neither captured nor refunded"]);
    }

    #[test]
    fn who_could_not_buy_is_named() {
        let visit = Visit {
            number: "order-3".to_owned(),
            plan: Plan::Returns,
            pages: Vec::new(),
            paid: false,
            trouble: Some("the shop refuses".to_owned()),
        };
        let verdict = Verdict::of(&Books {
            visits: &[visit],
            ..NOBODY
        });
        assert!(!verdict.is_clean());
        let text = verdict.to_string();
        assert!(text.contains("order-3: the shop refuses"), "{text}");
    }
}
