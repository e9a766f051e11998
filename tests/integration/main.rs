//! The parts against real sockets and real files, in one binary.

mod fetch;
