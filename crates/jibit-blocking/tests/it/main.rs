//! The client on threads, and its transport on ureq.

mod conformance;
