//! Faults of this machine, recognised by their error numbers. They say nothing about a link.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use crate::domain::visit::LocalFault;

/// The fault of this machine behind an error, if it is one.
pub(super) fn of_io(error: &io::Error) -> Option<LocalFault> {
    Some(match Errno::from_io_error(error)? {
        Errno::NETUNREACH | Errno::NETDOWN | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT => {
            LocalFault::NoRoute
        }
        Errno::ADDRNOTAVAIL | Errno::ADDRINUSE => LocalFault::NoLocalAddress,
        Errno::MFILE | Errno::NFILE => LocalFault::NoFileDescriptor,
        Errno::NOBUFS | Errno::NOMEM => LocalFault::NoMemory,
        Errno::PERM | Errno::ACCESS => LocalFault::Forbidden,
        Errno::NOSPC | Errno::DQUOT => LocalFault::DiskFull,
        _ => return None,
    })
}

/// Checks that this machine has a route to the address. It sends nothing: to connect a
/// UDP socket only looks up the route.
pub(super) fn check_route(to: SocketAddr) -> Result<(), LocalFault> {
    let from: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let connected = UdpSocket::bind(from).and_then(|socket| socket.connect(to));
    connected.map_err(|error| of_io(&error).unwrap_or(LocalFault::NoRoute))
}

/// The fault that keeps this machine from opening a socket, if there is one.
pub(super) fn of_sockets() -> Option<LocalFault> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).err().and_then(|error| of_io(&error))
}

/// How many requests each fault prevented.
#[derive(Debug, Default)]
pub(super) struct FaultCounts(Mutex<BTreeMap<LocalFault, u32>>);

impl FaultCounts {
    pub(super) fn count(&self, fault: LocalFault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(fault).or_default() += 1;
    }

    pub(super) fn add(&self, faults: &BTreeMap<LocalFault, u32>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (fault, count) in faults {
            *counts.entry(*fault).or_default() += count;
        }
    }

    pub(super) fn counts(&self) -> BTreeMap<LocalFault, u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_number_decides() {
        let table = [
            (Errno::NETUNREACH, Some(LocalFault::NoRoute)),
            (Errno::ADDRNOTAVAIL, Some(LocalFault::NoLocalAddress)),
            (Errno::MFILE, Some(LocalFault::NoFileDescriptor)),
            (Errno::NFILE, Some(LocalFault::NoFileDescriptor)),
            (Errno::NOBUFS, Some(LocalFault::NoMemory)),
            (Errno::PERM, Some(LocalFault::Forbidden)),
            (Errno::ACCESS, Some(LocalFault::Forbidden)),
            (Errno::NOSPC, Some(LocalFault::DiskFull)),
            (Errno::CONNREFUSED, None),
            (Errno::CONNRESET, None),
            (Errno::TIMEDOUT, None),
            (Errno::HOSTUNREACH, None),
        ];
        for (errno, fault) in table {
            assert_eq!(of_io(&errno.into()), fault, "{errno:?}");
        }
        assert_eq!(of_io(&io::Error::other("no number")), None);
    }

    #[test]
    fn this_machine_has_a_route_to_itself_and_none_to_a_forbidden_address() {
        assert_eq!(check_route(([127, 0, 0, 1], 80).into()), Ok(()));
        // Sending to the broadcast address needs a permission that the socket does not have.
        assert!(check_route((Ipv4Addr::BROADCAST, 80).into()).is_err());
    }
}
