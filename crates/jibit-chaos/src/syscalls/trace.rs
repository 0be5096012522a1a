//! What strace wrote down of a shop's life.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::ExitStatus,
};

use crate::Outcome;

/// How many calls of a name a single thread made at most: strace counts by thread.
pub(super) type Calls = BTreeMap<String, u64>;

/// The log of a life, and how it ended.
pub(super) struct Trace {
    log: String,
    ended: ExitStatus,
}

/// A line of the log.
enum Line<'a> {
    /// A call begins, and perhaps ends as well. With its name, its arguments and
    /// what they call its result.
    Begins(&'a str, &'a str),
    /// A call ends that began on an earlier line of its thread.
    Ends(&'a str),
    /// Something else, such as a thread's end.
    Other,
}

impl Trace {
    pub(super) fn read(path: &Path, ended: ExitStatus) -> Outcome<Self> {
        let log = fs::read(path).map_err(|error| format!("strace wrote no log: {error}"))?;
        Ok(Self {
            log: String::from_utf8_lossy(&log).into_owned(),
            ended,
        })
    }

    pub(super) fn was_killed(&self) -> bool {
        self.log.contains("+++ killed by SIGKILL +++")
    }

    pub(super) fn met_errors(&self) -> bool {
        self.log.contains("(INJECTED)")
    }

    /// How it ended, unless it ended well or with an error of its own.
    pub(super) fn trouble(&self) -> Option<String> {
        let well = if self.met_errors() { 0..=1 } else { 0..=0 };
        let is_well = self.ended.code().is_some_and(|code| well.contains(&code));
        (!is_well).then(|| match self.ended.signal() {
            Some(signal) => format!("it was ended by signal {signal}"),
            None => format!("it ended with {}", self.ended),
        })
    }

    pub(super) fn most_by_a_thread(&self, counts: impl Fn(&str) -> bool) -> Calls {
        let mut by_thread: HashMap<(&str, &str), u64> = HashMap::new();
        for (thread, line) in self.lines() {
            if let Line::Begins(name, _) = line
                && counts(name)
            {
                *by_thread.entry((thread, name)).or_default() += 1;
            }
        }
        let mut most = Calls::new();
        for ((_, name), count) in by_thread {
            let known = most.entry(name.to_owned()).or_default();
            *known = count.max(*known);
        }
        most
    }

    /// S7: what is to be sent is on the disk before its first byte leaves. Fails if the
    /// log does not show so of initiate and of verify. A login may come between.
    pub(super) fn sends_after_the_disk(&self) -> Outcome<()> {
        // Since the request before it about an order: was the store written, and is all of it on the disk?
        let (mut written, mut durable) = (false, true);
        let mut syncing = HashMap::new();
        let (mut initiates, mut verifies) = (0, 0);
        for (thread, line) in self.lines() {
            match line {
                Line::Begins("pwrite64" | "write", call) if is_store(call) => {
                    (written, durable) = (true, false);
                }
                Line::Begins("fdatasync" | "fsync", call) if is_store(call) => {
                    if call.ends_with("<unfinished ...>") {
                        syncing.insert(thread, ());
                    } else {
                        durable |= call.ends_with("= 0");
                    }
                }
                Line::Ends(call) if syncing.remove(thread).is_some() => {
                    durable |= call.ends_with("= 0");
                }
                Line::Begins("write" | "writev" | "sendto" | "sendmsg", call) => {
                    let request = REQUESTS.iter().find(|it| call.contains(**it));
                    let Some(request) = request else { continue };
                    match *request {
                        INITIATE => initiates += 1,
                        VERIFY => verifies += 1,
                        _ => {}
                    }
                    if matches!(*request, INITIATE | VERIFY) && !(written && durable) {
                        return Err(format!("not on the disk before it was sent: {call}"));
                    }
                    written = false;
                }
                _ => {}
            }
        }
        if (initiates, verifies) != (1, 1) {
            return Err(format!(
                "the log shows {initiates} initiates and {verifies} verifies, not one of each"
            ));
        }
        Ok(())
    }

