//! Tasks in one thread: whoever can go on does so in an order that the dice give, and
//! when all wait the time moves on.

use std::{
    cell::RefCell,
    cmp::Reverse,
    fmt,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Wake, Waker},
};

use jibit_client::Timestamp;

use crate::world::World;

type Work = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    /// Whose death ends it.
    host: usize,
    work: Work,
    flag: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

/// What is to be done, by whom, and does not run yet.
#[derive(Clone, Default)]
pub(crate) struct Spawner(Rc<RefCell<Vec<(usize, Work)>>>);

impl Spawner {
    pub(crate) fn spawn(&self, host: usize, work: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().push((host, Box::pin(work)));
    }

    fn take(&self) -> Vec<(usize, Work)> {
        self.0.take()
    }
}

/// Runs tasks in an order that the dice give, and moves the time on when all wait.
pub(crate) struct Executor {
    world: World,
    spawner: Spawner,
    tasks: Vec<Task>,
}

/// What happens next.
pub(crate) enum Choice {
    /// The one in this place of those that can go on does so.
    Goes(usize),
    /// A host dies.
    Dies(usize),
    /// Nothing more.
    Ends,
}

/// Why a history did not come to its end.
#[derive(Debug)]
pub(crate) struct Stuck(pub(crate) &'static str);

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Executor {
    pub(crate) const fn new(world: World, spawner: Spawner) -> Self {
        Self {
            world,
            spawner,
            tasks: Vec::new(),
        }
    }

    /// Runs until it is `end`. `choose` is given the hosts of all that can go on;
    /// `bury` is told who died.
    pub(crate) fn run(
        &mut self,
        end: Timestamp,
        mut choose: impl FnMut(&[usize]) -> Choice,
        mut bury: impl FnMut(usize),
    ) -> Result<(), Stuck> {
        let mut hosts = Vec::new();
        // A history takes some thousand polls.
        for _ in 0..2_000_000 {
            for (host, work) in self.spawner.take() {
                let flag = Arc::new(Flag(AtomicBool::new(true)));
                self.tasks.push(Task { host, work, flag });
            }
            hosts.clear();
            hosts.extend(self.ready().map(|(_, task)| task.host));
            if hosts.is_empty() {
                if self.pass_time(end) {
                    continue;
                }
                return Ok(());
            }
            match choose(&hosts) {
                Choice::Goes(pick) => self.poll(pick),
                Choice::Dies(host) => self.world.kill(host),
                Choice::Ends => return Ok(()),
            }
            let dying = std::mem::take(&mut self.world.state().dying);
            for host in dying {
                self.tasks.retain(|task| task.host != host);
                bury(host);
            }
        }
        Err(Stuck("it goes on for ever"))
    }

    fn ready(&self) -> impl Iterator<Item = (usize, &Task)> {
        let tasks = self.tasks.iter().enumerate();
        tasks.filter(|(_, task)| task.flag.0.load(Relaxed))
    }

    fn poll(&mut self, pick: usize) {
        let Some((place, _)) = self.ready().nth(pick) else {
            return;
        };
        let Some(task) = self.tasks.get_mut(place) else {
            return;
        };
        task.flag.0.store(false, Relaxed);
        let waker = Waker::from(Arc::clone(&task.flag));
        let mut context = Context::from_waker(&waker);
        if task.work.as_mut().poll(&mut context).is_ready() {
            self.tasks.swap_remove(place);
        }
    }

    /// Moves the time on to the next timer. Not beyond `end`.
    fn pass_time(&self, end: Timestamp) -> bool {
        let mut state = self.world.state();
        loop {
            let Some(Reverse((at, id))) = state.timers.peek().copied() else {
                return false;
            };
            if at > end {
                return false;
            }
            state.timers.pop();
            let place = state.sleepers.iter().position(|(other, _)| *other == id);
            let Some(place) = place else { continue };
            let (_, waker) = state.sleepers.swap_remove(place);
            state.now = state.now.max(at);
            waker.wake();
            // All that wait for this instant are ready together.
            if state
                .timers
                .peek()
                .is_none_or(|Reverse((next, _))| *next > at)
            {
                return true;
            }
        }
    }
}
