//! A failing history without what its failure does not need.

use std::time::Duration;

use crate::{
    plan::{Customer, Plan},
    world::Played,
};

/// How many histories are played for it at most.
const TRIES: usize = 2_000;

/// The smallest plan found that breaks the same rule.
pub(crate) fn shrink(plan: &Plan, play: impl Fn(&Plan) -> Played) -> Plan {
    let broken = |plan: &Plan| {
        let violations = play(plan).violations;
        violations.first().map(|line| rule(line).to_owned())
    };
    let wanted = broken(plan);
    let mut least = plan.clone();
    let mut tries = 0;
    loop {
        let found = smaller(&least).into_iter().find(|plan| {
            tries += 1;
            tries <= TRIES && broken(plan) == wanted
        });
        match found {
            Some(plan) => least = plan,
            None => return least,
        }
    }
}

/// What a violation breaks: its line begins with it.
pub(crate) fn rule(violation: &str) -> &str {
    violation
        .split_once(':')
        .map_or(violation, |(rule, _)| rule)
}

/// Plans with one thing less, or simpler.
fn smaller(plan: &Plan) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut try_it = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        plans.push(plan);
    };
    for place in 0..plan.customers.len() {
        try_it(&|plan| _ = plan.customers.remove(place));
    }
    if plan.hosts > 1 {
        try_it(&|plan| plan.hosts -= 1);
    }
    if plan.restored.is_some() {
        try_it(&|plan| plan.restored = None);
    }
    for place in 0..plan.withdrawals.len() {
        try_it(&|plan| _ = plan.withdrawals.remove(place));
    }
    for place in 0..plan.deaths.len() {
        try_it(&|plan| _ = plan.deaths.remove(place));
    }
    for place in 0..plan.jumps.len() {
        try_it(&|plan| _ = plan.jumps.remove(place));
    }
    for (place, jump) in plan.jumps.iter().enumerate() {
        if jump.0 > 0 {
            // The same on the first host, so that fewer will do.
            try_it(&|plan| {
                if let Some(jump) = plan.jumps.get_mut(place) {
                    jump.0 = 0;
                }
            });
        }
    }
    for place in 0..plan.cut_off.len() {
        try_it(&|plan| _ = plan.cut_off.remove(place));
    }
    let rules: Vec<_> = plan.faults.split("; ").collect();
    // The first is the seed.
    for place in 1..rules.len() {
        let mut left = rules.clone();
        left.remove(place);
        let left = if left.len() == 1 {
            ""
        } else {
            &left.join("; ")
        };
        try_it(&|plan| left.clone_into(&mut plan.faults));
    }
    if plan.altered.is_some() {
        try_it(&|plan| plan.altered = None);
    }
    if plan.refused > 0 {
        try_it(&|plan| plan.refused = 0);
    }
    for (place, customer) in plan.customers.iter().enumerate() {
        let mut with = |change: &dyn Fn(&mut Customer)| {
            try_it(&|plan| {
                if let Some(customer) = plan.customers.get_mut(place) {
                    change(customer);
                }
            });
        };
        if !customer.returns.is_empty() {
            with(&|customer| _ = customer.returns.pop());
        }
        if customer.lies {
            with(&|customer| customer.lies = false);
        }
        if customer.patience < Duration::from_secs(60) {
            with(&|customer| customer.patience = Duration::from_secs(60));
        }
    }
    plans.extend(plan.gateway.smaller().into_iter().map(|gateway| Plan {
        gateway,
        ..plan.clone()
    }));
    plans
}
