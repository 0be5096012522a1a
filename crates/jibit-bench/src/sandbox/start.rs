//! From nothing to the first answer to a login.

use super::Bench;
use crate::{
    Outcome,
    figures::Figure,
    process::{Core, Server},
    requests::Merchant,
    start,
    wire::Connection,
};

/// In milliseconds.
const BOUND: f64 = 50.0;

pub(super) fn measure(bench: &Bench) -> Outcome<Figure> {
    start::measure("start to first answer", BOUND, || {
        let sandbox = Server::sandbox(&bench.jibit, Core(None))?;
        let login = Merchant::new(sandbox.address).authenticate();
        let mut connection = Connection::open(sandbox.address)?;
        connection.exchange(&login)?.success().map(drop)
    })
}
