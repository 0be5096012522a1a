//! The fault matrix: what comes of each of the five operations under each outcome that
//! the rules know, as one table, [`CELLS`].
//!
//! A cell is a test of its own on every transport. `jibit-hyper` and `jibit-blocking`
//! make them by `tests!`, from how their client is built; each runs the whole client
//! over a real socket against the sandbox, whose plan of faults brings the outcome about
//! in every form that the row lists. `cargo xtask matrix` writes the table into
//! `docs/fault-matrix.md` and holds that no cell is without its tests.
//!
//! A new row is a variant of [`Row`], with the operations that it applies to and its
//! forms, a line of [`CELLS`] for each operation, and a name in `tests!`.

mod cells;
// A test's own code: what does not work fails the test.
#[cfg(feature = "run")]
#[allow(clippy::expect_used)]
mod run;

pub use cells::{CELLS, Cell, OPERATIONS, Row};
#[cfg(feature = "run")]
pub use run::{Shop, hold};

/// The tests of all cells: `tests!(shop)`, where `shop` makes a [`Shop`] from a `Config`.
#[cfg(feature = "run")]
#[macro_export]
macro_rules! tests {
    ($shop:path) => {
        $crate::tests!(@ $shop;
            authenticate_not_sent authenticate_lost authenticate_unauthorized
            authenticate_client_error authenticate_not_found authenticate_too_many
            authenticate_busy authenticate_server_error authenticate_redirect
            authenticate_refused authenticate_unreadable
            refresh_not_sent refresh_lost refresh_unauthorized
            refresh_client_error refresh_not_found refresh_too_many
            refresh_busy refresh_server_error refresh_redirect
            refresh_refused refresh_unreadable
            initiate_not_sent initiate_lost initiate_unauthorized
            initiate_client_error initiate_not_found initiate_too_many
            initiate_busy initiate_server_error initiate_redirect
            initiate_refused initiate_unreadable initiate_differs initiate_unsafe_redirect_url
            verify_not_sent verify_lost verify_unauthorized
            verify_client_error verify_not_found verify_too_many
            verify_busy verify_server_error verify_redirect
            verify_refused verify_unreadable verify_differs
            inquiry_not_sent inquiry_lost inquiry_unauthorized
            inquiry_client_error inquiry_not_found inquiry_too_many
            inquiry_busy inquiry_server_error inquiry_redirect
            inquiry_refused inquiry_unreadable inquiry_differs
            inquiry_unknown_state inquiry_purchased inquiry_confirmed
            inquiry_not_yet inquiry_cancelled
        );
    };
    (@ $shop:path; $($cell:ident)*) => {
        $(
            #[test]
            fn $cell() {
                $crate::hold(stringify!($cell), $shop);
            }
        )*
    };
}
