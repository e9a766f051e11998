//! This machine, for logs and for the names of processes.

use std::path::Path;

/// The name of the machine and the number of the process, which tell processes of several
/// machines apart.
pub fn process_name() -> String {
    name_of_process(std::process::id())
}

/// Whether no process of this machine but this one has this number.
pub fn is_gone(process: u32) -> bool {
    process == std::process::id() || !Path::new("/proc").join(process.to_string()).exists()
}

/// The name of the process of this machine with this number.
pub fn name_of_process(id: u32) -> String {
    let name = std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
    let name = if name.trim().is_empty() { "unknown" } else { name.trim() };
    format!("{name}/{id}")
}
