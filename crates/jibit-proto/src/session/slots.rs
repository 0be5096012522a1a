use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{CallId, GRACE};
use crate::Timestamp;

/// How many of those who wait for a slot look within [`GRACE`] whether one fell free.
const LOOKING: usize = 64;

/// Who may send: at most so many at once, in the order of asking. A slot that
/// falls free is handed to the head of the queue, not raced for.
#[derive(Debug)]
pub(super) struct Slots {
    max: usize,
    /// Requests under way and grants, each with the instant at which it is
    /// long overdue.
    taken: BTreeMap<CallId, Timestamp>,
    /// None of them is overdue before this: they need not be looked through at every
    /// call, only when it has come.
    earliest: Timestamp,
    /// Who of these was handed the slot and has not come for it yet.
    granted: BTreeSet<CallId>,
    /// Who of these has not been missed either.
    unmissed: Vec<CallId>,
    queue: VecDeque<CallId>,
    /// Who of the queue still waits; the others have left.
    waiting: BTreeSet<CallId>,
}

impl Slots {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            max,
            taken: BTreeMap::new(),
            earliest: Timestamp::MAX,
            granted: BTreeSet::new(),
            unmissed: Vec::new(),
            queue: VecDeque::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// Takes a slot for `id`, or puts it into the queue. A call keeps the slot of its
    /// last request for the next, that a verify need not queue up behind looks again.
    /// Whoever is granted a slot by that is put into `woken`.
    pub(super) fn take(
        &mut self,
        id: CallId,
        now: Timestamp,
        overdue: Timestamp,
        woken: &mut BTreeSet<CallId>,
    ) -> bool {
        if self.is_full() && now >= self.earliest {
            // Only a call that was dropped without `abandon` gets this old.
            self.taken.retain(|_, overdue| *overdue > now);
            self.granted.retain(|id| self.taken.contains_key(id));
            let earliest = self.taken.values().min().copied();
            self.earliest = earliest.unwrap_or(Timestamp::MAX);
            self.hand_on(woken);
        }
        self.granted.remove(&id);
        let has = self.taken.contains_key(&id);
        if has || (self.waiting.is_empty() && !self.is_full()) {
            self.hold(id, overdue, woken);
            return true;
        }
        if self.waiting.insert(id) {
            self.queue.push_back(id);
        }
        // A grant ages from when somebody misses it.
        while let Some(granted) = self.unmissed.pop() {
            if self.granted.contains(&granted) {
                self.hold(granted, now + GRACE, woken);
            }
        }
        false
    }

    fn hold(&mut self, id: CallId, overdue: Timestamp, woken: &mut BTreeSet<CallId>) {
        self.taken.insert(id, overdue);
        if overdue < self.earliest {
            self.earliest = overdue;
            // Whoever waits means to look later than that. The first may have gone by then,
            // and so may the next.
            woken.extend(self.waiting.iter().take(LOOKING));
        }
    }

    /// Gives up the slot, the grant or the place in the queue. Whoever is
    /// granted a slot by that is put into `woken`.
    pub(super) fn leave(&mut self, id: CallId, woken: &mut BTreeSet<CallId>) {
        self.taken.remove(&id);
        self.granted.remove(&id);
        self.waiting.remove(&id);
        self.hand_on(woken);
    }

    fn hand_on(&mut self, woken: &mut BTreeSet<CallId>) {
        while !self.is_full()
            && let Some(next) = self.queue.pop_front()
        {
            if self.waiting.remove(&next) {
                self.granted.insert(next);
                self.unmissed.push(next);
                self.taken.insert(next, Timestamp::MAX);
                woken.insert(next);
            }
        }
    }

    /// When whoever waits should look whether a slot fell free without anybody saying
    /// so. In a long queue each looks the more rarely: together they look as often as
    /// [`LOOKING`] do.
    pub(super) fn look_again(&self, now: Timestamp) -> Timestamp {
        let turns = self.waiting.len() / LOOKING;
        let turn = GRACE * u32::try_from(turns).unwrap_or(u32::MAX);
        self.earliest.max(now + turn)
    }

    fn is_full(&self) -> bool {
        self.taken.len() >= self.max
    }
}
