pub(crate) mod authenticate;
pub(crate) mod completions;
pub(crate) mod control;
pub(crate) mod faults;
pub(crate) mod initiate;
pub(crate) mod inquiry;
pub(crate) mod sandbox;
pub(crate) mod verify;