    /// Each line, with its thread.
    fn lines(&self) -> impl Iterator<Item = (&str, Line<'_>)> {
        self.log.lines().filter_map(|line| {
            let (thread, rest) = line.split_once(' ')?;
            Some((thread, parse(rest.trim_start())))
        })
    }
}

const INITIATE: &str = "\"POST /order/initiate ";
const VERIFY: &str = "\"POST /order/verify/";
const REQUESTS: [&str; 3] = ["\"GET /order/inquiry/", INITIATE, VERIFY];

fn parse(line: &str) -> Line<'_> {
    if line.starts_with("<... ") {
        return Line::Ends(line);
    }
    match line.split_once('(') {
        Some((name, _))
            if name
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'_') =>
        {
            Line::Begins(name, line)
        }
        _ => Line::Other,
    }
}

/// Whether a call is about the store's file or its log.
fn is_store(call: &str) -> bool {
    let descriptor = call.split_once('>').map_or(call, |(first, _)| first);
    descriptor.contains("/orders.sqlite")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(log: &str) -> Trace {
        Trace {
            log: log.to_owned(),
            ended: ExitStatus::from_raw(0),
        }
    }

    const WELL: &str = "\
7 execve(\"shop\", [\"shop\"], 0x7ffd /* 9 vars */) = 0
7 writev(9<socket:[1]>, [{iov_base=\"POST /authenticate HTTP/1.1\"...}], 1) = 99
8 pwrite64(10</tmp/a/orders.sqlite-wal>, \"x\", 24, 0) = 24
8 fdatasync(10</tmp/a/orders.sqlite-wal> <unfinished ...>
7 epoll_wait(3<anon_inode:[eventpoll]>,  <unfinished ...>
8 <... fdatasync resumed>) = 0
7 <... epoll_wait resumed>[], 1024, 0) = 1
7 writev(9<socket:[1]>, [{iov_base=\"POST /order/initiate HTTP/1.1\"...}], 1) = 99
7 sendto(9<socket:[1]>, \"GET /order/inquiry/a HTTP/1.1\"..., 99, 0, NULL, 0) = 99
8 pwrite64(10</tmp/a/orders.sqlite-wal>, \"x\", 24, 0) = 24
8 fdatasync(10</tmp/a/orders.sqlite-wal>) = 0
7 sendto(9<socket:[1]>, \"POST /order/verify/a HTTP/1.1\"..., 99, 0, NULL, 0) = 99
8 +++ exited with 0 +++
";

    #[test]
    fn an_intent_on_the_disk_is_seen() {
        assert_eq!(trace(WELL).sends_after_the_disk(), Ok(()));
    }

    #[test]
    fn an_intent_that_is_not_on_the_disk_is_seen() {
        let lines: Vec<_> = WELL.lines().collect();
        // Each write and each fsync in turn: without it S7 does not hold.
        for left_out in [2, 5, 9, 10] {
            let mut lines = lines.clone();
            lines.remove(left_out);
            let trace = trace(&lines.join("\n"));
            assert!(trace.sends_after_the_disk().is_err(), "{left_out}");
        }
        let failed = WELL.replace("resumed>) = 0", "resumed>) = -1 EIO");
        assert!(trace(&failed).sends_after_the_disk().is_err());
        let cut: Vec<_> = lines[..9].to_vec();
        assert!(trace(&cut.join("\n")).sends_after_the_disk().is_err());
    }

    #[test]
    fn calls_are_counted_by_thread() {
        let calls = trace(WELL).most_by_a_thread(|_| true);
        let calls: Vec<_> = calls.iter().map(|(name, most)| (&**name, *most)).collect();
        let expected = [
            ("epoll_wait", 1),
            ("execve", 1),
            ("fdatasync", 2),
            ("pwrite64", 2),
            ("sendto", 2),
            ("writev", 2),
        ];
        assert_eq!(calls, expected);
    }
}
